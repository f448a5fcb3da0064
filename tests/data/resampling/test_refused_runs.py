"""Runs whose resamples cannot be had end with one line that says what to do, and leave nothing behind."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv


@pytest.fixture
def train(refusal, workplace):
    """A function of columns and overrides that returns the line by which a run on such a table is refused."""

    def refused(columns, *overrides):
        csv.write_csv(pa.table(columns), workplace / "rows.csv")
        return refusal("train", "data=table", "data.path=rows.csv", "data.test_fraction=0", *overrides)

    return refused


X = np.arange(12.0) ** 2 % 7
RARE = ["usual"] * 10 + ["rare"] * 2


@pytest.mark.parametrize(
    ("columns", "overrides", "message"),
    [
        ({"y": RARE}, ["resampling=kfold"], "class rare has 2 training examples, fewer than folds: use resampling.n_f"),
        ({"y": X * 2}, ["resampling=kfold", "resampling.n_folds=20"], "use at most resampling.n_folds=12"),
        (
            {"y": X * 2, "who": ["me"] * 12}, ["resampling=group_kfold", "data.group=who"],
            "resampling=group_kfold: all training examples are of one group, which cannot be on both sides of a fold",
        ),
        (
            {"y": RARE, "who": ["a", "b"] * 5 + ["c"] * 2},
            ["resampling=group_kfold", "resampling.n_folds=3", "data.group=who"],
            "trains on no example of class rare",
        ),
        ({"y": RARE}, ["resampling=time_series"], "resample 0 trains on no example of class rare: use fewer folds"),
        (
            {"y": X * 2, "w": [0.0] * 6 + [1.0] * 6}, ["resampling=time_series", "data.weight=w"],
            "all training examples of resample 0 have weight 0",
        ),
        ({"y": X * 2, "part": ["a"] * 12}, ["resampling=given_folds", "data.fold=part"], "have 1 fold, at least 2 are"),
        (
            {"y": X * 2, "who": ["a", "b"] * 6, "part": ["i"] * 5 + ["j"] * 7},
            ["resampling=given_folds", "data.fold=part", "data.group=who"],
            "data.fold: 2 groups of data.group are divided among folds",
        ),
    ],
)  # fmt: skip
def test_is_refused_in_one_line(columns, overrides, message, train):
    assert message in train({"x": X, **columns}, "data.target=y", *overrides)


def test_one_row(refusal):
    """Of a table, which refuses it itself, or made: no fold could be left to train on."""
    line = refusal("train", "data=synthetic_regression", "data.n_train=1", "resampling=kfold")
    assert line.endswith("it needs at least 2 training examples, there is 1: use resampling=none")
