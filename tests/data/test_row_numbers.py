"""Training examples are known by their rows in the data as read, whatever was split off or left out."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_digits

import linnet

pytestmark = pytest.mark.usefixtures("workplace")
Y = np.arange(40.0) ** 2


def trained(*given: Any, **options: Any) -> Any:
    return linnet.train(*given, max_epochs=1, optimum="off", tracked=False, quiet=True, **options).data


def table() -> pd.DataFrame:
    """Return 40 rows of distinct targets, of which every seventh lacks the target and every ninth a feature."""
    frame = pd.DataFrame({"x": np.cos(Y), "part": ["train", "train", "test", "val"] * 10, "y": Y})
    frame.loc[::7, "y"] = np.nan
    frame.loc[::9, "x"] = np.nan
    return frame


@pytest.mark.parametrize(
    "options",
    [
        {"missing": "drop"}, {"missing": "drop", "split_column": "part"},
        {"missing": "drop", "val_fraction": 0.25, "test_fraction": 0},
    ],
)  # fmt: skip
@pytest.mark.parametrize("by_file", [False, True])
def test_of_a_table(options: dict[str, Any], by_file: bool) -> None:
    frame = table()
    if by_file:
        frame.to_csv("t.csv", index=False)
        data = trained({"data": "table", "data.path": "t.csv", "data.target": "y"}, **options)
    else:
        data = trained(frame, "y", **options)
    assert 0 < len(data.train) < 30
    assert frame["y"][data.row_numbers.tolist()].tolist() == data.train_as_read.y[:, 0].tolist()


def test_of_files_of_a_test_part() -> None:
    frame = table().dropna()
    frame[:20].to_csv("train.csv", index=False)
    frame[20:].to_csv("test.csv", index=False)
    data = trained(["data=table", "data.path=train.csv", "data.test_path=test.csv", "data.target=y"])
    assert len(data.train) < 20
    assert frame["y"].iloc[data.row_numbers.tolist()].tolist() == data.train_as_read.y[:, 0].tolist()


def test_of_an_array() -> None:
    data = trained(np.random.default_rng(0).normal(size=(40, 2)), Y, val_fraction=0.3)
    assert Y[data.row_numbers].tolist() == data.train_as_read.y[:, 0].tolist()


@pytest.mark.parametrize(("name", "bunch"), [("diabetes", load_diabetes), ("digits", load_digits)])
def test_of_data_that_is_shipped(name: str, bunch: Any) -> None:
    data = trained({"data": name}, val_fraction=0.2)
    x = bunch().data[data.row_numbers]
    read = data.train_as_read.x.double().numpy()
    scale = np.linalg.lstsq(read.reshape(-1, 1), x.reshape(-1), rcond=None)[0][0]
    np.testing.assert_allclose(read * scale, x, atol=1e-6 * np.abs(x).max())
