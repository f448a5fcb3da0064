"""Split, outliers and standardisation: what each part holds, and that none of it leaks from part to part."""

import pytest
import torch
from hypothesis import given, strategies as st

from linnet.data import Batch, Data, Examples, Source, prepare
from linnet.data.preparation import split
from linnet.data.standardizer import Standardizer
from linnet.system.errors import InputError


def numbered(n: int, n_features: int = 3, dtype: torch.dtype = torch.float64) -> Examples:
    """Examples that can be told apart: the target is the number of the row, and so is the first feature."""
    rows = torch.arange(n, dtype=dtype)
    scale = torch.arange(1, n_features + 1, dtype=dtype)
    x = rows[:, None].sin() * scale + 10 * scale
    x[:, 0] = rows
    return Examples(x, rows[:, None])


def regression(n_train: int = 40, val: Examples | None = None, test: Examples | None = None) -> Source:
    return Source("regression", numbered(n_train), test, "checksum", val)


def classification(n_train: int = 40, n_classes: int = 4) -> Source:
    names = tuple(str(k) for k in range(n_classes))
    return Source(
        "classification", Examples(numbered(n_train).x, torch.arange(n_train) % n_classes), None, "", class_names=names
    )


def prepared(source: Source, **options: object) -> Data:
    defaults = {"batch_size": 8, "val_fraction": 0.25, "standardize": False, "outliers": 0, "seed": 0}
    return prepare(source, **{**defaults, **options})


def scaling_of(x: torch.Tensor, **options: object) -> Standardizer:
    return Standardizer.of(lambda: [Batch(x, x)], **options)


def rows(examples: Examples | None) -> list[int]:
    assert examples is not None
    return examples.x[:, 0].int().tolist()


class TestSplit:
    @given(n=st.integers(2, 500), fraction=st.floats(0.001, 0.6), seed=st.integers(0, 2**63 - 1))
    def test_is_disjoint_and_complete(self, n, fraction, seed):
        train, val = split(numbered(n), fraction, seed)
        assert sorted(rows(train) + rows(val)) == list(range(n))
        assert len(val) == max(1, round(n * fraction))
        for part in (train, val):
            assert torch.equal(part.x[:, :1], part.y)

    def test_is_a_function_of_the_seed(self):
        _, first = split(numbered(100), 0.2, seed=0)
        torch.manual_seed(1)
        assert rows(split(numbered(100), 0.2, seed=0)[1]) == rows(first)
        assert rows(split(numbered(100), 0.2, seed=1)[1]) != rows(first)

    def test_takes_every_example_alike(self):
        # Each of 20 examples is held out with probability 1/4: 500 of 2000 times, standard deviation 19.4.
        counts = torch.zeros(20)
        for seed in range(2000):
            counts[rows(split(numbered(20), 0.25, seed)[1])] += 1
        assert (counts - 500).abs().max() < 5 * 19.4

    def test_of_nothing_trains_on_everything(self):
        examples = numbered(10)
        assert split(examples, 0, seed=0) == (examples, None)

    def test_that_leaves_none_to_train_on_is_refused(self):
        with pytest.raises(InputError, match=r"data\.val_fraction=0\.9 of 3 examples"):
            split(numbered(3), 0.9, seed=0)


class TestValidationPart:
    def test_is_the_source_s_own_for_none(self):
        own = numbered(7)
        data = prepared(regression(val=own), val_fraction=None)
        assert data.val is own
        assert rows(data.train) == list(range(40))

    def test_is_from_the_training_part_for_a_number(self):
        data = prepared(regression(val=numbered(7)), val_fraction=0.25)
        assert len(data.val) == 10
        assert sorted(rows(data.train) + rows(data.val)) == list(range(40))

    def test_is_absent_for_zero(self):
        data = prepared(regression(val=numbered(7)), val_fraction=0)
        assert data.val is None
        assert rows(data.train) == list(range(40))


