"""Outer folds of nested cross-validation: every example is tested once, by runs that do not train on it."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import csv

from linnet.training.components import build_data

CHOSEN = ("data.outer_folds=3", "resampling=none")


def values(examples):
    return set(examples.x[:, 0].tolist())


def parts(checked, *overrides):
    """(values of the first feature for training and validation, for testing) of each outer fold."""
    found = []
    for fold in range(3):
        data = build_data(checked(*overrides, *CHOSEN, f"data.outer_fold={fold}"))
        found.append((values(data.train) | values(data.val), values(data.test)))
    return found


def assert_each_is_tested_once(found, n):
    everything = set().union(*(test for _, test in found))
    assert len(everything) == n == sum(len(test) for _, test in found)
    for train, test in found:
        assert not train & test and train | test == everything


def test_of_examples_in_memory(checked):
    found = parts(checked, "data=synthetic_regression", "data.n_train=20", "data.val_fraction=0.2")
    assert_each_is_tested_once(found, 20)


def test_of_classes_has_equal_shares_in_each(checked):
    counts = []
    for fold in range(3):
        data = build_data(checked("data=digits", *CHOSEN, f"data.outer_fold={fold}"))
        counts.append(data.test.y.bincount(minlength=10))
    assert (torch.stack(counts).amax(0) - torch.stack(counts).amin(0)).max() <= 1


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "rows.csv"
    csv.write_csv(pa.table({"x": np.arange(40.0), "y": np.arange(40.0) % 7 / 2, "who": np.arange(40) // 5}), path)
    return [f"data.path={path}", "data=table", "data.target=y", "data.standardize=false"]


def test_of_a_table_are_of_its_rows_before_anything_is_fitted(table, checked):
    assert_each_is_tested_once(parts(checked, *table, "data.features=[x]"), 40)


def test_of_groups_keep_these_whole(table, checked):
    found = parts(checked, *table, "data.group=who")
    assert_each_is_tested_once(found, 40)
    for train, test in found:
        assert not {value // 5 for value in train} & {value // 5 for value in test}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.outer_folds=3"], "data.outer_fold=None: expected a whole number below data.outer_folds=3"),
        (["data.outer_fold=0"], "data.outer_fold=0: expected a whole number below data.outer_folds=None"),
        (["data.outer_folds=3", "data.outer_fold=3"], "data.outer_fold=3: expected a whole number below"),
        (
            ["data.outer_folds=3", "data.outer_fold=0", "resampling=time_series"],
            "resampling=time_series keeps an order or folds of its own: use resampling=kfold or group_kfold",
        ),
    ],
)
def test_refuses(overrides, message, refusal, workplace):
    assert message in refusal("train", *overrides)
