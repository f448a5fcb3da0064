"""Softmax regression with l2 of all folds of a partition, side by side along a path of strengths.

Each pass over the examples serves the models of all folds, in float32 until its rounding shows. Steps are those of
limited-memory BFGS, which begins from one dense Hessian of all examples: a fold's own differs from it by little. The
optimum of a strength is where the next one begins, whose gradient there is known without a pass.

Nothing is proven here: what is found is to be certified.

Source: Nocedal and Wright, Numerical Optimization, 2006, algorithms 7.4 and 7.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from linnet.solvers.resampled.softmax_rows import HIGH, LOW, FoldPoint, FoldRows

PASSES = 80
"""Passes over the examples for one strength, at the most."""
RENEWED = 10
"""Passes after which the Hessian is computed again: where as many were needed, it is not near enough."""
PAIRS = 12
"""Steps that are remembered."""
HALVINGS = 6
SINGLE = 1e-6
"""Gradient, as a share of that at 0, below which rounding in float32 shows."""
SLACK = 4
"""Roundoffs of F that an increase may be without being one, where the slope shows a decrease."""
ENOUGH = 0.3
"""Share of the tolerance that a bound from the gradient alone may be, so that a proof succeeds."""
NEAR = 1e-8
"""Relative error of weights where these are wanted as well."""
SIDE_BY_SIDE = 500
"""Outputs of all models that a pass serves."""
ALONE = 12
"""Folds from which on the model of all examples is solved for first, for the others to begin at."""

Parameters = tuple[Tensor, Tensor]


@dataclass
class Inverse:
    """Inverse of the Hessian of the mean loss of all examples, plus a penalty; `factor` is that of Cholesky."""

    hessian: Tensor
    factor: Tensor = field(init=False)

    @property
    def of_bias(self) -> float:
        """Mean second derivative by the bias of a class."""
        return float(self.hessian[:, -1, :, -1].diagonal().mean())

    def penalise(self, l2: Tensor) -> None:
        """Take λ of each feature `[D]` for the penalty."""
        n_classes, width = self.hessian.shape[:2]
        size = self.hessian.diagonal(dim1=0, dim2=2).diagonal(dim1=0, dim2=1).mean()
        penalised = self.hessian.clone()
        # Along the common change of all classes no gradient has anything, and the Hessian is singular.
        penalised += size / n_classes * torch.eye(width, dtype=HIGH)[None, :, None, :]
        matrix = penalised.view(n_classes * width, -1)
        diagonal = torch.cat([l2, l2.new_zeros(1)]).repeat(n_classes)
        for share in (1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1.0):  # what rounding in float32 may need
            self.factor, failed = torch.linalg.cholesky_ex(matrix + torch.diag(diagonal + share * size))
            if not failed:
                return

    def __call__(self, weight: Tensor, bias: Tensor) -> Parameters:
        """Apply the inverse to `[F, C, D]` and `[F, C]`."""
        flat = torch.cat([weight, bias[..., None]], 2)
        solved = torch.cholesky_solve(flat.flatten(1).T, self.factor).T.reshape(flat.shape)
        return of_sum_zero((solved[..., :-1], solved[..., -1]))


def of_sum_zero(u: Parameters) -> Parameters:
    """Remove the common change of all classes, along which softmax is flat and no optimum has anything."""
    return u[0] - u[0].mean(1, keepdim=True), u[1] - u[1].mean(1, keepdim=True)


def dot(a: Parameters, b: Parameters) -> Tensor:
    """Return the inner product of each model's `[F, C, D]` and `[F, C]`."""
    return (a[0] * b[0]).sum((1, 2)) + (a[1] * b[1]).sum(1)


