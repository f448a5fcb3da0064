"""Tables for tests, and the source that reads them."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from linnet.config.groups import shipped
from linnet.data import Examples, Source, table_rows
from linnet.system.errors import InputError
from linnet.training.components import PREPARATION

CITIES = ("Oslo", "Rome", "Lima")


def csv_text(columns: Mapping[str, Sequence[Any]], delimiter: str = ",") -> str:
    """The columns as CSV; None becomes an empty value."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def write_csv(path: Path, columns: Mapping[str, Sequence[Any]]) -> str:
    """Write the columns as CSV, and return the path as the configuration takes it."""
    path.write_text(csv_text(columns), encoding="utf-8")
    return str(path)


def people(n_rows: int = 100, seed: int = 0) -> dict[str, list[Any]]:
    """A table with a column of each kind: age (number), smoker (boolean), city (text), y (numbers to predict)."""
    rng = np.random.default_rng(seed)
    return {
        "age": rng.integers(18, 90, n_rows).tolist(),
        "smoker": rng.choice(["true", "false"], n_rows).tolist(),
        "city": rng.choice(CITIES, n_rows).tolist(),
        "y": rng.standard_normal(n_rows).round(6).tolist(),
    }


def source(path: Any, target: str = "y", **options: Any) -> Source:
    """What `data=table` yields with these options, others as in conf/data/table.yaml."""
    node = {key: value for key, value in shipped()["data"]["table"].items() if key not in PREPARATION}
    del node["_target_"]
    defaults = node | {"val_fraction": 0.1, "seed": 0, "dtype": "float64"}
    return table_rows(**defaults | {"path": path, "target": target} | options)


def refusal(*arguments: Any, **options: Any) -> str:
    """The one line with which the source is refused."""
    with pytest.raises(InputError) as caught:
        source(*arguments, **options)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def parts(data: Source) -> dict[str, Examples]:
    """Those that there are."""
    return {name: part for name in ("train", "val", "test") if (part := getattr(data, name)) is not None}


def n_rows(data: Source) -> int:
    return sum(len(part) for part in parts(data).values())


def row_notes(data: Source, *words: str) -> bool:
    """Whether one line of the summary has all the words."""
    return any(all(word in line for word in words) for line in data.summary)
