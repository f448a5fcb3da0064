"""Certificates of least squares hold in rational arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from linnet.data import Examples
from linnet.losses import SquaredError
from linnet.penalties import L2
from linnet.solvers.least_squares.least_squares import least_squares
from linnet.solvers.solve import solve

Table = list[list[Fraction]]


def exact_minimum(x, y, weight, l2: float, bias: bool) -> tuple[Fraction, int]:
    """Least ½ Σ w (y − Xβ)² / Σ w + l2/2 ‖W‖² and rank, from the normal equations: doubles are rational numbers."""
    rows = [[Fraction(1)] * bias + [Fraction(v) for v in row] for row in x.tolist()]
    target, weights = [Fraction(v) for v in y.tolist()], [Fraction(w) for w in weight.tolist()]
    size, total = len(rows[0]), sum(weights)
    gram = [
        [sum(w * r[i] * r[j] for w, r in zip(weights, rows, strict=True)) for j in range(size)] for i in range(size)
    ]
    for i in range(bias, size):
        gram[i][i] += Fraction(l2) * total
    right = [sum(w * r[i] * t for w, r, t in zip(weights, rows, target, strict=True)) for i in range(size)]
    explained, rank = Fraction(0), 0
    for i in range(size):  # symmetric elimination; a pivot of 0 belongs to a column that depends on those before
        if gram[i][i] == 0:
            continue
        explained, rank = explained + right[i] ** 2 / gram[i][i], rank + 1
        for k in range(i + 1, size):
            factor = gram[k][i] / gram[i][i]
            gram[k] = [a - factor * b for a, b in zip(gram[k], gram[i], strict=True)]
            right[k] -= factor * right[i]
    return (sum(w * t * t for w, t in zip(weights, target, strict=True)) - explained) / (2 * total), rank


def exact_objective(x, y, weight, l2: float, coefficients, bias: float) -> Fraction:
    total, squares = sum(map(Fraction, weight.tolist())), Fraction(0)
    beta = [Fraction(v) for v in coefficients.tolist()]
    for row, t, w in zip(x.tolist(), y.tolist(), weight.tolist(), strict=True):
        residual = Fraction(t) - Fraction(bias) - sum(b * Fraction(v) for b, v in zip(beta, row, strict=True))
        squares += Fraction(w) * residual**2
    return squares / (2 * total) + Fraction(l2) / 2 * sum(b * b for b in beta)


def draw(seed: int):
    """Features, targets, weights, l2 and bias: offsets to 1e12, scales 1e-8 to 1e12, copies, weights of 12 decades."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(3, 16)), int(rng.integers(1, 5))
    spread, offset = 10 ** rng.uniform(-8, 12, d), 10 ** rng.uniform(0, 9, d) * rng.integers(0, 2, d)
    x = (rng.standard_normal((n, d)) + offset) * spread
    if d > 1 and seed % 3 == 0:
        x[:, -1] = x[:, 0] * 2.0 ** rng.integers(-3, 4)  # dependent without any rounding
    if seed % 7 == 0:
        x[:, 0] = 3.7
    if seed % 11 == 0:
        x[0] *= 1e7
    y = (x / spread) @ rng.standard_normal(d) + 10 ** rng.uniform(-6, 3) * rng.standard_normal(n)
    y += 10 ** rng.uniform(0, 9) * (seed % 2)
    weight = np.ones(n) if seed % 4 == 0 else 10 ** rng.uniform(-6, 6, n)
    l2 = 0.0 if seed % 5 < 3 else float(10 ** rng.uniform(-14, 14))
    return x, y, weight, l2, bool(rng.integers(0, 2))


def certificate_holds(seed: int) -> None:
    x, y, weight, l2, bias = draw(seed)
    examples = Examples(*(torch.from_numpy(part) for part in (x, y[:, None])), torch.from_numpy(weight))
    found = solve(examples, SquaredError(), L2(l2), bias=bias)
    reached = exact_objective(x, y, weight, l2, found.weight[0], float(found.bias[0]))
    least, rank = exact_minimum(x, y, weight, l2, bias)
    lower, bound = Fraction(found.objective) - Fraction(found.suboptimality_bound), Fraction(found.suboptimality_bound)
    assert abs(Fraction(found.objective) - reached) <= bound
    numerical = least_squares(x, y, bias=bias, l2=l2, sample_weight=weight).rank
    if numerical < rank:  # columns that depend on each other but for rounding, which the certificate says
        assert "dependent" in found.certificate
        assert l2 > 0 or condition(x, weight, bias) > 1e12
        return
    assert lower <= least <= reached
    if found.unique and condition(x, weight, bias) < 1e6:  # a bound that says something: of the size of rounding errors
        size = np.abs(x) @ found.weight[0].abs().numpy() + abs(float(found.bias[0])) + np.abs(y)
        rounding = 2.0**-53 * math.sqrt(float(weight @ size**2 / weight.sum()))
        allowed = 100 * rounding * math.sqrt(2 * found.objective) + (1e8 * rounding) ** 2
        assert found.suboptimality_bound <= 1e-13 * found.objective + allowed


def condition(x, weight, bias: bool) -> float:
    """Of weighted columns scaled to unit length, about their means if there is a bias, without those that are 0."""
    centred = x - weight @ x / weight.sum() if bias else x
    columns = np.sqrt(weight)[:, None] * centred
    length = np.linalg.norm(columns, axis=0)
    return float(np.linalg.cond(columns[:, length > 0] / length[length > 0])) if length.any() else 1.0


@pytest.mark.parametrize("seed", range(40))
def test_certificates_hold_in_rational_arithmetic(seed: int):
    certificate_holds(seed)
