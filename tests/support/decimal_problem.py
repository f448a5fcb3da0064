"""linnet's convex problems in decimal arithmetic of 100 digits: value, gradient and Hessian of the objective.

Every double is a finite decimal fraction, so a problem here is the given one to its last bit.
"""

import decimal
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
"""An array of Decimal, dtype object."""
Kind = Literal["squared", "huber", "absolute", "poisson", "softmax"]

decimal.getcontext().prec = 100
decimal.getcontext().Emax, decimal.getcontext().Emin = decimal.MAX_EMAX, decimal.MIN_EMIN
ZERO, ONE = Decimal(0), Decimal(1)
SHARPEST = Decimal(10) ** -26
_exp = np.frompyfunc(lambda t: t.exp() if t < 10**6 else Decimal(10) ** 400_000, 1, 1)
_log = np.frompyfunc(Decimal.ln, 1, 1)
square_root = np.frompyfunc(Decimal.sqrt, 1, 1)


def exact(array: Any) -> Numbers:
    """The doubles or integers of an array as decimal fractions, without rounding."""
    return np.frompyfunc(lambda value: Decimal(value.item() if hasattr(value, "item") else value), 1, 1)(
        np.asarray(array).astype(object)
    )


@dataclass(frozen=True)
class Problem:
    """Minimise Σ_i a_i ℓ(W x_i + b, y_i) + absolute ‖W‖₁ + squared/2 ‖W‖².

    x: `[N, D]`; y: `[N]` numbers, or class indices; weight: a, `[N]`, whose sum is 1.
    delta: of Huber's loss. scale, constant: of the loss of kind "squared", scale/2 r² + constant.
    smoothing: of the labels of kind "softmax".
    signs: of the weights, `[C, D]` of −1, 0, 1; the penalty is then absolute Σ signs W, and where they are 0 W stays 0.
    """

    x: Numbers
    y: NDArray[Any]
    weight: Numbers
    kind: Kind
    n_outputs: int = 1
    absolute: Decimal = ZERO
    squared: Decimal = ZERO
    bias: bool = True
    delta: Decimal = ONE
    scale: Decimal = ONE
    constant: Decimal = ZERO
    smoothing: Decimal = ZERO
    signs: Numbers | None = None

    @property
    def design(self) -> Numbers:
        """Features, and a last column of ones for the bias: `[N, P]`."""
        if not self.bias:
            return self.x
        return np.column_stack([self.x, np.full(len(self.x), ONE)])

    def labels(self) -> Numbers:
        q = np.full((len(self.y), self.n_outputs), self.smoothing / self.n_outputs)
        q[np.arange(len(self.y)), self.y] += ONE - self.smoothing
        return q

    def objective(self, params: Numbers) -> Decimal:
        """F at params `[C, P]`, without any smoothing of kinks."""
        return replace(self, signs=None).value(params, ZERO, ZERO)

    def free(self) -> NDArray[np.bool_]:
        """Which parameters `[C P]` may move."""
        may = np.ones((self.n_outputs, self.design.shape[1]), dtype=bool)
        if self.signs is not None:
            may[:, : self.x.shape[1]] = self.signs != 0
        return may.ravel()

    def value(self, params: Numbers, eps_loss: Decimal, eps_weight: Decimal) -> Decimal:
        z = self.design @ params.T
        w = params[:, : self.x.shape[1]]
        total = (self.weight * self._loss(z, eps_loss)).sum()
        if self.absolute:
            norm = square_root(w * w + eps_weight**2) if self.signs is None else self.signs * w
            total += self.absolute * norm.sum()
        return total + self.squared / 2 * (w * w).sum()

    def _loss(self, z: Numbers, eps: Decimal) -> Numbers:
        if self.kind == "softmax":
            top = z.max(1)
            return _log(_exp(z - top[:, None]).sum(1)) + top - (self.labels() * z).sum(1)
        if self.kind == "poisson":
            return _exp(z[:, 0]) - self.y * z[:, 0]
        r = z[:, 0] - self.y
        if self.kind == "absolute":
            return square_root(r * r + eps * eps)
        if self.kind == "huber":
            return np.where(abs(r) <= self.delta, r * r / 2, self.delta * (abs(r) - self.delta / 2))
        return self.scale / 2 * r * r + self.constant

    def slope_and_curvature(self, z: Numbers, eps: Decimal) -> tuple[Numbers, Numbers]:
        """ℓ' `[N, C]` and ℓ'' `[N, C, C]` at predictions z."""
        if self.kind == "softmax":
            e = _exp(z - z.max(1)[:, None])
            p = e / e.sum(1)[:, None]
            second = -p[:, :, None] * p[:, None, :]
            for c in range(self.n_outputs):
                second[:, c, c] += p[:, c]
            return p - self.labels(), second
        if self.kind == "poisson":
            rate = _exp(z)
            return rate - self.y[:, None], rate[:, :, None]
        r = z - self.y[:, None]
        if self.kind == "absolute":
            root = square_root(r * r + eps * eps)
            return r / root, (eps * eps / root**3)[:, :, None]
        if self.kind == "huber":
            inside = abs(r) <= self.delta
            return np.where(inside, r, np.where(r > 0, self.delta, -self.delta)), np.where(inside, ONE, ZERO)[
                :, :, None
            ]
        return self.scale * r, np.full((*r.shape, 1), self.scale)

    def derivatives(self, params: Numbers, eps_loss: Decimal, eps_weight: Decimal) -> tuple[Numbers, Numbers]:
        """Gradient `[C P]` and Hessian `[C P, C P]`, outputs first."""
        a, (n_outputs, size), d = self.design, params.shape, self.x.shape[1]
        slope, second = self.slope_and_curvature(a @ params.T, eps_loss)
        gradient = (self.weight[:, None] * slope).T @ a
        hessian = np.full((n_outputs, size, n_outputs, size), ZERO)
        for c in range(n_outputs):
            for other in range(c, n_outputs):
                block = (a * (self.weight * second[:, c, other])[:, None]).T @ a
                hessian[c, :, other, :] = block
                hessian[other, :, c, :] = block.T
        w = params[:, :d]
        gradient[:, :d] += self.squared * w
        diagonal = np.full(w.shape, self.squared)
        if self.signs is not None:
            gradient[:, :d] += self.absolute * self.signs
        elif self.absolute:
            root = square_root(w * w + eps_weight**2)
            gradient[:, :d] += self.absolute * w / root
            diagonal = diagonal + self.absolute * eps_weight**2 / root**3
        for c in range(n_outputs):
            for j in range(d):
                hessian[c, j, c, j] += diagonal[c, j]
        return gradient.ravel(), hessian.reshape(n_outputs * size, -1)


def solve_linear(matrix: Numbers, right: Numbers) -> Numbers:
    """matrix⁻¹ right for a symmetric positive definite matrix, by L D Lᵀ."""
    n = len(right)
    a, b = matrix.copy(), right.copy()
    for i in range(n):
        pivot = a[i, i] if a[i, i] > 0 else Decimal(10) ** -90
        a[i, i] = pivot
        if i + 1 < n:
            factor = a[i + 1 :, i] / pivot
            a[i + 1 :, i:] -= factor[:, None] * a[i, i:][None, :]
            b[i + 1 :] -= factor * b[i]
    for i in range(n - 1, -1, -1):
        b[i] = (b[i] - a[i, i + 1 :] @ b[i + 1 :]) / a[i, i]
    return b
