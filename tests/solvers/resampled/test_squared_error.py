"""Closed forms of cross-validated least squares: against a fit of each fold, exact fractions and scikit-learn."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from own_features import Counted, OwnStandardisation
from rational_least_squares import exact
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV

from linnet.losses import GaussianNLL, SquaredError
from linnet.penalties import L2, NoPenalty
from linnet.solvers.least_squares.least_squares import least_squares
from linnet.solvers.relative import Rows
from linnet.solvers.resampled.folds import solve_folds
from linnet.solvers.resampled.hat_matrix import factored, generalised_cross_validation, leave_out
from linnet.solvers.resampled.moments import moments_of, moments_without

N, D, C = 40, 4, 2


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def problem(offset: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    x = normal(N, D) * (1 + torch.arange(D)) + offset
    return x, (x - offset) @ normal(D, C, seed=1) + normal(N, C, seed=2) + 3


def folds_of(n_folds: int, n: int = N) -> torch.Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(3)) % n_folds


RESAMPLES = {
    "leave one out": Counted.of_folds(folds_of(N)),
    "small blocks": Counted.of_folds(folds_of(13)),
    "3 folds, twice": Counted.of_folds(folds_of(3), torch.arange(N) % 3),
    "some in no fold": Counted.of_folds(torch.arange(N) % 4 - 1),
    "bootstrap": Counted((torch.arange(5)[:, None] * 7 + torch.arange(N) * 3) % 4),
}


@pytest.mark.parametrize("resamples", RESAMPLES.values(), ids=RESAMPLES)
@pytest.mark.parametrize(
    ("weighted", "bias", "own"), [(False, True, True), (True, True, False), (True, False, True), (False, False, False)]
)
def test_closed_forms_are_the_fits_of_each_resample(resamples, weighted, bias, own):
    x, y = problem(offset=10.0 * bias)
    weight = 0.1 + torch.rand(N, generator=torch.Generator().manual_seed(4), dtype=torch.float64) if weighted else None
    features = OwnStandardisation.of(x, resamples.train) if own else None
    if features is not None and not bias:
        features = OwnStandardisation(features.ratio, torch.zeros_like(features.centre))
    penalties = [L2(strength) for strength in (0.0, 1e-3, 0.3)]
    found = solve_folds(
        Rows(x, y, weight), resamples, SquaredError(), penalties, bias=bias, n_outputs=C, tolerance=1e-12,
        features=features,
    )  # fmt: skip
    assert found.solved == 0 and float(found.gap.max()) <= 1e-18 * found.scale
    for f in range(0, len(resamples), -(-len(resamples) // 4)):
        counts = resamples.train[f]
        z = x if features is None else features.features_of(f, x)
        w = counts.double() if weight is None else counts * weight
        for s, penalty in enumerate(penalties):
            fit = least_squares(z, y, bias=bias, l2=penalty.strength, sample_weight=w)
            np.testing.assert_allclose(found.weight[s, f], fit.weight, rtol=1e-10, atol=1e-11)
            np.testing.assert_allclose(found.bias[s, f], fit.bias if bias else np.zeros(C), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("n_folds", [12, 3])
@pytest.mark.parametrize("strength", [0, Fraction(1, 1024)])
def test_a_closed_form_of_ill_conditioned_columns_is_right_or_not_used(n_folds, strength):
    # Columns at 1e8 that are collinear but for 1e-4 of their deviations: against fractions.
    x = normal(12, 2).round(decimals=3) + 1e8
    x[:, 1] = x[:, 0] + (normal(12, seed=5) * 1e-4).round(decimals=6)
    y = (x[:, :1] - 1e8) + normal(12, 1, seed=6)
    resamples = Counted.of_folds(torch.arange(12) % n_folds)
    found = solve_folds(
        Rows(x, y), resamples, SquaredError(), [L2(float(strength))], bias=True, n_outputs=1, tolerance=1e-12
    )
    for f, counts in enumerate(resamples.train):
        kept = counts > 0
        design = np.column_stack([np.ones(int(kept.sum())), x[kept].numpy()])
        right = exact(design, y[kept, 0].numpy(), ridge=strength * len(design), first=1)
        wanted = [float(sum(c * Fraction(v) for c, v in zip(right, (1.0, *row), strict=True))) for row in x.tolist()]
        w, b = found.weight[0, f, 0], found.bias[0, f, 0]
        terms = [
            [Fraction(c) * Fraction(v) for c, v in zip((float(b), *w.tolist()), (1.0, *row), strict=True)]
            for row in x.tolist()
        ]
        predicted = [float(sum(each)) for each in terms]
        # Weights of 1 at 1e8 round predictions by 1e-8 when they are stored.
        np.testing.assert_allclose(predicted, wanted, rtol=0, atol=3e-8 * float(1 + w.abs().sum()))


def test_columns_that_depend_on_each_other_are_left_to_the_solver():
    x, y = problem()
    x[:, 1] = x[:, 0]
    resamples = Counted.of_folds(torch.arange(N) % 4)
    found = solve_folds(Rows(x, y), resamples, SquaredError(), [NoPenalty()], bias=True, n_outputs=C, tolerance=1e-12)
    assert found.solved == 4
    fit = least_squares(x[torch.arange(N) % 4 != 0], y[torch.arange(N) % 4 != 0])
    np.testing.assert_allclose(found.weight[0, 0], fit.weight, rtol=1e-10)


def test_an_example_that_outweighs_all_others_costs_no_digits_where_it_is_left_out():
    x, y = problem()
    x[7] = 1e12
    resamples = Counted.of_folds(torch.arange(N) % 5)
    features = OwnStandardisation.of(x, resamples.train)
    found = solve_folds(
        Rows(x, y), resamples, SquaredError(), [L2(0.1)], bias=True, n_outputs=C, tolerance=1e-12, features=features
    )
    kept = torch.arange(N) % 5 != 2  # all but the fold of example 7
    fit = least_squares(features.features_of(2, x[kept]), y[kept], l2=0.1)
    assert found.solved == 0
    np.testing.assert_allclose(found.weight[0, 2], fit.weight, rtol=1e-10)


def test_moments_are_merged_without_loss():
    rows = normal(900, 3) + 1e6
    rows[5] *= 1e9
    blocks = torch.arange(900) % 90
    for f, found in enumerate(moments_without(rows, blocks, 90, None, centre=True)):
        if f in (0, 5, 89):
            wanted = moments_of(rows[blocks != f], None, centre=True)
            torch.testing.assert_close(found.sums, wanted.sums, rtol=1e-9, atol=1e-9 * float(wanted.sums.max()))
            torch.testing.assert_close(found.mean, wanted.mean, rtol=1e-15, atol=0)


def test_leave_one_out_is_that_of_ridge_cv_and_gcv_its_definition():
    data, target = load_diabetes(return_X_y=True)
    x, y = torch.from_numpy(data), torch.from_numpy(target)[:, None]
    n = len(x)
    strengths = torch.tensor([1e-6, 1e-4, 1e-2], dtype=torch.float64)
    fit = factored(x, y, None, bias=True)
    found = leave_out(fit, torch.arange(n), n, strengths)
    alphas = [float((n - 1) * strength) for strength in strengths]
    reference = RidgeCV(alphas, store_cv_results=True).fit(data, target)
    np.testing.assert_allclose((found.prediction[:, :, 0] - y[:, 0]).square().T, reference.cv_results_, rtol=1e-9)
    for strength, score in zip(strengths.tolist(), generalised_cross_validation(fit, strengths).tolist(), strict=True):
        centred = data - data.mean(0)
        hat = centred @ np.linalg.solve(centred.T @ centred + n * strength * np.eye(10), centred.T) + 1 / n
        residual = target - hat @ target
        assert score == pytest.approx(np.mean(residual**2) / (1 - np.trace(hat) / n) ** 2, rel=1e-10)


def test_gaussian_noise_of_known_width_is_squared_error_of_another_penalty():
    x, y = problem()
    resamples = Counted.of_folds(torch.arange(N) % 5)
    found, wanted = (
        solve_folds(Rows(x, y), resamples, loss, [L2(strength)], bias=True, n_outputs=C, tolerance=1e-12)
        for loss, strength in ((GaussianNLL(0.5), 0.4), (SquaredError(), 0.1))
    )
    torch.testing.assert_close(found.weight, wanted.weight, rtol=1e-12, atol=0)
    torch.testing.assert_close(found.gap, 4 * wanted.gap)
