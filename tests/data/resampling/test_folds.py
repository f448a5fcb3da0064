"""Folds: their properties, and scikit-learn's where nothing is drawn."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from resampled import assert_same_sides, classes
from sklearn.model_selection import KFold as SklearnKFold, LeaveOneOut as SklearnLeaveOneOut, StratifiedKFold

from linnet.data.resampling import GivenFolds, KFold, Labels, LeaveOneOut
from linnet.data.resampling.resamples import resamples_of
from linnet.system.errors import InputError


class TestKFold:
    @given(st.integers(2, 9), st.integers(0, 40), st.integers(1, 3), st.integers(0, 5))
    def test_each_example_is_held_out_once_per_repeat_and_sizes_differ_by_at_most_one(self, k, more, repeats, seed):
        made = KFold(k, repeats).resamples(Labels(k + more), seed)
        assert made.fold.shape == (repeats, k + more) and len(made) == repeats * k
        assert (made.held_out.sum(dim=0) == repeats).all()
        assert torch.equal(made.train, (~made.held_out).byte())
        sizes = made.held_out.sum(dim=1)
        assert sizes.max() - sizes.min() <= 1

    @given(st.lists(st.integers(0, 3), max_size=40), st.integers(2, 4), st.booleans(), st.integers(0, 5))
    def test_counts_of_each_class_differ_by_at_most_one(self, some, k, shuffle, seed):
        labels = classes(*some, *[0, 1, 2, 3] * k)
        made = KFold(k, shuffle=shuffle).resamples(labels, seed)
        counts = torch.stack([labels.classes[mask].bincount(minlength=4) for mask in made.held_out])
        assert (counts.amax(dim=0) - counts.amin(dim=0)).max() <= 1
        assert counts.sum(dim=1).max() - counts.sum(dim=1).min() <= 1

    @pytest.mark.parametrize(("n", "k"), [(10, 3), (11, 4), (5, 5)])
    def test_without_shuffle_is_that_of_scikit_learn(self, n, k):
        made = KFold(k, shuffle=False).resamples(Labels(n), 0)
        assert_same_sides(made, SklearnKFold(k).split(np.zeros(n)))

    def test_of_classes_without_shuffle_is_the_stratified_one_of_scikit_learn(self):
        y = np.random.default_rng(0).permutation(np.repeat([2, 0, 1], [11, 7, 16]))
        made = KFold(4, shuffle=False).resamples(classes(*y.tolist()), 0)
        assert_same_sides(made, StratifiedKFold(4).split(np.zeros((len(y), 1)), y))

    def test_is_a_pure_function_of_options_and_seed(self):
        """As pinned here: the same on every machine, else saved and recomputed folds differ."""
        assert KFold(3, 2).resamples(Labels(8), 7).fold.tolist() == PINNED
        assert KFold(3).resamples(classes(0, 1, 0, 1, 0, 1, 0, 1), 7).fold.tolist() == PINNED_STRATIFIED
        assert KFold(3, 2).resamples(Labels(8), 8).fold.tolist() != PINNED

    def test_repeats_are_different_partitions(self):
        one, other = KFold(5, 2).resamples(Labels(50), 0).fold
        assert not torch.equal(one, other)

    @pytest.mark.parametrize(
        ("options", "labels", "message"),
        [
            ({"n_folds": 5}, Labels(4), r"n_folds=5: there are only 4 .* use at most resampling.n_folds=4$"),
            ({}, Labels(1), r"needs at least 2 training examples, there is 1: use resampling=none$"),
            ({"repeats": 2, "shuffle": False}, Labels(9), r"repeats=2: without resampling.shuffle=true"),
            ({}, classes(*[0] * 9, *[1] * 3), r"class b has 3 training examples, .* use resampling.n_folds=3, or"),
            ({}, classes(*[0] * 9, 1), r"class b has 1 training example, fewer than folds: leave this class out"),
        ],
    )
    def test_refuses(self, options, labels, message):
        with pytest.raises(InputError, match=message):
            KFold(**options).resamples(labels, 0)

    def test_refuses_one_fold(self):
        with pytest.raises(ValueError, match="n_folds must be a whole number in"):
            KFold(1)


PINNED = [[2, 1, 2, 0, 1, 0, 0, 1], [2, 0, 1, 1, 2, 0, 0, 1]]
PINNED_STRATIFIED = [[1, 2, 2, 0, 0, 1, 0, 1]]


class TestLeaveOneOut:
    def test_is_that_of_scikit_learn(self):
        assert_same_sides(LeaveOneOut().resamples(Labels(5), 0), SklearnLeaveOneOut().split(np.zeros(5)))

    def test_of_many_examples_needs_no_matrix_until_it_is_asked_for(self):
        made = LeaveOneOut().resamples(Labels(100_000), 0)
        assert len(made) == made.n_examples == 100_000 and made.fold.numel() == 100_000
        with pytest.raises(InputError, match="100000 resamples of 100000 training examples do not fit"):
            _ = made.train

    def test_refuses_one_example(self):
        with pytest.raises(InputError, match="resampling=leave_one_out: it needs at least 2 training examples"):
            LeaveOneOut().resamples(Labels(1), 0)


class TestGivenFolds:
    def test_holds_out_rows_of_one_value_and_never_those_without(self):
        made = GivenFolds().resamples(Labels(6, folds=torch.tensor([4, 2, -1, 4, 7, 2])), 0)
        assert made.fold.tolist() == [[1, 0, -1, 1, 2, 0]]
        assert made.held_out.int().sum(dim=0).tolist() == [1, 1, 0, 1, 1, 1]
        assert made.train[:, 2].tolist() == [1, 1, 1]

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            (Labels(3), "give data.fold=NAME"),
            (Labels(3, folds=torch.tensor([1, 1, -1])), "have 1 fold, at least 2 are needed"),
            (
                Labels(4, groups=torch.tensor([0, 0, 1, 1]), folds=torch.tensor([0, 1, 1, 1])),
                "data.fold: 1 group of data.group is divided among folds",
            ),
        ],
    )
    def test_refuses(self, labels, message):
        with pytest.raises(InputError, match=message):
            GivenFolds().resamples(labels, 0)


@pytest.mark.parametrize("made", [KFold(3, 2).resamples(Labels(8), 0), LeaveOneOut().resamples(Labels(4), 0)])
def test_are_made_again_of_their_tensors(made):
    again = resamples_of(made.tensors())
    assert torch.equal(again.fold, made.fold) and torch.equal(again.held_out, made.held_out)
