"""Compute the exact optimum of any of linnet's losses with any of its penalties, with a proof."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

import torch
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]
from torch import Tensor

from linnet.losses import Loss
from linnet.penalties import Penalty
from linnet.solvers.blockwise.solve import fits_blocks, in_blocks, solve_in_blocks
from linnet.solvers.convex_losses import Poisson, Quadratic, Robust, Softmax, convex_loss_of
from linnet.solvers.least_squares.least_squares import solve_quadratic
from linnet.solvers.newton.newton import is_worth_single_precision
from linnet.solvers.optimum import Optimum
from linnet.solvers.penalised import is_coupled, solve_penalised
from linnet.solvers.problem import Problem, WeightedRows, by_columns
from linnet.solvers.sparse.features import compressed_rows, is_sparse
from linnet.solvers.sparse.least_squares import solve_least_squares
from linnet.solvers.sparse.problem import SparseProblem
from linnet.solvers.sparse.size import check_solvable, sparse_or_dense
from linnet.solvers.target_units import in_target_units
from linnet.solvers.two_classes import is_of_two_classes
from linnet.solvers.unpenalised import solve_unpenalised

SMALL = 4_000_000
"""Features up to which float32 saves nothing worth having."""
FLOATS = "float32", "float64"
CPU = torch.device("cpu")


def solve(
    examples: WeightedRows,
    loss: Loss,
    penalty: Penalty,
    *,
    bias: bool,
    tolerance: float = 1e-8,
    n_outputs: int | None = None,
    origin: Tensor | None = None,
    start: tuple[Tensor, Tensor] | None = None,
    device: torch.device = CPU,
) -> Optimum:
    """Minimise F(W, b) = mean loss + penalty over all weights and biases, and prove how nearly that was done.

    In float64, but for products that decide only about speed. The same every time on one machine but in `warm_starts`.

    Args:
        examples: at least one; with weights, the mean loss is Σ weight loss / Σ weight, and an example of weight 0
            does not exist. Features that are a sparse matrix, of scipy or torch, are not made dense.
        loss: any of linnet's losses; a torch twin and the naive cross-entropy count as what they copy.
        penalty: with numbers for coefficients, not one per model.
        bias: whether there is one; it is never penalised.
        tolerance: bound to reach, in units of the objective; in (0, inf). Rounding may prevent it.
        n_outputs: C; None: columns of the target, or the largest label + 1.
        origin: what was subtracted from the features before, `[D]`, in their present units: columns that depend on
            each other but for rounding errors of this size count as dependent. None: the features are exact, and
            bounds without a penalty hold for them to their last bit, except for squared error.
        start: weight `[C, D]` and bias `[C]` to begin at, float64; None: zeros.
        device: where softmax with l2 is solved; all else is on a CPU.

    Raises:
        ValueError: data, weights, loss and penalty that do not fit, or numbers that are not finite.
    """
    begin = time.perf_counter()
    if not 0 < tolerance < math.inf:
        raise ValueError(f"tolerance is {tolerance}: a number in (0, inf) is wanted")
    problem = _problem(examples, loss, penalty, bias, n_outputs, device if fits_blocks(loss, penalty) else CPU)
    if in_blocks(problem, device):
        found = solve_in_blocks(problem, start, tolerance, device, (examples.x, examples.y, examples.weight))
        return replace(found, seconds=time.perf_counter() - begin)
    if problem.x.device.type != "cpu":  # as for a class without an example
        problem = _problem(examples, loss, penalty, bias, n_outputs, CPU)
    if origin is not None:
        problem = replace(problem, origin=origin.detach().cpu().double())
    if isinstance(problem, SparseProblem):
        check_solvable(problem, loss)
    columns = 1 if is_of_two_classes(problem) else problem.n_outputs
    with threads_for(problem.x.numel() * columns):
        found = _solve(problem, *(start or problem.zeros()), tolerance)
    bound = max(found.suboptimality_bound, 0.0) if math.isfinite(found.suboptimality_bound) else math.inf
    return replace(found, suboptimality_bound=bound, seconds=time.perf_counter() - begin)


def _problem(
    examples: WeightedRows, loss: Loss, penalty: Penalty, bias: bool, n_outputs: int | None, device: torch.device
) -> Problem:
    x, y, convex_loss = examples.x, examples.y.detach(), convex_loss_of(loss)
    device = CPU if is_sparse(x) else device
    x, y = compressed_rows(x) if is_sparse(x) else x.detach().to(device), y.to(device)
    n_examples = x.shape[0] if x.ndim else 0
    if x.ndim != 2 or n_examples == 0 or n_examples != len(y) or str(x.dtype).split(".")[-1] not in FLOATS:
        raise ValueError(
            f"features are {tuple(x.shape)} {x.dtype} for targets {tuple(y.shape)}: [N, D] of float32 or float64 "
            "with N targets, at least one, are wanted"
        )
    weight = None if examples.weight is None else _weight(examples.weight, n_examples)
    if weight is not None and not weight.all():
        kept = weight > 0
        x, y, weight = x[kept if isinstance(x, Tensor) else kept.numpy()], y[kept], weight[kept]
    if x.shape[1] == 0 and not bias:
        raise ValueError("there are no features and no bias: nothing to fit")
    classification = isinstance(convex_loss, Softmax)
    if classification != (y.dtype == torch.int64) or y.dim() != (1 if classification else 2):
        wanted = "class numbers [N] of int64" if classification else "numbers [N, C]"
        raise ValueError(f"targets are {tuple(y.shape)} {y.dtype}: {type(loss).__name__} wants {wanted}")
    if not all(_is_finite(part) for part in (x, y) if isinstance(part, Tensor) and part.is_floating_point()):
        raise ValueError("features or targets hold NaN or infinite numbers")
    if isinstance(convex_loss, Poisson) and bool((y < 0).any()):
        raise ValueError(f"targets reach {float(y.min())}: Poisson regression wants counts of at least 0")
    present = int(y.max()) + 1 if classification else y.shape[1]
    if (n_outputs is not None and (n_outputs < present or (n_outputs != present and not classification))) or (
        classification and int(y.min()) < 0
    ):
        raise ValueError(f"n_outputs is {n_outputs}, but the targets speak of {present}, the first being 0")
    l1, l2 = (_number(part) for part in (penalty.l1, penalty.l2))
    if x.shape[1] == 0:  # no weight to penalise
        l1 = l2 = 0.0
    if weight is not None:
        convex_loss = convex_loss.weighted(weight * (len(weight) / math.fsum(weight)))
    if not isinstance(x, Tensor):
        y = y.double() if y.is_floating_point() else y
        return sparse_or_dense(SparseProblem.of(x, y, convex_loss, n_outputs or present, l1, l2, bias))
    if x.numel() <= SMALL:
        x, y = x.double(), y.double() if y.is_floating_point() else y
    problem = Problem(x, y, convex_loss, n_outputs or present, l1, l2, bias)
    if device == CPU and classification and x.numel() <= SMALL and not is_worth_single_precision(problem):
        problem = replace(problem, x=by_columns(x, torch.float64))
    return problem


def _is_finite(part: Tensor) -> bool:
    # A sum of finite numbers may overflow, but one that is finite has finite terms only; and it takes no memory.
    return bool(part.sum().isfinite()) or bool(part.isfinite().all())


def _weight(weight: Tensor, n_examples: int) -> Tensor:
    weight = weight.detach().cpu().double()
    if weight.shape != (n_examples,) or not weight.isfinite().all() or bool((weight < 0).any()) or not weight.any():
        raise ValueError(f"weights are {tuple(weight.shape)}: N finite numbers of at least 0, not all 0, are wanted")
    return torch.ldexp(weight, -torch.frexp(weight.max())[1])  # exact, and no sum of them overflows


def _number(coefficient: float | Tensor) -> float:
    if isinstance(coefficient, Tensor) and coefficient.numel() != 1:
        raise ValueError(f"the penalty holds {coefficient.numel()} strengths: solve takes one model at a time")
    return float(coefficient)


def _solve(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float) -> Optimum:
    if isinstance(problem.convex_loss, Quadratic) and problem.l1 == 0:
        if not isinstance(problem, SparseProblem):
            return solve_quadratic(problem)
        if problem.l2 == 0:
            return solve_least_squares(problem, weight, bias, tolerance)
    absent = _absent_outputs(problem)
    if absent.any():
        return _without(problem, absent, weight, bias, tolerance)
    if not is_coupled(problem) and problem.n_outputs > 1:
        return _one_by_one(problem, weight, bias, tolerance)
    method = solve_penalised if problem.l1 > 0 or problem.l2 > 0 else solve_unpenalised
    if isinstance(problem.convex_loss, Robust):
        return in_target_units(problem, weight, bias, tolerance, method)
    return method(problem, weight, bias, tolerance)


def _absent_outputs(problem: Problem) -> Tensor:
    """Find outputs whose best bias is −∞: classes without an example, and counts that are all 0."""
    none = torch.zeros(problem.n_outputs, dtype=torch.bool)
    if not problem.bias:
        return none
    if isinstance(problem.convex_loss, Softmax) and problem.convex_loss.label_smoothing == 0:
        return torch.bincount(problem.y, minlength=problem.n_outputs) == 0
    return (problem.y == 0).all(0) if isinstance(problem.convex_loss, Poisson) else none


def _without(problem: Problem, absent: Tensor, weight: Tensor, bias: Tensor, tolerance: float) -> Optimum:
    """Solve without the absent outputs: they contribute 0 to the loss in the limit, and never less."""
    ray = problem.zeros()
    ray[1][absent] = -1.0
    words = "outputs that never occur cost nothing as their bias falls for ever"
    nan = problem.zeros()[0] * torch.nan, problem.zeros()[1] * torch.nan
    if bool(absent.all()):
        return Optimum(*nan, 0.0, 0.0, words, False, "none", 0, ray, False)
    kept = ~absent
    y = problem.y[:, kept] if problem.y.is_floating_point() else (kept.cumsum(0) - 1)[problem.y]
    rest = _solve(replace(problem, y=y, n_outputs=int(kept.sum())), weight[kept], bias[kept], tolerance)
    words = f"{words}; of the others: {rest.certificate}"
    numbers = rest.objective, rest.suboptimality_bound
    return Optimum(*nan, *numbers, words, False, rest.method, rest.iterations, ray, False)


def _one_by_one(problem: Problem, weight: Tensor, bias: Tensor, tolerance: float) -> Optimum:
    """Solve one problem per output; the loss is a sum over outputs that share nothing."""
    n_outputs = problem.n_outputs
    parts = [
        _solve(
            replace(problem, y=problem.y[:, c : c + 1].contiguous(), n_outputs=1), weight[c : c + 1], bias[c : c + 1],
            tolerance / n_outputs,
        )
        for c in range(n_outputs)
    ]  # fmt: skip
    attained = all(part.attained for part in parts)
    weights, biases = torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts])
    ray = None
    if not attained:
        ray = problem.zeros()
        for c, part in enumerate(parts):
            if part.ray is not None:
                ray[0][c], ray[1][c] = part.ray[0][0], part.ray[1][0]
        weights, biases = weights * torch.nan, biases * torch.nan
    words = "for each output: " + " | ".join(dict.fromkeys(part.certificate for part in parts))
    return Optimum(
        weights, biases, sum(part.objective for part in parts), sum(part.suboptimality_bound for part in parts), words,
        all(part.unique for part in parts), parts[0].method, sum(part.iterations for part in parts), ray, attained,
    )  # fmt: skip


SMALL = 2_000_000
"""Multiplications of one prediction of all examples below which a second thread does not pay."""


@contextmanager
def threads_for(work: int) -> Iterator[None]:
    """Use one thread for torch and numpy if the work is small, as many as before otherwise; restore them at the end."""
    if work > SMALL:
        yield
        return
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        with _blas(len(sys.modules)).limit(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _blas(n_modules: int) -> ThreadpoolController:
    """Return the BLAS libraries of this process; to look for them takes as long as a small problem.

    n_modules: imported ones; only an import can have added a library.
    """
    return ThreadpoolController().select(user_api="blas")
