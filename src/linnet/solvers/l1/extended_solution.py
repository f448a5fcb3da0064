"""Solve l1 problems in extended precision where float64 is not precise enough."""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from linnet.solvers.certificates.duality_gap import Certified, duality_gap
from linnet.solvers.convex_losses import Robust
from linnet.solvers.l1.active_set import is_small, refine
from linnet.solvers.problem import Problem
from linnet.solvers.robust.lad_vertex import ScaledHuber, lad_vertex, widths
from linnet.solvers.rounding import UNIT_ROUNDOFF

METHOD = ", active set in extended precision"
UNRESOLVED = "; rounding hides what the penalty decides, so that other weights may be as good"
NEAR = 1e-6
"""Share of the penalty that rounding may hide."""
NEARLY_SINGULAR = 1e-4
"""Pivot of a scaled Gram matrix below which its solution has lost more than half of its digits."""


class Better(NamedTuple):
    """A solution, and additions to the names of its method and certificate."""

    weight: Tensor
    bias: Tensor
    certified: Certified
    method: str = ""
    certificate: str = ""


def in_extended_precision(
    problem: Problem, weight: Tensor, bias: Tensor, certified: Certified, tolerance: float
) -> Better:
    """Improve a solution for squared error or Huber's loss, if needed and if the problem is small enough."""
    parts = [replace(problem, y=problem.targets[:, c : c + 1], n_outputs=1) for c in range(problem.n_outputs)]
    resolved = all(is_resolved(part, weight[c : c + 1], bias[c : c + 1]) for c, part in enumerate(parts))
    if certified.bound <= tolerance and resolved:
        return Better(weight, bias, certified)
    if is_small(problem):
        found = [refine(part, weight[c : c + 1], bias[c : c + 1]) for c, part in enumerate(parts)]
        there = torch.cat([part.weight for part in found]), torch.cat([part.bias for part in found])
        last = _best_certified(problem, *there, (torch.cat([part.theta for part in found]), certified.theta))
        if all(part.optimal for part in found) and last.bound <= 2 * certified.bound:
            return Better(*there, last, METHOD)
        if last.bound < certified.bound:
            weight, bias, certified = *there, last
    return Better(weight, bias, certified, "", "" if resolved else UNRESOLVED)


def is_resolved(problem: Problem, weight: Tensor, bias: Tensor) -> bool:
    """Return whether float64 and a Gram matrix resolve the active set near weight `[1, D]` and bias `[1]`."""
    convex_loss, y, z = problem.convex_loss, problem.targets, problem.predict(weight, bias)
    curvature = convex_loss.curvature(z, y, 0.0)
    size = convex_loss.value_and_theta(z, y)[1].abs() + curvature * (z.abs() + y.T.abs())
    used = weight[0] != 0
    n_used, n_bias = int(used.sum()), int(problem.bias)
    gradient, gram = torch.zeros_like(weight), torch.zeros(n_used + n_bias, n_used + n_bias, dtype=torch.float64)
    for rows, x, _ in problem.chunks(torch.float64):
        gradient += size[:, rows] @ x.abs() / problem.n_examples
        columns = torch.cat([x[:, used], x.new_ones(len(x), n_bias)], 1)
        gram += (columns.T * curvature[0, rows]) @ columns / problem.n_examples
    if not 64 * UNIT_ROUNDOFF * float(gradient.max()) <= NEAR * problem.l1:
        return False
    gram.diagonal()[:n_used] += problem.l2
    scale = gram.diagonal().sqrt()
    factor, failed = torch.linalg.cholesky_ex(gram / scale / scale[:, None])
    return int(failed) == 0 and bool((factor.diagonal() > NEARLY_SINGULAR).all())


def untied(problem: Problem, weight: Tensor, bias: Tensor, certified: Certified, tolerance: float) -> Better:
    """Choose the features in a fit by absolute error where float64 cannot distinguish some of them.

    Huber's loss, of any width below the residuals that are not 0, has the same dual variables. The widest that will do
    loses the least to rounding.
    """
    assert isinstance(problem.convex_loss, Robust)
    tied = bool(((weight == 0) & (certified.v.abs() >= problem.l1 * (1 - NEAR))).any())
    if problem.l1 == 0 or (certified.bound <= tolerance and not tied):
        return Better(weight, bias, certified)
    limits, here = problem.convex_loss.limits, (weight, bias)
    for width in widths(problem) if is_small(problem) else []:
        found = refine(replace(problem, convex_loss=ScaledHuber(width, problem.weight)), *here)
        here = found.weight, found.bias
        outer = found.theta.abs() >= limits * (1 - 4 * UNIT_ROUNDOFF)
        theta = torch.where(outer, found.theta.sign() * limits, found.theta)
        plane = lad_vertex(problem, found.weight, theta) if found.optimal else None
        if plane is not None:
            # By its own dual point, which no other plane of the same value has. Else a residual is within the width.
            last = _best_certified(problem, *plane[:2], (plane[2], theta))
            if last.bound <= max(tolerance, 2 * certified.bound):
                return Better(*plane[:2], last, METHOD)
    return Better(weight, bias, certified, "", UNRESOLVED if tied else "")


def _best_certified(problem: Problem, weight: Tensor, bias: Tensor, thetas: tuple[Tensor, ...]) -> Certified:
    """Return the smallest bound of several dual points: each of them bounds the optimum."""
    return min((duality_gap(problem, weight, bias, theta) for theta in thetas), key=lambda found: found.bound)
