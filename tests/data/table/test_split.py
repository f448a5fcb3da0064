"""Splits: every row in one part, classes in equal shares, groups whole, and a pure function of the seed."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from linnet.data.split import hold_out
from linnet.data.table.splits import assign
from linnet.system.errors import InputError

ROWS = np.arange(200)


class TestStratified:
    CLASSES = np.repeat([0, 1, 2], [120, 60, 20])

    def test_classes_are_held_out_in_equal_shares(self):
        _, held = hold_out(ROWS, 0.25, self.CLASSES, None, 0, "data/test")
        assert np.bincount(self.CLASSES[held]).tolist() == [30, 15, 5]

    @settings(max_examples=50)
    @given(
        counts=st.lists(st.integers(1, 40), min_size=1, max_size=6),
        fraction=st.floats(0.01, 0.99),
        seed=st.integers(0, 9),
    )
    def test_any_split_is_disjoint_and_leaves_every_class_to_train_on(self, counts, fraction, seed):
        classes = np.repeat(np.arange(len(counts)), counts)
        rows = np.arange(len(classes))
        stay, held = hold_out(rows, fraction, classes, None, seed, "data/test")
        assert np.array_equal(np.sort(np.concatenate([stay, held])), rows)
        assert set(classes[stay]) == set(classes)
        assert np.all(np.abs(np.bincount(classes[held], minlength=len(counts)) - np.array(counts) * fraction) < 2)

    def test_is_a_pure_function_of_the_seed(self):
        first, again, other = (hold_out(ROWS, 0.2, self.CLASSES, None, seed, "data/test")[1] for seed in (0, 0, 1))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_of_nothing_holds_out_nothing(self):
        assert len(hold_out(ROWS, 0, None, None, 0, "data/test")[1]) == 0


class TestGroups:
    @pytest.mark.parametrize("seed", range(5))
    def test_stay_whole(self, seed):
        groups = np.random.default_rng(seed).integers(0, 30, 200)
        stay, held = hold_out(ROWS, 0.2, None, groups, seed, "data/test")
        assert not set(groups[stay]) & set(groups[held])
        assert abs(len(held) - 40) < 12  # no group is larger

    def test_leave_one_group_on_either_side(self):
        groups = np.repeat([0, 1], [199, 1])
        for fraction in (0.01, 0.99):
            stay, held = hold_out(ROWS, fraction, None, groups, 0, "data/test")
            assert len(stay)
            assert len(held)

    def test_of_one_kind_are_refused(self):
        with pytest.raises(InputError, match="all rows are of one group"):
            hold_out(ROWS, 0.2, None, np.zeros(200, int), 0, "data/test")


class TestAssign:
    def test_validation_is_a_part_of_what_is_not_for_testing(self):
        parts = assign(ROWS, None, 0.2, 0.1, None, None, 0)
        assert {name: len(rows) for name, rows in parts.items()} == {"train": 144, "val": 16, "test": 40}

    def test_given_parts_are_kept_and_validation_drawn_only_where_there_is_none(self):
        given_parts = np.array(["train"] * 150 + ["test"] * 50)
        parts = assign(ROWS, given_parts, 0.2, 0.1, None, None, 0)
        assert np.array_equal(parts["test"], ROWS[150:])
        assert len(parts["val"]) == 15
        given_parts[:7] = "val"
        assert np.array_equal(assign(ROWS, given_parts, 0.2, 0.1, None, None, 0)["val"], ROWS[:7])

    def test_without_training_rows_is_refused(self):
        with pytest.raises(InputError, match="no rows are left to train on"):
            assign(ROWS, np.array(["test"] * 200), 0.2, 0.1, None, None, 0)
