"""A second solver of linnet's convex problems, in decimal arithmetic of 100 digits: slow, simple and independent.

Every double is a finite decimal fraction, so the problem that is solved here is the given one to its last bit.
Smooth objectives are minimised by Newton steps, damped as Levenberg did. An L1 penalty is linear once the signs of the
weights are known: those are changed until the optimality conditions hold. Absolute error has its kinks |t| replaced by
√(t² + ε²), with an ε that falls to 10⁻²⁶ of the residuals and moves the optimum's objective by less than that share.
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
_sqrt = np.frompyfunc(Decimal.sqrt, 1, 1)


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
            norm = _sqrt(w * w + eps_weight**2) if self.signs is None else self.signs * w
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
            return _sqrt(r * r + eps * eps)
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
            root = _sqrt(r * r + eps * eps)
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
            root = _sqrt(w * w + eps_weight**2)
            gradient[:, :d] += self.absolute * w / root
            diagonal = diagonal + self.absolute * eps_weight**2 / root**3
        for c in range(n_outputs):
            for j in range(d):
                hessian[c, j, c, j] += diagonal[c, j]
        return gradient.ravel(), hessian.reshape(n_outputs * size, -1)


@dataclass(frozen=True)
class Reference:
    """params `[C, P]`, the bias last; objective F there; gap: F − F* as Newton's decrement estimates it."""

    params: Numbers
    objective: Decimal
    gap: Decimal


def minimise(problem: Problem, start: Numbers | None = None, max_steps: int = 2000) -> Reference:
    """Minimise a problem to some 30 digits; `gap` says if that was reached.

    Args:
        start: params `[C, P]`; None: zeros.
        max_steps: Newton steps over all stages of ε.
    """
    if problem.absolute and problem.kind != "absolute":
        return _by_signs(problem, start, max_steps)
    return _smoothed(problem, start, max_steps)


def _by_signs(problem: Problem, start: Numbers | None, max_steps: int) -> Reference:
    """Solve with given signs; then drop weights that crossed 0, or free the one that wants to leave 0 most."""
    d = problem.x.shape[1]
    shape = (problem.n_outputs, problem.design.shape[1])
    params = np.full(shape, ZERO) if start is None else start.copy()
    signs = np.sign(params[:, :d].astype(float)).astype(int).astype(object)
    for _ in range(60):
        params[:, :d] = np.where(signs == 0, ZERO, params[:, :d])
        before = params
        fixed = replace(problem, signs=signs)
        found = _smoothed(fixed, params, max_steps)
        after = found.params
        crossed = (signs != 0) & (after[:, :d] * signs < 0)
        if crossed.any():  # go as far as the first weight that becomes 0, and leave it there
            w, moved = before[:, :d], after[:, :d]
            shares = np.where(crossed, w / np.where(crossed, w - moved, ONE), ONE)
            share = min(shares.ravel())
            params = before + share * (after - before)
            signs = np.where(crossed & (shares == share), 0, signs)
            continue
        params = after
        pull = -replace(problem, absolute=ZERO).derivatives(params, ZERO, ZERO)[0].reshape(shape)[:, :d]
        excess = np.where(signs == 0, abs(pull) - problem.absolute, -ONE)
        if excess.max() <= problem.absolute * SHARPEST:
            return Reference(params, problem.objective(params), found.gap)
        first = np.unravel_index(excess.argmax(), excess.shape)
        signs = signs.copy()
        signs[first] = 1 if pull[first] > 0 else -1
    return Reference(params, problem.objective(params), Decimal("Infinity"))


def _smoothed(problem: Problem, start: Numbers | None, max_steps: int) -> Reference:
    size = problem.design.shape[1]
    params = np.full((problem.n_outputs, size), ZERO) if start is None else start
    # A scale of each coefficient for Levenberg's damping: steps are the same in any units of the columns.
    damping = np.tile((problem.weight[:, None] * problem.design**2).sum(0), problem.n_outputs)
    damping = np.where(damping == 0, ONE, damping)
    y_scale = _size(problem)
    kinks = problem.kind == "absolute"
    sharp, steps, gap = ONE if kinks else SHARPEST, 0, Decimal("Infinity")
    eps_loss, eps_weight = y_scale, y_scale / _largest(problem)
    while True:
        if sharp < ONE:
            spread = _spread(problem, params)
            # Weights that vanish would sharpen their kinks faster than Newton's method can follow.
            eps_loss, eps_weight = sharp * spread[0], max(sharp * spread[1], eps_weight / 10)
        params, used, gap = _newton(problem, params, eps_loss, eps_weight, damping, max_steps - steps)
        steps += used
        if sharp <= SHARPEST or steps >= max_steps:
            slack = eps_loss + problem.absolute * eps_weight * size if kinks else ZERO
            objective = problem.objective(params)
            return Reference(params, objective, min(gap + slack, objective) if kinks else gap + slack)
        sharp = max(SHARPEST, sharp / 10)


def _spread(problem: Problem, params: Numbers) -> tuple[Decimal, Decimal]:
    """Sizes of residuals and of weights, never 0."""
    y = _size(problem)
    residual = max(abs(value) for value in (problem.design @ params.T - problem.y[:, None]).ravel())
    weight = max((abs(value) for value in params[:, : problem.x.shape[1]].ravel()), default=ZERO)
    return max(residual, y * Decimal(10) ** -20), max(weight, y / _largest(problem) * Decimal(10) ** -20)


def _largest(problem: Problem) -> Decimal:
    """Largest feature, never 0."""
    return max(abs(value) for value in problem.x.ravel()) or ONE


def _size(problem: Problem) -> Decimal:
    return ONE if problem.kind == "softmax" else max(abs(value) for value in problem.y) or ONE


def _newton(
    problem: Problem, params: Numbers, eps_loss: Decimal, eps_weight: Decimal, damping: Numbers, max_steps: int
) -> tuple[Numbers, int, Decimal]:
    value, level = problem.value(params, eps_loss, eps_weight), Decimal(10) ** -6
    gap, free = Decimal("Infinity"), problem.free()
    for step in range(max_steps):
        gradient, hessian = problem.derivatives(params, eps_loss, eps_weight)
        while True:
            direction = np.full(len(free), ZERO)
            direction[free] = solve_linear((hessian + np.diag(level * damping))[np.ix_(free, free)], gradient[free])
            decrease = gradient @ direction
            moved = params - direction.reshape(params.shape)
            reached = problem.value(moved, eps_loss, eps_weight)
            if reached <= value - decrease / 10**4 or decrease <= abs(value) * Decimal(10) ** -60:
                break
            level = max(level * 10, Decimal(10) ** -30)
            if level > 10**40:
                return params, step + 1, decrease
        params, value, gap = (moved, reached, decrease) if reached <= value else (params, value, decrease)
        if level <= Decimal(10) ** -20 and decrease <= (abs(value) + SHARPEST) * Decimal(10) ** -36:
            return params, step + 1, gap
        level = max(level / 1000, Decimal(10) ** -50)
    return params, max_steps, gap


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
