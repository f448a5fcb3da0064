"""Groups, forward chaining and the bootstrap: their properties, and scikit-learn's where nothing is drawn."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from resampled import assert_same_sides, classes
from sklearn.model_selection import GroupKFold as SklearnGroupKFold, TimeSeriesSplit

from linnet.data.resampling import Bootstrap, GroupKFold, Labels, TimeSeries
from linnet.data.resampling.resamples import resamples_of
from linnet.system.errors import InputError


def groups(*indices):
    return Labels(len(indices), groups=torch.tensor(indices))


class TestGroupKFold:
    @given(st.lists(st.integers(0, 9), max_size=40), st.integers(2, 5), st.booleans(), st.integers(0, 5))
    def test_no_group_is_on_both_sides(self, some, k, shuffle, seed):
        labels = groups(*some, *range(5))
        made = GroupKFold(k, shuffle).resamples(labels, seed)
        for train, held_out in zip(made.train, made.held_out, strict=True):
            assert held_out.any()
            assert not set(labels.groups[train > 0].tolist()) & set(labels.groups[held_out].tolist())

    @pytest.mark.parametrize("shuffle", [True, False])
    def test_of_groups_of_different_sizes_is_that_of_scikit_learn(self, shuffle):
        labels = groups(*np.random.default_rng(0).permutation(np.repeat(range(9), range(1, 10))).tolist())
        expected = SklearnGroupKFold(3).split(np.zeros(labels.n_examples), groups=labels.groups.numpy())
        assert_same_sides(GroupKFold(3, shuffle).resamples(labels, 0), expected)

    def test_is_a_pure_function_of_options_and_seed(self):
        assert GroupKFold(3).resamples(groups(0, 0, 1, 1, 2, 3, 4), 7).fold.tolist() == PINNED_GROUPS

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            (Labels(3), "give data.group=NAME"),
            (groups(4, 4, 4), "all training examples are of one group, .* name another column"),
            (groups(0, 1, 2), "n_folds=5: .* have only 3 groups, .* use at most resampling.n_folds=3$"),
        ],
    )
    def test_refuses(self, labels, message):
        with pytest.raises(InputError, match=message):
            GroupKFold().resamples(labels, 0)


PINNED_GROUPS = [[0, 0, 1, 1, 2, 2, 0]]


class TestTimeSeries:
    @pytest.mark.parametrize(("n", "k", "gap"), [(12, 3, 0), (13, 5, 0), (20, 4, 2), (6, 5, 0), (3, 2, 0)])
    def test_is_that_of_scikit_learn(self, n, k, gap):
        made = TimeSeries(k, gap).resamples(Labels(n), 0)
        assert_same_sides(made, TimeSeriesSplit(k, gap=gap).split(np.zeros(n)))

    @pytest.mark.parametrize(
        ("part", "n", "message"),
        [
            (
                TimeSeries(),
                5,
                "needs more training examples than folds, there are 5: use at most resampling.n_folds=4$",
            ),
            (TimeSeries(2), 2, "there are 2: use resampling=none$"),
            (TimeSeries(2), 1, "needs at least 2 training examples"),
            (TimeSeries(2, gap=4), 12, "gap=4: the first fold has 4 examples .* use at most resampling.gap=3$"),
        ],
    )
    def test_refuses(self, part, n, message):
        with pytest.raises(InputError, match=message):
            part.resamples(Labels(n), 0)


class TestBootstrap:
    @given(st.integers(20, 60), st.integers(1, 4), st.integers(0, 5))
    def test_draws_as_many_as_there_are_and_holds_out_the_others(self, n, n_resamples, seed):
        made = Bootstrap(n_resamples).resamples(Labels(n), seed)
        assert made.fold is None and made.train.shape == (n_resamples, n)
        assert (made.train.long().sum(dim=1) == n).all()
        assert torch.equal(made.held_out, made.train == 0)

    def test_counts_are_those_of_a_multinomial_distribution(self):
        """Mean 1 and variance 1 − 1/N; a share of (1 − 1/N)^N is out of bag. Within 5 standard errors."""
        n, n_resamples = 100, 2000
        made = Bootstrap(n_resamples).resamples(Labels(n), 0)
        counts = made.train.double()
        per_example = counts.mean(dim=0)
        assert (per_example - 1).abs().max() < 5 / np.sqrt(n_resamples)
        assert float(counts.var(unbiased=False)) == pytest.approx(1 - 1 / n, abs=5 * np.sqrt(3 / counts.numel()))
        out = (1 - 1 / n) ** n
        assert float(made.held_out.double().mean()) == pytest.approx(out, abs=5 * np.sqrt(out / counts.numel()))

    def test_stratified_keeps_the_sizes_of_classes(self):
        labels = classes(*[0] * 30, *[1] * 12)
        made = Bootstrap(50, stratified=True).resamples(labels, 0)
        assert (made.train[:, 30:].long().sum(dim=1) == 12).all()

    def test_is_a_pure_function_of_options_and_seed(self):
        made = Bootstrap(2).resamples(Labels(12), 7)
        assert made.train.tolist() == PINNED_COUNTS
        assert torch.equal(Bootstrap(3).resamples(Labels(12), 7).train[:2], made.train)

    @pytest.mark.parametrize(
        ("part", "labels", "message"),
        [
            (Bootstrap(), Labels(1), "resampling=bootstrap: it needs at least 2"),
            (Bootstrap(), Labels(2), "holds all 2 training examples, so that none is out of bag"),
            (Bootstrap(stratified=True), Labels(20), "the targets are numbers"),
            (Bootstrap(10**6), Labels(10**6), "do not fit into memory"),
        ],
    )
    def test_refuses(self, part, labels, message):
        with pytest.raises(InputError, match=message):
            part.resamples(labels, 0)


PINNED_COUNTS = [[2, 1, 1, 1, 2, 0, 0, 2, 1, 0, 0, 2], [1, 2, 0, 1, 2, 1, 2, 0, 0, 1, 1, 1]]


@pytest.mark.parametrize("part", [Bootstrap(3), TimeSeries(3)])
def test_are_made_again_of_their_tensors(part):
    made = part.resamples(Labels(20), 0)
    again = resamples_of(made.tensors())
    assert torch.equal(again.train, made.train) and torch.equal(again.held_out, made.held_out)
