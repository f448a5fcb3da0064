"""Problems on the verge of separability whose answer is known by construction.

Numbers are sums of few powers of two, so that nothing is rounded, and everything is decided by the order of points on
a line: of two classes one lies below the other with a gap between them (separable), they touch in equal points
(partly separable), or they overlap by as little as 2^-50. More dimensions follow by a whole-number change of
coordinates of determinant 1, by columns that are multiples of others, and by scales.
"""

from fractions import Fraction
from typing import NamedTuple

import mpmath
import torch
from torch import Tensor


class Case(NamedTuple):
    """x `[N, D]`, classes y `[N]`, whether there is a bias, and what is known.

    verdict: "separable", "partly" or "overlap".
    objective: the infimum, to 30 digits; None: by `logistic_infimum`.
    """

    x: Tensor
    y: Tensor
    bias: bool
    verdict: str
    objective: float | None
    name: str


def draw(seed: int) -> Case:
    stream = torch.Generator().manual_seed(seed)

    def whole(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high + 1, shape, generator=stream).double()

    n, extra, kind = int(whole(3, 12)), int(whole(0, 2)), seed % 3
    verdict = ("separable", "partly", "overlap")[kind]
    gap = 2.0 ** -float(whole(20, 50))
    far = 2.0 ** float(whole(-3, 1))
    line = torch.cat([-far * (1 + whole(0, 7, n) / 8), far * (1 + whole(0, 7, n) / 8)])
    y = torch.cat([torch.zeros(n), torch.ones(n)]).long()
    nearest = gap * (1 - kind)  # of the upper class at +, of the lower at −; at 0 where the classes touch
    line = torch.cat([line, torch.tensor([-nearest, nearest], dtype=torch.float64)])
    y = torch.cat([y, torch.tensor([0, 1])])
    rows, objective = line[:, None], 0.0 if kind == 0 else None
    for _ in range(extra):
        # Points of both classes at both ends of a new direction: it is of no use, and (with them) neither is a bias.
        rows = torch.cat([rows, rows.new_zeros(len(rows), 1)], 1)
        ends = rows.new_zeros(4, rows.shape[1])
        ends[:, -1] = torch.tensor([1.0, 1.0, -1.0, -1.0])
        rows, y = torch.cat([rows, ends]), torch.cat([y, torch.tensor([0, 1, 0, 1])])
    if extra and kind == 0:
        verdict = "partly"
    if verdict == "partly":
        n_ties = 2 * (kind == 1) + 4 * extra
        objective = float(mpmath.log(2)) * n_ties / len(y)
    if int(whole(0, 1)):  # every row twice
        rows, y = rows.repeat(2, 1), y.repeat(2)
    dimension = rows.shape[1]
    change = torch.eye(dimension, dtype=torch.float64)
    for i in range(dimension):
        for j in range(i):
            change[i, j] = float(whole(-2, 2))
    rows = rows @ change
    if int(whole(0, 1)):
        rows = torch.cat([rows, rows[:, :1] * float(whole(-3, 3))], 1)  # collinear, or a column of zeros
    scales = 2.0 ** whole(-27, 40, rows.shape[1])
    order = torch.randperm(len(y), generator=stream)
    bias = bool(whole(0, 1))
    name = f"{seed}: {verdict}, gap {gap:.0e}, {rows.shape[1]} columns, bias {bias}"
    return Case((rows * scales)[order], y[order], bias, verdict, objective, name)


def logistic_infimum(x: Tensor, y: Tensor, bias: bool, weight: Tensor, offset: float) -> mpmath.mpf:
    """Minimum of the mean logistic loss by Newton's method in 80 digits, from a weight `[D]` and an offset.

    Columns that depend on others are left out first, exactly; the gradient at the end is below 1e-40 in the scale of
    the columns, so that by convexity nothing but the digits of the answer could be wrong.
    """
    with mpmath.workdps(80):
        columns = [[Fraction(v) for v in column] for column in x.T.tolist()]
        if bias:
            columns.append([Fraction(1)] * len(x))
        start = [*weight.tolist(), *([offset] if bias else [])]
        kept = _independent(columns)
        full = [mpmath.mpf(w) for w in start]
        score = [sum(w * _mp(c[i]) for w, c in zip(full, columns, strict=True)) for i in range(len(x))]
        scale = [max(abs(v) for v in columns[k]) for k in kept]
        design = mpmath.matrix([[_mp(columns[k][i] / s) for k, s in zip(kept, scale, strict=True)]
                                for i in range(len(x))])  # fmt: skip
        sign = [1 if label else -1 for label in y.tolist()]
        move = mpmath.matrix(len(kept), 1)
        for _ in range(60):
            moved = design * move
            margin = [s * (a + b) for s, a, b in zip(sign, score, moved, strict=True)]
            p = [1 / (1 + mpmath.exp(m)) for m in margin]
            gradient = design.T * mpmath.matrix([-s * q for s, q in zip(sign, p, strict=True)])
            if max(abs(g) for g in gradient) < mpmath.mpf(10) ** -45:
                break
            weighted = mpmath.matrix(design)
            for i, q in enumerate(p):
                for k in range(len(kept)):
                    weighted[i, k] *= q * (1 - q)
            move -= mpmath.lu_solve(design.T * weighted, gradient)
        else:
            raise ArithmeticError("Newton's method in 80 digits did not converge")
        return sum(mpmath.log1p(mpmath.exp(-m)) for m in margin) / len(x)


def _mp(number: Fraction) -> mpmath.mpf:
    return mpmath.mpf(number.numerator) / number.denominator


def _independent(columns: list[list[Fraction]]) -> list[int]:
    """Numbers of columns that span all of them, by elimination without rounding."""
    kept: list[int] = []
    reduced: list[tuple[int, list[Fraction]]] = []
    for number, column in enumerate(columns):
        rest = list(column)
        for pivot, other in reduced:
            factor = rest[pivot] / other[pivot]
            rest = [a - factor * b for a, b in zip(rest, other, strict=True)]
        places = [i for i, value in enumerate(rest) if value != 0]
        if places:
            reduced.append((places[0], rest))
            kept.append(number)
    return kept
