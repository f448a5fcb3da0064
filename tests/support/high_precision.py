"""Objectives and their minima in 60 digits, for proofs of optimality to be measured by."""

from collections.abc import Callable

import mpmath
from mpmath import mpf
from torch import Tensor

from linnet.losses import CrossEntropy, GaussianNLL, Huber, Loss, PoissonNLL

DIGITS = 60
Numbers = list[list[mpf]]


class Objective:
    """F of weights `[C, D]` and a bias `[C]` as lists of numbers of 60 digits, and its minimum near a point.

    Args:
        x: `[N, D]`; y: targets `[N, C]` or classes `[N]`; weight: of the examples `[N]`, or None.
        absolute, squared: of the penalty.
    """

    def __init__(
        self, loss: Loss, x: Tensor, y: Tensor, weight: Tensor | None, absolute: float, squared: float, bias: bool
    ) -> None:
        self.loss, self.bias, self.absolute, self.squared = loss, bias, mpf(absolute), mpf(squared)
        self.x = [[mpf(v) for v in row] + [mpf(1)] for row in x.tolist()]
        self.y = y.tolist()
        sizes = [mpf(1)] * len(x) if weight is None else [mpf(v) for v in weight.tolist()]
        self.sizes = [v / mpmath.fsum(sizes) for v in sizes]

    def value(self, parameters: Numbers) -> mpf:
        total = mpmath.fsum(
            s * self._loss(self._z(parameters, row), y)[0] for s, row, y in zip(self.sizes, self.x, self.y, strict=True)
        )
        weights = [w for of_output in parameters for w in of_output[:-1]]
        return (
            total
            + self.absolute * mpmath.fsum(map(abs, weights))
            + self.squared / 2 * mpmath.fsum(w * w for w in weights)
        )

    def polished(self, parameters: Numbers) -> Numbers:
        """Newton's method on the weights that are not 0 (with an absolute part) from a point close to the minimum."""
        width = len(self.x[0])
        free = [
            (c, j) for c, row in enumerate(parameters) for j in range(width)
            if (self.bias if j == width - 1 else not self.absolute or row[j] != 0)
        ]  # fmt: skip
        best = self.value(parameters)
        for _ in range(8):
            gradient, hessian = self._derivatives(parameters, free)
            # A trace on the diagonal, relative to it: a common change of all logits changes nothing.
            trace = mpf(10) ** -35 * max(abs(hessian[i, i]) for i in range(len(free)))
            step = mpmath.lu_solve(hessian + trace * mpmath.eye(len(free)), -gradient)
            moved = [list(row) for row in parameters]
            for (c, j), change in zip(free, step, strict=True):
                moved[c][j] += change
            value = self.value(moved)
            if value >= best:
                break
            parameters, best = moved, value
        return parameters

    def _derivatives(self, parameters: Numbers, free: list[tuple[int, int]]) -> tuple[mpmath.matrix, mpmath.matrix]:
        gradient, hessian = mpmath.matrix(len(free), 1), mpmath.matrix(len(free))
        for s, row, y in zip(self.sizes, self.x, self.y, strict=True):
            _, first, second = self._loss(self._z(parameters, row), y)
            for a, (c, j) in enumerate(free):
                gradient[a] += s * first[c] * row[j]
                for b, (d, k) in enumerate(free):
                    hessian[a, b] += s * second(c, d) * row[j] * row[k]
        for a, (c, j) in enumerate(free):
            if j < len(self.x[0]) - 1:
                w = parameters[c][j]
                gradient[a] += self.squared * w + self.absolute * mpmath.sign(w)
                hessian[a, a] += self.squared
        return gradient, hessian

    def _z(self, parameters: Numbers, row: list[mpf]) -> list[mpf]:
        return [mpmath.fdot(of_output, row) for of_output in parameters]

    def _loss(self, z: list[mpf], y: object) -> tuple[mpf, list[mpf], Callable[[int, int], mpf]]:
        """Value, derivatives, and second derivatives as a function of two outputs."""
        if isinstance(self.loss, CrossEntropy):
            smoothing = mpf(self.loss.label_smoothing)
            q = [smoothing / len(z) + (1 - smoothing) * (c == y) for c in range(len(z))]
            top = max(z)
            e = [mpmath.exp(v - top) for v in z]
            p = [v / mpmath.fsum(e) for v in e]
            value = top + mpmath.log(mpmath.fsum(e)) - mpmath.fdot(q, z)
            return value, [a - b for a, b in zip(p, q, strict=True)], lambda c, d: p[c] * ((c == d) - p[d])
        parts = [self._scalar(a, mpf(b)) for a, b in zip(z, y, strict=True)]  # type: ignore[call-overload]
        return mpmath.fsum(p[0] for p in parts), [p[1] for p in parts], lambda c, d: parts[c][2] * (c == d)

    def _scalar(self, z: mpf, y: mpf) -> tuple[mpf, mpf, mpf]:
        if isinstance(self.loss, PoissonNLL):
            return mpmath.exp(z) - y * z, mpmath.exp(z) - y, mpmath.exp(z)
        r, scale, constant = z - y, mpf(1), mpf(0)
        if isinstance(self.loss, Huber):
            delta = mpf(self.loss.delta)
            if abs(r) > delta:
                return delta * (abs(r) - delta / 2), delta * mpmath.sign(r), mpf(0)
        if isinstance(self.loss, GaussianNLL):
            sigma = mpf(self.loss.sigma)
            scale, constant = 1 / sigma**2, mpmath.log(2 * mpmath.pi) / 2 + mpmath.log(sigma)
        return scale * r * r / 2 + constant, scale * r, scale