class Path:
    """The models of some folds, at one strength after the other.

    Args:
        rows: the examples.
        folds: which of them; the number of folds stands for the model of all examples.
        weight, bias: where to begin, `[F, C, D]` and `[F, C]`.
    """

    def __init__(self, rows: FoldRows, folds: slice, weight: Tensor, bias: Tensor) -> None:
        self.rows, self.folds, self.dtype = rows, folds, LOW
        self.weight, self.bias = of_sum_zero((weight, bias))
        self.point = rows.evaluate(self.weight, self.bias, folds, LOW)
        self.pairs: list[tuple[Parameters, Parameters]] = []
        self.first = rows.evaluate(*rows.zeros(len(bias)), folds, LOW).weight.square().sum((1, 2))

    def solve(self, l2: Tensor, tolerance: float, inverse: Inverse, *, tight: bool, fixed: bool) -> int:
        """Minimise mean losses plus ½ Σ l2_j W_cj², for l2 `[F, 1, D]`, above 0; return the passes this took.

        Args:
            tolerance: in units of the objective.
            inverse: of the Hessian; moved to the current point where it is not near enough.
            tight: whether weights are wanted as well as objectives.
            fixed: whether the inverse stays where it is.
        """
        before, passes, stuck = self.rows.passes, 0, False
        self.dtype = LOW
        while passes < PASSES:
            gap = ((self.point.weight + l2 * self.weight).square() / l2).sum((1, 2)) / 2
            # A bias that is not the best one counts by itself and by derivatives: see `linnet.solvers.blockwise.bound`.
            of_bias = self.point.bias.square().sum(1) / inverse.of_bias
            moved = self.rows.second_moment / 4 * of_bias / l2.amin((1, 2))
            gap = (gap.sqrt() + moved.sqrt()).square() + of_bias
            target = torch.full_like(gap, ENOUGH * tolerance)
            if tight:
                target = torch.minimum(target, NEAR**2 / 2 * (l2 * self.weight.square()).sum((1, 2)))
            slope = (self.point.weight + l2 * self.weight).square().sum((1, 2))
            open_ = gap > target
            if self.dtype == LOW and (not open_.any() or stuck or bool((slope <= SINGLE**2 * self.first)[open_].all())):
                self.dtype, stuck = HIGH, False
                self.point = self.rows.evaluate(self.weight, self.bias, self.folds, HIGH)
                passes += 1
                continue
            if not open_.any() or stuck:
                break
            if passes and passes % RENEWED == 0 and not fixed:
                inverse.hessian = self.rows.hessian(self.weight.mean(0), self.bias.mean(0))
                inverse.penalise(l2.mean((0, 1)))
            stuck = not self._step(l2, inverse, open_)
            passes = self.rows.passes - before
        return passes

    def _step(self, l2: Tensor, inverse: Inverse, active: Tensor) -> bool:
        """Step along −B ∇F by the largest of 1, ½, ¼, … that lessens F enough (Armijo); return whether one does."""
        gradient = of_sum_zero((self.point.weight + l2 * self.weight, self.point.bias))
        direction = self._direction(gradient, l2, inverse)
        slope, value = dot(gradient, direction), self._objective(self.point, self.weight, l2)
        usable = active & (slope < 0)
        scale = usable.double()
        slack = SLACK * torch.finfo(self.dtype).eps * (1 + value.abs())
        for _ in range(HALVINGS):
            move = direction[0] * scale[:, None, None], direction[1] * scale[:, None]
            weight, bias = self.weight + move[0], self.bias + move[1]
            trial = self.rows.evaluate(weight, bias, self.folds, self.dtype)
            reached = self._objective(trial, weight, l2)
            along = dot(of_sum_zero((trial.weight + l2 * weight, trial.bias)), direction)
            flatter = along.abs() <= 0.9 * slope.abs()  # F is convex: where rounding hides a decrease, this shows it
            good = (reached <= value + 1e-4 * scale * slope) | (flatter & (reached <= value + slack)) | ~usable
            if good.all():
                break
            scale = torch.where(good, scale, scale / 2)
        scale = torch.where(good & usable, scale, 0.0)
        moved = scale > 0
        if not moved.any():
            return False
        change = of_sum_zero((trial.weight - self.point.weight, trial.bias - self.point.bias))  # of the loss alone
        self.pairs = [*self.pairs[1 - PAIRS :], (move, change)]
        of_weight, of_bias = moved[:, None, None], moved[:, None]
        self.weight, self.bias = torch.where(of_weight, weight, self.weight), torch.where(of_bias, bias, self.bias)
        self.point = FoldPoint(
            torch.where(moved, trial.loss, self.point.loss), torch.where(of_weight, trial.weight, self.point.weight),
            torch.where(of_bias, trial.bias, self.point.bias),
        )  # fmt: skip
        return True

    def _objective(self, point: FoldPoint, weight: Tensor, l2: Tensor) -> Tensor:
        return point.loss + 0.5 * (l2 * weight.square()).sum((1, 2))

    def _direction(self, gradient: Parameters, l2: Tensor, inverse: Inverse) -> Parameters:
        """Return −B ∇F, where B is an inverse that agrees with the remembered steps, for their own l2 or another."""
        pairs = []
        for step, of_loss in self.pairs:
            change = of_sum_zero((of_loss[0] + l2 * step[0], of_loss[1]))
            product = dot(step, change)
            rate = torch.where(product > 0, 1 / product, 0.0)  # a model that did not move remembers nothing
            pairs.append((step, change, rate))
        current, shares = gradient, []
        for step, change, rate in reversed(pairs):
            shares.append(rate * dot(step, current))
            current = _minus(current, shares[-1], change)
        result = inverse(*current)
        for (step, change, rate), share in zip(pairs, reversed(shares), strict=True):
            result = _minus(result, rate * dot(change, result) - share, step)
        return -result[0], -result[1]


