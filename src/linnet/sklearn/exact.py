"""Solve an estimator's training problem exactly, and always return finite coefficients."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from linnet.data.batch import Batch
from linnet.data.standardizer import Standardizer
from linnet.data.storage.sparse_examples import sparse_standardizer
from linnet.losses import Loss
from linnet.penalties import L2, Penalty
from linnet.sklearn.options import InvalidParameter
from linnet.solvers.convex_losses import is_known
from linnet.solvers.optimum import Optimum
from linnet.solvers.relative import Rows, loss_of_zeros, solve_relative
from linnet.solvers.sparse.features import compressed_rows, is_sparse

FAR = 1000.0
"""Smallest value of a column over its range beyond which the column is centred before it is solved for."""
FIRST = 64
"""Rows by which nearly all columns show that they are not far."""
SMALL, TIGHT = 200_000, 1e-11
"""Features times outputs up to which the last digits cost next to nothing, and the relative tolerance that asks for
them."""
STRENGTHS = (1e-4, 1e-6, 1e-8, 1e-10)
"""Of the l2 penalties tried in turn where a loss has no minimum, in units of the loss of predicting nothing."""


@dataclass(frozen=True)
class Fit:
    """Coefficients for features as given.

    weight: `[C, D]`, float64.
    bias: `[C]`, float64.
    gap: proven upper bound of F − inf F; nan where nothing is proven.
    certificate: the proof in words, or why there is none.
    iterations: of the solver.
    warning: why the coefficients are not those that were asked for, or None.
    """

    weight: Tensor
    bias: Tensor
    gap: float
    certificate: str
    iterations: int
    warning: str | None = None


def solve_exactly(
    rows: Rows,
    loss: Loss,
    penalty: Penalty,
    n_outputs: int,
    *,
    fit_intercept: bool,
    standardize: bool,
    tolerance: float,
) -> Fit:
    """Minimise mean loss + penalty, or come near its infimum where there is no minimum; then `Fit.warning` says so.

    Args:
        rows: with weights above 0 and of mean 1, or None.
        loss, penalty: one that the solvers know.
        n_outputs: C.
        fit_intercept: whether there is a bias, which is never penalised.
        standardize: whether the penalty is on coefficients of features of mean 0 and variance 1.
        tolerance: bound to reach, relative to the loss of predicting nothing; small problems are solved to `TIGHT`.

    Raises:
        InvalidParameter: there is no exact solver for the loss.
        ValueError: the numbers overflow, or there is neither a minimum nor coefficients near the infimum.
    """
    if not is_known(loss):
        raise InvalidParameter(f"solver='exact': there is no exact solver for {type(loss).__name__}, use solver='sgd'")
    if is_sparse(rows.x):
        rows = replace(rows, x=compressed_rows(rows.x))
    scaling = _scaling(rows, fit_intercept, standardize)
    solved, origin = rows, torch.zeros(rows.x.shape[1], dtype=torch.float64)
    if scaling is not None:
        solved = replace(rows, x=_scaled(rows.x, scaling))
        origin = scaling.mean / scaling.deviation

    sought = min(tolerance, TIGHT) if rows.x.shape[0] * rows.x.shape[1] * n_outputs <= SMALL else tolerance

    def solve(penalty: Penalty) -> Optimum:
        return solve_relative(
            solved, loss, penalty, bias=fit_intercept, tolerance=sought, n_outputs=n_outputs, origin=origin
        )

    found, scale, warning = solve(penalty), loss_of_zeros(solved, loss, n_outputs), None
    if not found.attained:
        found, warning = _near_infimum(solve, found, scale, tolerance)
    elif not found.suboptimality_bound <= max(tolerance * scale, 1e-12 * abs(found.objective)):
        warning = (
            f"the objective {found.objective:.6g} is proven to be within {found.suboptimality_bound:.2g} of its "
            f"minimum, not within the tolerance of {tolerance * scale:.2g}"
        )
    weight, bias = found.weight, found.bias
    if scaling is not None:
        weight, bias = scaling.undo(weight, bias)
    return Fit(weight, bias, found.suboptimality_bound, found.certificate, found.iterations, warning)


def _scaling(rows: Rows, fit_intercept: bool, standardize: bool) -> Standardizer | None:
    """Return how features are centred and scaled before they are solved for, or None.

    An offset much larger than the range would cost digits. Where there is a bias, centring changes nothing else.
    """
    if is_sparse(rows.x):
        return sparse_standardizer(rows.x, rows.weight, bias=fit_intercept) if standardize else None
    if standardize:
        return Standardizer.of(lambda: [Batch(rows.x, rows.y, weight=rows.weight)], centre=fit_intercept)
    if not fit_intercept:
        return None
    # A column that is far is so in any of its rows, and few columns are in the first ones.
    some = _far(rows.x[:FIRST])[0].nonzero()[:, 0]
    if len(some) == 0:
        return None
    far, low, high = _far(rows.x[:, some])
    if not bool(far.any()):
        return None
    mean = torch.zeros(rows.x.shape[1], dtype=torch.float64)
    mean[some] = torch.where(far, torch.where(low == high, low, rows.x[:, some].double().mean(0)), 0.0)
    return Standardizer(mean, torch.ones_like(mean))


def _far(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return which columns of `[N, D]` are far from 0 for their range, their least and their largest values, `[D]`."""
    low, high = x.amin(0).double(), x.amax(0).double()
    return torch.where(low > 0, low, -high) > FAR * (high - low), low, high


def _scaled(x: Any, scaling: Standardizer) -> Any:
    if not is_sparse(x):
        return scaling.apply(x, torch.float64)
    return csr_array((x.data / scaling.deviation.numpy()[x.indices], x.indices, x.indptr), shape=x.shape)


def _near_infimum(
    solve: Callable[[Penalty], Optimum], limit: Optimum, scale: float, tolerance: float
) -> tuple[Optimum, str]:
    """Return finite coefficients whose loss is near an infimum that is approached only at infinity, and a warning."""
    for share in STRENGTHS:
        strength = share * scale
        found = solve(L2(strength))
        if not found.attained:
            break
        penalty = 0.5 * strength * float(found.weight.square().sum()) * (1 - 1e-12)
        loss = found.objective + found.suboptimality_bound - penalty  # an upper bound of it, rounding included
        gap = max(loss - limit.lower, 0.0)
        if gap <= tolerance * scale:
            break
    if not found.attained:
        raise ValueError(f"no finite coefficients minimise the loss: {limit.certificate}")
    warning = (
        f"the loss has no minimum without a penalty ({limit.certificate}): the coefficients are those of an l2 penalty "
        f"of strength {strength:.2g}, with a loss within {gap:.2g} of its infimum; use penalty='l2'"
    )
    return replace(found, suboptimality_bound=gap, certificate=f"infimum, not attained: {limit.certificate}"), warning


def tensor(array: np.ndarray) -> Tensor:
    """Return a tensor that shares an array's memory where it can; nothing is written to it."""
    array = np.ascontiguousarray(array)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def normalised(weight: np.ndarray) -> Tensor:
    """Return weights `[N]` above 0, divided by their mean without overflow."""
    weight = np.ldexp(weight, -int(np.frexp(weight.max())[1]))
    return torch.from_numpy(weight * (len(weight) / math.fsum(weight)))
