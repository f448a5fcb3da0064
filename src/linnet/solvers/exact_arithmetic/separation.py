"""Directions of recession of an unpenalised objective, along which it has no minimum (separation).

Softmax regression: classes are separable if some weight and bias give every example's label a logit at least as large
as any other, and some a larger one (Albert and Anderson, "On the existence of maximum likelihood estimates in
logistic regression models", Biometrika 71, 1984). Poisson regression: a direction that lowers the prediction of some
examples with count 0, and changes no other. No verdict rests on a tolerance: small problems are decided in exact
arithmetic, and a direction that a linear programme finds for a large one counts only once its signs are proven.

Small problems are decided by a theorem of alternatives (Gordan, Stiemke): either some direction v has all margins
m_k·v ≥ 0 and one larger than 0, or there are λ_k > 0, all of them, with Σ λ_k m_k = 0: never both, for Σ λ_k (m_k·v)
would be 0 and larger. A simplex method in whole numbers finds one or the other, and either is its own proof. Source:
Mangasarian, Nonlinear Programming (1969), chapter 2.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sparse
import torch
from numpy.typing import NDArray
from scipy.optimize import linprog
from torch import Tensor

from linnet.solvers.convex_losses import Poisson, Softmax
from linnet.solvers.exact_arithmetic.integer_margins import UNIT_ROUNDOFF, Array, Margins, Whole, WholeBasis, WholeRows
from linnet.solvers.problem import Problem

LARGEST_PROGRAMME = 2e7
"""Numbers in the constraint matrix beyond which no linear programme is tried."""
LARGEST_EXACT = 2e6
"""Margins times unknowns up to which exact arithmetic decides."""
EXACT_UNKNOWNS = 64
WHOLE = 2**30
"""Directions are rounded to whole numbers of this size, and so to ones that make margins exactly 0."""


class Recession(NamedTuple):
    """Direction of recession, weight `[C, D]` and bias `[C]` in float64: no loss rises, some fall without limit.

    grows: `[C, N]`, which margins do: of the label over class c, or (Poisson, C = 1) of 0 over the prediction. Proven
        for a direction of whole numbers.
    """

    weight: Tensor
    bias: Tensor
    grows: Tensor


class Undecided(ValueError):
    """The existence of an optimum could be neither proven nor refuted."""


def separates(problem: Problem, weight: Tensor, bias: Tensor) -> bool:
    """Return whether every example's label has the largest logit, rounding included: then inf F = 0.

    Args:
        weight, bias: `[C, D]` and `[C]`, float64.
    """
    z, y = problem.predict(weight, bias), problem.y[None]
    margin = z.gather(0, y)[0] - z.scatter(0, y, -torch.inf).amax(0)
    if not float(margin.min()) > 0:
        return False
    # |computed z − z| ≤ (D + 2) u (|W||x| + |b|), and a margin is the difference of two.
    size = torch.cat([torch.addmm(bias.abs()[:, None], weight.abs(), x.abs().T).amax(0)
                      for _, x, _ in problem.chunks(weight.dtype)])  # fmt: skip
    return bool((margin > 4 * (problem.n_features + 4) * UNIT_ROUNDOFF * size).all())


def margins_of(problem: Problem) -> Margins:
    """Return all margins of a problem: labels over other classes, or counts of 0; other counts allow no change."""
    rows, y = WholeRows(problem.design().numpy()), problem.targets.numpy()
    if isinstance(problem.convex_loss, Poisson):
        zero, other = np.flatnonzero(y[:, 0] == 0), np.flatnonzero(y[:, 0] > 0)
        row = np.concatenate([zero, other, other])
        up = np.arange(len(row)) >= len(zero) + len(other)
        return Margins(rows, 1, row, np.where(up, 0, -1), np.where(up, -1, 0))
    assert isinstance(problem.convex_loss, Softmax)
    counted = np.ones((problem.n_outputs, len(y)), dtype=np.bool_)
    counted[y, np.arange(len(y))] = False
    if problem.convex_loss.allowed is not None:
        counted &= problem.convex_loss.allowed.numpy()
    other, row = np.nonzero(counted)
    last = problem.n_outputs - 1  # a common change of all logits changes nothing: the last one stays 0
    return Margins(rows, last, row, np.where(y[row] == last, -1, y[row]), np.where(other == last, -1, other))


def recession(problem: Problem) -> Recession | None:
    """Find a direction of recession of an unpenalised problem, with as many growing margins as possible if it is small.

    Returns:
        None if there is none, proven.

    Raises:
        Undecided: the problem is too large for a proof, or the solver gives up.
    """
    n_unknowns = (problem.n_outputs - 1 if isinstance(problem.convex_loss, Softmax) else 1) * problem.design().shape[1]
    n_margins = problem.n_examples * max(1, problem.n_outputs - 1)
    if n_margins * n_unknowns > LARGEST_PROGRAMME:
        raise Undecided("too many examples to decide whether an optimum exists")
    margins = margins_of(problem)
    if n_unknowns <= EXACT_UNKNOWNS and n_margins * n_unknowns <= LARGEST_EXACT:
        direction, grows = direction_of_recession(margins)
    else:
        direction = _by_linear_programme(margins)
        signs, _ = margins.along(direction)
        grows = signs > 0
        if not grows.any() or (signs < 0).any():
            raise Undecided("a linear programme does not prove whether an optimum exists")
    if not grows.any():
        return None
    placed = np.zeros((problem.n_outputs, problem.n_examples), dtype=np.bool_)
    if isinstance(problem.convex_loss, Poisson):
        placed[0, margins.row[grows]] = True
    else:
        placed[np.where(margins.minus < 0, margins.n_outputs, margins.minus)[grows], margins.row[grows]] = True
    return Recession(*_parameters(problem, margins.rows.as_parameters(direction.reshape(margins.shape))),
                     torch.from_numpy(placed))  # fmt: skip


def _parameters(problem: Problem, direction: Array) -> tuple[Tensor, Tensor]:
    """Return weight `[C, D]` and bias `[C]`, the last class with its parameters fixed at 0."""
    found = torch.zeros(problem.n_outputs, direction.shape[1], dtype=torch.float64)
    found[: len(direction)] = torch.from_numpy(direction)
    bias = found[:, -1].clone() if problem.bias else found.new_zeros(len(found))
    return found[:, : problem.n_features].clone(), bias


def _by_linear_programme(margins: Margins) -> Whole:
    """Propose a direction in integers, still unproven: maximise Σ t with 0 ≤ t ≤ 1 and t ≤ margins."""
    matrix, n_margins = margins.dense(margins.rows.unit), len(margins)
    result = linprog(
        np.concatenate([np.zeros(matrix.shape[1]), -np.ones(n_margins)]),
        A_ub=sparse.hstack([sparse.csr_matrix(-matrix), sparse.identity(n_margins)], format="csc"),
        b_ub=np.zeros(n_margins),
        bounds=[(None, None)] * matrix.shape[1] + [(0, 1)] * n_margins,
        method="highs",
    )
    if result.status != 0:
        raise Undecided(f"the linear programme that decides whether an optimum exists was not solved: {result.message}")
    found: NDArray[np.float64] = result.x[: matrix.shape[1]].reshape(margins.shape)
    whole = np.round(found * (WHOLE / max(np.abs(found).max(), 1e-300)))
    rounded = np.array([[int(number) for number in row] for row in whole], dtype=object)
    # From units of `unit` to those of `whole`; one common power of two is free.
    shift = margins.rows.exponent - margins.rows.largest
    return np.asarray(rounded << (shift - shift.min()).astype(object), dtype=object).ravel()


PIVOTS = 2000


def direction_of_recession(margins: Margins) -> tuple[Whole, NDArray[np.bool_]]:
    """Find a direction `[C * D]` with all margins ≥ 0 and as many as possible > 0, and which these are; 0 if none.

    Of those that stay 0 along it, a combination with all λ > 0 vanishes, so that no other direction does better.

    Raises:
        ValueError: too many steps.
    """
    direction = np.full(int(np.prod(margins.shape)), 0, dtype=object)
    grows = np.zeros(len(margins), dtype=np.bool_)
    while not grows.all():
        found = _direction(margins.some(~grows))
        if found is None:
            break
        # Among the margins that the first direction left at 0, `found` lets some grow. The others have a reserve, which
        # a large enough multiple of the first direction does not let it use up.
        multiple = 1
        while True:
            both = direction * multiple + found
            signs, _ = margins.along(both)
            if (signs >= grows).all():  # at least 0, and above 0 where the first direction was
                break
            multiple = multiple * 2**32
        direction, grows = both, signs > 0
    return direction, grows


def _direction(margins: Margins) -> Whole | None:
    """Find a direction with all margins ≥ 0 and one larger; None if some λ > 0 have Σ λ_k m_k = 0.

    Phase 1 of the simplex method for λ = 1 + μ, μ ≥ 0: minimise the sum of artificial variables of Σ μ_k m_k = −Σ m_k.
    """
    right = -margins.total(np.full(len(margins), 1, dtype=object))
    sign = np.array([-1 if number < 0 else 1 for number in right], dtype=object)
    basis = WholeBasis(right * sign)  # in coordinates whose signs make the artificial variables positive
    bland = False
    for _ in range(PIVOTS):
        artificial = [place for place, column in enumerate(basis.columns) if column < 0]
        if not any(basis.solution[artificial]):
            return None
        prices = basis.table[artificial, :-1].sum(axis=0) * sign
        signs, size = margins.along(prices)
        if not (signs > 0).any():
            return np.asarray(-prices, dtype=object)
        # The lowest number only where a step was in vain: Bland's rule ends every cycle, but slowly.
        entering = int(np.flatnonzero(signs > 0)[0] if bland else np.where(signs > 0, size, -1.0).argmax())
        coordinates = basis.coordinates(margins.gradient(entering) * sign)
        place = _leaving(basis, coordinates)
        bland = basis.solution[place] == 0
        basis.exchange(place, entering, coordinates)
    raise ValueError(f"no decision after {PIVOTS} steps of the simplex method in exact arithmetic")


def _leaving(basis: WholeBasis, coordinates: Whole) -> int:
    """Return the leaving variable by the ratio test; of equals an artificial one, else the lowest (Bland)."""
    best = -1
    for place in range(len(coordinates)):
        if coordinates[place] <= 0:
            continue
        if best >= 0:
            ratio = basis.solution[place] * coordinates[best] - basis.solution[best] * coordinates[place]
            if ratio > 0 or (ratio == 0 and basis.columns[place] > basis.columns[best]):
                continue
        best = place
    assert best >= 0  # the sum of artificial variables is bounded below
    return best