def _minus(u: Parameters, share: Tensor, v: Parameters) -> Parameters:
    return u[0] - share[:, None, None] * v[0], u[1] - share[:, None] * v[1]


def near_optima(
    rows: FoldRows, strengths: Sequence[float], scale: Tensor, tolerance: float, *, tight: bool,
    start: Parameters | None,
) -> Parameters:  # fmt: skip
    """Return weights `[S, F, C, D]` and biases `[S, F, C]` near the optima of mean loss + λ/2 Σ scale_j W_cj².

    Args:
        rows: the examples of F folds.
        strengths: λ from strong to weak, `[S]`, all above 0.
        scale: of each fold's features `[F, D]`, above 0.
        tolerance: how near, in units of the objective.
        tight: whether weights are wanted as well as objectives.
        start: weight `[C, D]` and bias `[C]`, near the optimum of the first strength.
    """
    n_folds, n_classes = len(scale), rows.n_classes
    weight, bias = rows.zeros(n_folds)
    if start is not None:
        weight, bias = weight + start[0], bias + start[1] + start[0] @ rows.centre
    found = torch.empty(len(strengths), *weight.shape, dtype=HIGH), torch.empty(len(strengths), *bias.shape, dtype=HIGH)
    l2 = [strength * scale[:, None] for strength in strengths]
    if n_folds < ALONE:
        path, inverse, passes = Path(rows, slice(0, n_folds), weight, bias), None, RENEWED
        for s, each in enumerate(l2):
            if inverse is None or passes >= RENEWED:
                inverse = Inverse(rows.hessian(path.weight.mean(0), path.bias.mean(0)))
            inverse.penalise(each.mean((0, 1)))
            passes = path.solve(each, tolerance, inverse, tight=tight, fixed=False)
            found[0][s], found[1][s] = path.weight, path.bias
    else:
        whole, size = Path(rows, slice(n_folds, n_folds + 1), weight[:1], bias[:1]), max(1, SIDE_BY_SIDE // n_classes)
        for s, each in enumerate(l2):
            inverse = Inverse(rows.hessian(whole.weight[0], whole.bias[0]))
            inverse.penalise(each.mean((0, 1)))
            whole.solve(each.mean(0, keepdim=True), tolerance, inverse, tight=tight, fixed=False)
            inverse = Inverse(rows.hessian(whole.weight[0], whole.bias[0]))
            inverse.penalise(each.mean((0, 1)))
            for first in range(0, n_folds, size):
                folds = slice(first, min(first + size, n_folds))
                n = folds.stop - folds.start
                group = Path(rows, folds, whole.weight.expand(n, -1, -1), whole.bias.expand(n, -1))
                group.solve(each[folds], tolerance, inverse, tight=tight, fixed=True)
                found[0][s, folds], found[1][s, folds] = group.weight, group.bias
    return found[0], found[1] - found[0] @ rows.centre
