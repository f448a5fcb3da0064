"""Labels of arrays as classes by value."""

from pathlib import Path

import numpy as np
import pytest

from linnet.data.storage.class_labels import NUMBER, Labels, canonical, distinct, infer_task, is_one_hot, read_labels
from linnet.data.storage.sharded_arrays import ShardedArray, find_shards
from linnet.data.table import levels
from linnet.system.errors import InputError


def shards(path: Path, *parts: object) -> ShardedArray:
    for i, part in enumerate(parts):
        np.save(path / f"y_{i}.npy", np.asarray(part))
    return find_shards("data.y", str(path / "y_*.npy"), text=True)


def test_numbers_are_what_tables_take_for_numbers():
    assert f"^{NUMBER.pattern}$" == levels.CANONICAL
    for name in ("3", "3.0", "-3", "3e0", "0.10", "1e30", "-0", "100000000000000000000"):
        assert canonical(name) == levels.canonical(name)
    for name in ("03", "+3", "three", ""):
        assert canonical(name) == name


def test_numbers_are_in_the_order_of_their_values_and_compare_by_value(tmp_path):
    y = shards(tmp_path, np.array(["10", "9", "-1"] * 3), np.array(["9.0", "1e1", "-1.0"]))
    labels = read_labels(y, [])
    assert labels == Labels(("-1", "9", "10"), by_value=True)
    assert labels.codes("data.y", np.array(["1e1", "9.00", "-1"])).tolist() == [2, 1, 0]


def test_shards_of_different_types_keep_every_digit(tmp_path):
    large = 2**63
    y = shards(tmp_path, np.array([large, large + 1] * 4, np.uint64), np.array([large - 1, -5] * 4, np.int64))
    assert read_labels(y, []).names == ("-5", f"{large - 1}", f"{large}", f"{large + 1}")


def test_absent_classes_follow_in_order(tmp_path):
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
    train, test = shards(tmp_path / "train", [3, 1] * 4), shards(tmp_path / "test", [1, 30, 4])
    labels = read_labels(train, [test])
    assert (labels.names, labels.absent) == (("1", "3"), ("4", "30"))
    assert labels.codes("data.y", np.array([30, 4, 3, 1])).tolist() == [-2, -1, 1, 0]
    with pytest.raises(InputError, match=r"data.y has the class 99, which was not there when the run began"):
        labels.codes("data.y", np.array([99]))


def test_one_hot_rows():
    assert is_one_hot(np.eye(3))
    assert not is_one_hot(np.eye(3)[:, :2])
    assert not is_one_hot(2 * np.eye(3))
    assert not is_one_hot(np.full((2, 2), np.nan))
    assert not is_one_hot(np.ones((3, 1)))


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.5])
def test_what_is_not_whole_is_no_label(value):
    with pytest.raises(InputError, match=f"the targets in data.y are numbers, {value:g} is not whole"):
        distinct("data.y", np.array([1.0, value]))


@pytest.mark.parametrize(("y", "task"), [
    (np.arange(100) % 20, "classification"),
    (np.arange(100.0) % 20, "classification"),
    (np.arange(105.0) % 21, "regression"),  # more than 20 values
    (np.arange(99.0) % 20, "regression"),  # fewer than five rows of each
    (np.arange(100) % 2 + 0.5, "regression"),
    (np.zeros(100), "regression"),
    (np.array([0.0, np.nan] * 50), "regression"),
    (np.eye(4, dtype=np.float16)[np.arange(100) % 4], "classification"),
    (np.eye(4)[np.arange(100) % 4] * 2, "regression"),
    (np.ones((100, 4)), "regression"),
    (np.array(["a"] * 100), "classification"),
])  # fmt: skip
def test_the_task_follows_from_the_values(y, task, tmp_path):
    assert infer_task(str(shards(tmp_path, y).files[0].path)) == task
