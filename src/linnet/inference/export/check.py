"""Check that an exported file predicts what its run does, before it is written."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from hydra.utils import get_method
from numpy.typing import NDArray

from linnet.config.check_options import declared
from linnet.config.option_types import options_of
from linnet.config.skeleton import skeleton
from linnet.data.table.delimited import CsvFormat
from linnet.data.table.read import read
from linnet.inference.export.terms import Floats, Inputs, Term, terms, typed
from linnet.inference.predictor import Predictor
from linnet.system.errors import InputError

TOLERANCE = 1e-6
"""Largest difference, relative to the largest prediction."""
ROWS = 1000
UNSEEN = "a level that was never seen"
UNSEEN_NUMBER = "-987654321.25"


class Sample(NamedTuple):
    """Inputs of an exported model, and what the run predicts of them.

    words: where they are from.
    inputs: columns of a table, or features `[N, D]`.
    expected: `[N, C]`.
    """

    words: str
    inputs: Inputs | NDArray[Any]
    expected: Floats


def samples(predictor: Predictor, config: Mapping[str, Any], *, torch: bool = True) -> Iterator[Sample]:
    """Yield rows of the run's own data, if it is still there, and rows made up of all that the model knows.

    Args:
        predictor: of the run.
        config: of the run.
        torch: use the run's own data also where reading it takes torch.
    """
    own = None
    try:
        declaration = declared(config["data"])
        if declaration.is_table:
            own = _own_rows(predictor, config)
        elif declaration.read_features or torch:
            x = (_read_features if declaration.read_features else _build_features)(config)
            own = _of_arrays(predictor, x, f"{len(x)} training examples")
    except (InputError, OSError, MemoryError):  # the data has gone, or is no longer what it was: the others must do
        pass
    if own is not None and len(own.expected):
        yield own
    rng = np.random.default_rng(0)
    if predictor.table is None:
        shape = (ROWS, predictor.n_features)
        x = rng.random(shape) if predictor.image_shape else rng.standard_normal(shape) * _spread(predictor.weight)
        yield _of_arrays(predictor, x, f"{ROWS} made-up rows")
    else:
        missing = predictor.table.missing == "mean"
        made_up = {term.column.name: _made_up(term, missing, rng) for term in terms(predictor)}
        yield _of_table(predictor, pa.table(made_up), f"{ROWS} made-up rows")


def largest_difference(sample: Sample, found: Floats, classes: NDArray[Any] | None, predictor: Predictor) -> float:
    """Return the largest difference from the expected predictions, relative to the largest; inf if a class differs.

    Args:
        sample: of the inputs.
        found: predictions `[N, C]`.
        classes: `[N]`, or None where the file names none.
        predictor: of the run.
    """
    expected = sample.expected
    if found.shape != expected.shape:
        return np.inf
    same = found == expected  # infinite rates among them
    difference = np.abs(np.where(same, 0, found - np.where(same, 0, expected)))
    if classes is not None:
        index = {name: i for i, name in enumerate(predictor.class_names)}
        chosen = expected[np.arange(len(expected)), [index[name] for name in classes]]
        if (chosen < expected.max(axis=1) - TOLERANCE).any():
            return np.inf
    finite = np.abs(expected[np.isfinite(expected)])
    worst = float((difference / max(float(finite.max(initial=0)), 1e-300)).max())
    return worst if worst == worst else np.inf


def _own_rows(predictor: Predictor, config: Mapping[str, Any]) -> Sample:
    options = config["data"]
    csv_format = CsvFormat(**{key: options[key] for key in CsvFormat._fields if key in options})
    rows = read("data.path", options["path"], csv_format)
    table = rows.table.slice(0, ROWS)
    return _of_table(predictor, table, f"{table.num_rows} rows of {rows.files[0]}")


def _of_table(predictor: Predictor, table: pa.Table, words: str) -> Sample:
    assert predictor.table is not None
    applied = predictor.table.apply(table)
    inputs = {name: values[applied.rows] for name, values in typed(predictor.table, table).items()}
    return Sample(words, inputs, predictor.outputs(applied.x))


def _read_features(config: Mapping[str, Any]) -> Floats:
    """Read features of training examples `[n, D]` by the function that the data source names."""
    read = declared(config["data"]).read_features
    options = {key: config["data"][key] for key in options_of(skeleton(read)) if key != "count"}
    features: Floats = get_method(read)(**options, count=ROWS)
    return features


def _build_features(config: Mapping[str, Any]) -> Floats:
    """Build the run's data, and return features of training examples `[n, D]`."""
    options = dict(config["data"])
    if "download" in options:
        options["download"] = False  # what is not here is not worth waiting for
    from linnet.training.components import build_data  # late, since it imports torch

    batch = next(build_data({**config, "data": options}).source.train.raw_chunks(ROWS))
    features: Floats = (batch.x.double() * batch.scale).numpy()
    return features


def _of_arrays(predictor: Predictor, x: Floats, words: str) -> Sample:
    return Sample(words, x, predictor.outputs(predictor.features(x)))


def _spread(weight: Floats) -> Floats:
    """Return the change of each feature that changes a score by 1, `[D]`, so that every weight counts in any units."""
    largest = np.abs(weight).max(axis=0)
    return np.where(largest > 0, 1 / np.where(largest > 0, largest, 1), 1)


def _made_up(term: Term, missing: bool, rng: np.random.Generator) -> pa.Array:
    """Return values around the mean, or all levels and an unseen one; a tenth missing if the model takes that."""
    column = term.column
    if column.kind == "category":
        unseen = UNSEEN_NUMBER if column.by_value else UNSEEN
        spellings = [*column.levels, unseen, *(f" {level}\t" for level in column.levels)]
        if column.by_value:
            spellings += [f"{level}.0" for level in column.levels if level.lstrip("-").isdecimal()]
        spellings += ["NA", " "] if missing else []
        values: list[Any] = rng.choice(np.array(spellings, object), ROWS).tolist()
    elif column.kind == "boolean":
        values = (rng.random(ROWS) < 0.5).astype(np.float64).tolist()
    else:
        values = ((column.mean or 0.0) + _spread(term.own) * rng.standard_normal(ROWS)).tolist()
    if missing:
        values = [None if lacks else value for value, lacks in zip(values, rng.random(ROWS) < 0.1, strict=True)]
    return pa.array(values, pa.string() if column.kind == "category" else pa.float64())
