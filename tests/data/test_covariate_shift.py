"""Inputs of training and target are as said, and weights make the one speak for the other."""

import math

import pytest
import torch

from linnet.data import Source, covariate_shift
from linnet.data.module import Data
from linnet.data.preparation import prepare
from linnet.solvers.least_squares.least_squares import least_squares
from linnet.system.errors import InputError

OPTIONS = {
    "degree": 1, "train_mean": 0.5, "train_std": 0.5, "target_mean": 0.0, "target_std": 0.3, "noise": 0.3,
    "noise_kind": "gaussian", "weighting": "none", "max_weight": None, "n_train": 300, "n_val": 100, "n_test": 1000,
    "n_target": 1000, "dtype": "float64", "seed": 0,
}  # fmt: skip


def made(**options: object) -> Source:
    return covariate_shift(**{**OPTIONS, **options})


def test_inputs_have_their_moments():
    n = 40_000
    data = made(n_train=n, n_val=n, n_test=n)
    for part, mean, std in ((data.train, 0.5, 0.5), (data.val, 0.5, 0.5), (data.test, 0.0, 0.3)):
        z = (part.x - mean) / std
        assert abs(z.mean()) < 5 / math.sqrt(n)
        assert abs(z.square().mean() - 1) < 5 * math.sqrt(2 / n)


def test_targets_follow_one_formula_in_every_part():
    data = made(noise=0.0, degree=4)
    for part in (data.train, data.val, data.test):
        x = part.x[:, :1]
        torch.testing.assert_close(part.x, torch.cat([x, x**2, x**3, x**4], dim=1))
        torch.testing.assert_close(part.y, x**3 - x)
        torch.testing.assert_close(part.x @ data.truth.weight.T + data.truth.bias, part.y)


def test_no_truth_where_features_cannot_express_it():
    assert made(degree=2).truth is None


def test_examples_are_the_same_however_they_are_weighted():
    parts = [made(weighting=weighting) for weighting in ("none", "estimated", "known")]
    assert len({data.checksum for data in parts}) == 1
    assert all(data.test.weight is None for data in parts)
    assert parts[0].train.weight is None and parts[0].val.weight is None and parts[0].summary == ()


def test_known_weights_are_the_ratio_of_the_densities():
    train = made(weighting="known").train
    x = train.x[:, 0]
    target = torch.distributions.Normal(torch.tensor(0.0).double(), 0.3).log_prob(x)
    ratio = (target - torch.distributions.Normal(torch.tensor(0.5).double(), 0.5).log_prob(x)).exp()
    torch.testing.assert_close(train.weight, ratio / ratio.mean())


@pytest.mark.parametrize("weighting", ["estimated", "known"])
def test_weighted_means_of_inputs_are_those_of_the_target(weighting):
    data = made(weighting=weighting, n_train=20_000, n_val=20_000, n_target=20_000)
    for part in (data.train, data.val):
        assert part.weight.mean().item() == pytest.approx(1)
        mean = (part.weight[:, None] * part.x).mean()
        variance = (part.weight[:, None] * part.x.square()).mean() - mean**2
        assert abs(mean) < 0.02 and abs(variance - 0.09) < 0.005


def test_estimate_is_near_the_known_ratio():
    estimated, known = (
        made(weighting=weighting, n_train=20_000, n_target=5000) for weighting in ("estimated", "known")
    )
    assert (estimated.train.weight - known.train.weight).abs().mean() < 0.05


def test_estimate_sees_no_test_example():
    assert torch.equal(
        made(weighting="estimated", n_test=7).train.weight, made(weighting="estimated", n_test=500).train.weight
    )
    assert not torch.equal(
        made(weighting="estimated", n_target=500).train.weight, made(weighting="estimated").train.weight
    )


@pytest.mark.parametrize("weighting", ["estimated", "known"])
def test_weighted_line_is_the_best_line_of_the_target(weighting):
    # For x ~ N(0, σ²), the slope of the best line through x³ − x is 3σ² − 1, and its bias is 0.
    train = made(weighting=weighting, n_train=50_000, n_target=50_000).train
    fit = least_squares(train.x, train.y, bias=True, l2=0.0, sample_weight=train.weight)
    assert fit.weight.item() == pytest.approx(3 * 0.09 - 1, abs=0.03)
    assert fit.bias.item() == pytest.approx(0, abs=0.02)


def test_largest_ratio_is_cut():
    cut, whole = made(weighting="known", max_weight=2.0).train.weight, made(weighting="known").train.weight
    assert cut.max() / cut.median() < whole.max() / whole.median()
    ratio = whole / whole[0]  # proportional to β, as are the cut ones where none is cut
    low = cut < cut.max() * (1 - 1e-9)
    first = low.nonzero()[0, 0]
    torch.testing.assert_close(cut[low] / cut[first], ratio[low] / ratio[first])


def test_says_what_the_weights_cost():
    (line,) = made(weighting="known").summary
    assert line.startswith("known density ratios as weights: 300 training examples count like 1")


def test_inputs_that_do_not_cover_the_target_are_refused():
    with pytest.raises(InputError, match=r"data\.weighting=known: .* bring data\.target_mean=50 nearer"):
        made(weighting="known", target_mean=50)


def test_parts_of_a_split_keep_weights_of_mean_one():
    data: Data = prepare(made(weighting="known"), 10, val_fraction=0.3, standardize=True, outliers=0, seed=0)
    for part in (data.train, data.val):
        assert part.weight.mean().item() == pytest.approx(1)