class TestStandardize:
    def test_uses_the_statistics_of_the_training_part_only(self):
        test = Examples(1000 + numbered(9).x, numbered(9).y)
        source = regression(test=test)
        data, plain = prepared(source, standardize=True), prepared(source)
        mean, deviation = plain.train.x.mean(dim=0), plain.train.x.std(dim=0, correction=0)
        for part, before in ((data.train, plain.train), (data.val, plain.val), (data.test, plain.test)):
            torch.testing.assert_close(part.x, (before.x - mean) / deviation)
            assert torch.equal(part.y, before.y)

    def test_gives_the_training_part_mean_0_and_variance_1(self):
        x = prepared(regression(), standardize=True).train.x
        torch.testing.assert_close(x.mean(dim=0), torch.zeros(3).double(), atol=1e-12, rtol=0)
        torch.testing.assert_close(x.var(dim=0, correction=0), torch.ones(3).double())

    def test_only_centres_a_constant_feature(self):
        x = numbered(10).x
        x[:, 1] = 0.1
        scaling = scaling_of(x)
        assert scaling.deviation[1] == 1
        assert not scaling.apply(x, torch.float64)[:, 1].any()

    def test_keeps_the_dtype(self):
        source = Source("regression", numbered(10, dtype=torch.float32), None, "")
        assert prepared(source, standardize=True).train.x.dtype == torch.float32

    def test_is_not_done_unless_asked_for(self):
        assert prepared(regression()).scaling is None

    def test_leaves_the_source_as_it_was(self):
        source = regression()
        before = source.train.x.clone()
        prepared(source, standardize=True, outliers=3, outlier_value=1.0)
        assert torch.equal(source.train.x, before)
        assert rows(source.train) == source.train.y[:, 0].int().tolist()


class TestUndo:
    @given(seed=st.integers(0, 10**6))
    def test_parameters_predict_the_same_on_features_as_they_came(self, seed):
        rng = torch.Generator().manual_seed(seed)
        x = 5 * torch.randn(20, 3, generator=rng, dtype=torch.float64) + 2
        weight = torch.randn(2, 3, generator=rng, dtype=torch.float64)
        bias = torch.randn(2, generator=rng, dtype=torch.float64)
        scaling = scaling_of(x)
        original = scaling.undo(weight, bias)
        scaled = scaling.apply(x, torch.float64)
        torch.testing.assert_close(x @ original.weight.T + original.bias, scaled @ weight.T + bias)
        again = scaling.redo(original.weight, original.bias)
        torch.testing.assert_close(again.weight, weight)
        torch.testing.assert_close(again.bias, bias)


class TestOutliers:
    def test_replace_so_many_training_targets_and_nothing_else(self):
        source = regression(test=numbered(9))
        data, plain = prepared(source, outliers=5, outlier_value=10_000.0), prepared(source)
        planted = data.train.y[:, 0] == 10_000
        assert planted.sum() == 5
        assert torch.equal(data.train.y[~planted], plain.train.y[~planted])
        assert torch.equal(data.train.x, plain.train.x)
        for part, before in ((data.val, plain.val), (data.test, plain.test)):
            assert torch.equal(part.y, before.y)

    def test_replace_labels_by_another_class(self):
        data, plain = prepared(classification(), outliers=9), prepared(classification())
        changed = data.train.y != plain.train.y
        assert changed.sum() == 9
        assert set(data.train.y.tolist()) <= set(range(4))
        assert torch.equal(data.val.y, plain.val.y)

    def test_reach_every_other_class(self):
        data, plain = prepared(classification(400), outliers=300), prepared(classification(400))
        pairs = set(zip(plain.train.y.tolist(), data.train.y.tolist(), strict=True))
        assert pairs == {(old, new) for old in range(4) for new in range(4) if old != new}

    def test_are_a_function_of_the_seed(self):
        first = prepared(regression(), outliers=5, val_fraction=0, outlier_value=-1.0).train.y
        again = prepared(regression(), outliers=5, val_fraction=0, outlier_value=-1.0).train.y
        other = prepared(regression(), outliers=5, val_fraction=0, outlier_value=-1.0, seed=1).train.y
        assert torch.equal(again, first)
        assert not torch.equal(other, first)

    def test_may_be_all_training_examples_but_no_more(self):
        assert (prepared(regression(), val_fraction=0, outliers=40, outlier_value=-1.0).train.y == -1).all()
        with pytest.raises(InputError, match=r"data\.outliers=31: there are only 30 training examples"):
            prepared(regression(), outliers=31)


def test_batch_size_and_seed_reach_the_batches():
    data = prepared(regression(), batch_size=7, seed=5, val_fraction=0)
    assert (data.chunks.batch_size, data.chunks.seed, data.chunks.n_samples) == (7, 5, 40)
