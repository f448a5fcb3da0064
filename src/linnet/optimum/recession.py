"""Directions in which an unpenalised objective falls for ever, so that no optimum exists.

Softmax regression: classes are separable if some weight and bias give every example's label a logit at least as large
as any other, and some a larger one (Albert and Anderson, "On the existence of maximum likelihood estimates in
logistic regression models", Biometrika 71, 1984). Poisson regression: a direction that lowers the prediction of some
examples with count 0, and changes no other. Both are decided by a linear programme: maximise the sum of the margins,
each at least 0 and counted up to 1.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sparse
import torch
from numpy.typing import NDArray
from scipy.optimize import linprog
from torch import Tensor

from linnet.optimum.duality_gap import UNIT_ROUNDOFF
from linnet.optimum.family import Poisson, Softmax
from linnet.optimum.problem import Problem

Array = NDArray[np.float64]
LARGEST_PROGRAMME = 2e7
"""Numbers in the constraint matrix beyond which no linear programme is tried."""
WHOLE = 1e9
"""Directions are rounded to whole numbers of this size, and so to ones that make margins exactly 0."""
ACTIVE = 1e-3
"""A margin counted above this is larger than 0: margins end at 0 or 1 unless examples contradict each other."""


class Recession(NamedTuple):
    """A direction, weight `[C, D]` and bias `[C]`, along which no loss rises and some fall for ever.

    grows: `[C, N]`, which margins do: of the label over class c, or (Poisson, C = 1) of 0 over the prediction.
    exact: whether all signs were checked in exact arithmetic; else they hold to the programme's tolerance.
    """

    weight: Tensor
    bias: Tensor
    grows: Tensor
    exact: bool


def separates(problem: Problem, weight: Tensor, bias: Tensor, z: Tensor) -> bool:
    """Whether every example's label has the largest logit, beyond doubt by rounding: then inf F = 0.

    Args:
        z: predictions `[C, N]` of weight `[C, D]` and bias `[C]`, float64.
    """
    y = problem.y[None]
    of_label = z.gather(0, y)[0]
    margin = of_label - z.scatter(0, y, -torch.inf).amax(0)
    if not float(margin.min()) > 0:
        return False
    largest = max((float(x.abs().amax()) for _, x, _ in problem.chunks(problem.x.dtype)), default=0.0)
    reach = float(weight.abs().sum(1).max()) * largest + float(bias.abs().max())
    return float(margin.min()) > 4 * (problem.n_features + 2) * UNIT_ROUNDOFF * reach


def recession(problem: Problem) -> Recession | None:
    """Find a direction of recession of an unpenalised problem with as many growing margins as possible, or None.

    Raises:
        ValueError: the problem is too large for a linear programme, or the solver gives up.
    """
    design = problem.design().numpy()
    scale = np.abs(design).max(0)
    design = design / np.where(scale > 0, scale, 1.0)
    if isinstance(problem.family, Softmax):
        found = _softmax(design, problem.y.numpy(), problem.n_outputs)
    else:
        assert isinstance(problem.family, Poisson)
        found = _poisson(design, problem.targets[:, 0].numpy())
    if found is None:
        return None
    direction, grows = found
    direction = direction / np.where(scale > 0, scale, 1.0)
    whole = np.round(direction * (WHOLE / np.abs(direction).max()))
    margins = _exact_margins(problem, whole)
    exact = bool((np.sign(margins) == grows.astype(int)).all())
    direction = whole if exact else direction
    weight = torch.from_numpy(direction[:, : problem.n_features].copy())
    bias = torch.from_numpy(direction[:, -1].copy()) if problem.bias else torch.zeros(len(weight), dtype=torch.float64)
    return Recession(weight, bias, torch.from_numpy(grows), exact)


def _exact_margins(problem: Problem, direction: Array) -> NDArray[np.object_]:
    """Margins `[C, N]` along a direction of whole numbers `[C, D or D + 1]`, without any rounding.

    Floats are whole numbers over powers of two, and Python's whole numbers have no limit.
    """
    design = problem.design().numpy()
    mantissa, exponent = np.frexp(design)
    least = int(exponent.min(initial=0))
    digits = (mantissa * 2.0**53).astype(np.int64).astype(object) * 2 ** (exponent - least).astype(object)
    scores = np.array([[int(entry) for entry in row] for row in direction], dtype=object) @ digits.T
    if isinstance(problem.family, Poisson):
        return -scores
    y = problem.y.numpy()
    return scores[y, np.arange(len(y))] - scores


def _softmax(design: Array, y: NDArray[np.int64], n_classes: int) -> tuple[Array, NDArray[np.bool_]] | None:
    n_examples, width = design.shape
    pairs = [(i, c) for i in range(n_examples) for c in range(n_classes) if c != y[i]]
    if len(pairs) * width * n_classes > LARGEST_PROGRAMME:
        raise ValueError("too many examples for the linear programme that decides whether the classes are separable")
    example, other = np.array(pairs).T
    rows = np.zeros((len(pairs), n_classes, width))
    index = np.arange(len(pairs))
    rows[index, y[example]] = design[example]
    rows[index, other] -= design[example]
    solution = _largest_margins(rows.reshape(len(pairs), -1), np.zeros((0, n_classes * width)))
    if solution is None:
        return None
    direction, growing = solution
    grows = np.zeros((n_classes, n_examples), dtype=np.bool_)
    grows[other, example] = growing
    return direction.reshape(n_classes, width), grows


def _poisson(design: Array, y: Array) -> tuple[Array, NDArray[np.bool_]] | None:
    if design.size > LARGEST_PROGRAMME:
        raise ValueError("too many examples for the linear programme that decides whether an optimum exists")
    solution = _largest_margins(-design[y == 0], design[y > 0])
    if solution is None:
        return None
    direction, growing = solution
    grows = np.zeros((1, len(y)), dtype=np.bool_)
    grows[0, y == 0] = growing
    return direction[None], grows


def _largest_margins(margins: Array, fixed: Array) -> tuple[Array, NDArray[np.bool_]] | None:
    """Maximise Σ t with 0 ≤ t ≤ 1, t ≤ margins v and fixed v = 0; None if no margin can grow."""
    n_margins, width = margins.shape
    if n_margins == 0:
        return None
    result = linprog(
        np.concatenate([np.zeros(width), -np.ones(n_margins)]),
        A_ub=np.hstack([-margins, np.eye(n_margins)]) if n_margins <= 200 else _sparse(margins),
        b_ub=np.zeros(n_margins),
        A_eq=np.hstack([fixed, np.zeros((len(fixed), n_margins))]) if len(fixed) else None,
        b_eq=np.zeros(len(fixed)) if len(fixed) else None,
        bounds=[(None, None)] * width + [(0, 1)] * n_margins,
        method="highs",
    )
    if result.status != 0:
        raise ValueError(
            f"the linear programme that decides whether an optimum exists was not solved: {result.message}"
        )
    growing = result.x[width:] > ACTIVE
    return (result.x[:width], growing) if growing.any() else None


def _sparse(margins: Array) -> object:
    return sparse.hstack([sparse.csr_matrix(-margins), sparse.identity(len(margins))], format="csc")
