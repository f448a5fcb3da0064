"""The Bayes accuracy against simulations of the rule itself, closed forms and limits."""

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from linnet.data.sources.blobs import bayes_accuracy


def simulated_accuracy(n_classes: int, separation: float, noise: float, kind: str, n: int) -> float:
    """Classify blobs by their full log-likelihood; a tie among m classes earns 1/m, its expected share."""
    rng = np.random.default_rng(0)
    means = separation * np.eye(n_classes, n_classes + 1)  # one dimension more than classes
    target = rng.integers(n_classes, size=n)
    draw = rng.normal if kind == "gaussian" else rng.laplace
    x = means[target] + draw(scale=noise, size=(n, n_classes + 1))
    distance = np.abs(x[:, None, :] - means)  # [n, C, D]
    log_likelihood = -(distance**2 / (2 * noise**2) if kind == "gaussian" else distance / noise).sum(axis=2)
    winners = log_likelihood > log_likelihood.max(axis=1, keepdims=True) - 1e-9  # ties, up to rounding
    return float((winners[np.arange(n), target] / winners.sum(axis=1)).mean())


@pytest.mark.parametrize("kind", ["gaussian", "laplace"])
@pytest.mark.parametrize(("n_classes", "noise"), [(2, 1.0), (3, 0.5), (10, 2.0)])
@pytest.mark.parametrize("ratio", [0.3, 1.5, 4.0])
def test_agrees_with_simulation(n_classes: int, noise: float, ratio: float, kind: str):
    n = 100_000
    exact = bayes_accuracy(n_classes, ratio * noise, noise, kind)
    standard_error = math.sqrt(exact * (1 - exact) / n)  # an upper bound: shares of ties vary less
    assert simulated_accuracy(n_classes, ratio * noise, noise, kind, n) == pytest.approx(exact, abs=4 * standard_error)


@pytest.mark.parametrize("separation", [0.0, 0.1, 1.0, 5.0])
def test_two_gaussian_classes_in_closed_form(separation: float):
    expected = norm.cdf(separation / (0.7 * math.sqrt(2)))
    assert bayes_accuracy(2, separation, 0.7, "gaussian") == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("n_classes", "distance"), [(2, 0.5), (5, 2.0), (50, 3.0), (1000, 8.0)])
def test_laplace_recurrence_agrees_with_quadrature(n_classes: int, distance: float):
    q = math.exp(-distance) / 2
    tied = range(min(n_classes, 60))  # more than 60 at the top together are less likely than rounding
    top = sum(math.comb(n_classes - 1, m) * q**m * (1 - q) ** (n_classes - 1 - m) / (1 + m) for m in tied) / 2
    between = quad(lambda u: math.exp(u - distance) / 2 * (1 - math.exp(-u) / 2) ** (n_classes - 1), 0, distance)[0]
    expected = top + between + q * 0.5 ** (n_classes - 1) / n_classes
    assert bayes_accuracy(n_classes, distance, 1.0, "laplace") == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", ["gaussian", "laplace"])
class TestEveryKind:
    @pytest.mark.parametrize("n_classes", [1, 2, 10, 1000])
    def test_without_separation_it_is_chance(self, n_classes: int, kind: str):
        assert bayes_accuracy(n_classes, 0.0, 1.0, kind) == pytest.approx(1 / n_classes, rel=1e-9)

    @pytest.mark.parametrize("separation", [60.0, 1e6])
    def test_far_apart_it_is_certain(self, separation: float, kind: str):
        assert bayes_accuracy(10, separation, 1.0, kind) == pytest.approx(1, abs=1e-12)

    def test_rises_with_separation_and_falls_with_classes(self, kind: str):
        by_separation = [bayes_accuracy(5, s, 1.0, kind) for s in np.linspace(0, 8, 30).tolist()]
        by_classes = [bayes_accuracy(c, 2.0, 1.0, kind) for c in range(1, 30)]
        assert all(a < b for a, b in itertools.pairwise(by_separation))
        assert all(a > b for a, b in itertools.pairwise(by_classes))

    def test_only_the_ratio_matters(self, kind: str):
        assert bayes_accuracy(4, 3.0, 2.0, kind) == bayes_accuracy(4, 1.5, 1.0, kind)
