"""Solve softmax regression with l2 in blocks of rows; strengths that follow each other start from the last solution."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from linnet.losses import Loss
from linnet.penalties import Penalty
from linnet.solvers.blockwise.newton import minimise
from linnet.solvers.blockwise.rows import SoftmaxRows
from linnet.solvers.convex_losses import Softmax, convex_loss_of, is_known
from linnet.solvers.optimum import Optimum
from linnet.solvers.problem import Problem
from linnet.solvers.sparse.problem import SparseProblem

LARGE = 200_000_000
"""Examples times classes from which on a CPU, too, works in blocks: one array of them takes 1.6 GB in float64."""
MANY_CLASSES = 20
"""Classes from which on a CPU works in blocks, too, where there are at least as many examples as squared features: one
block for each class costs little then, and saves most steps of conjugate gradients."""
WORTHWHILE = 10_000_000
"""Multiplications of one prediction of all examples below which that saves nothing."""
BLOCKS = 2_000_000_000
"""Classes times squared features up to which the approximate inverse fits into memory: 8 GB."""
CERTIFICATE = "gradient in float64, strong convexity of the penalty, self-concordance in the bias"
METHOD = "Newton, conjugate gradients preconditioned by one block for each class"


@dataclass
class _Path:
    """Examples on their device, and the solution of the strength that was solved for last.

    source: what they were made of: the same objects mean the same examples.
    """

    source: tuple[Any, ...] = ()
    rows: SoftmaxRows | None = None
    solution: tuple[Tensor, Tensor] | None = None


_path: ContextVar[_Path | None] = ContextVar("path", default=None)


@contextmanager
def warm_starts() -> Iterator[None]:
    """Keep examples on their device inside the block, and start each solution of the same ones from the last."""
    token = _path.set(_Path())
    try:
        yield
    finally:
        _path.reset(token)


def fits_blocks(loss: Loss, penalty: Penalty) -> bool:
    """Return whether a loss and a penalty are such as are solved in blocks of rows: softmax with l2."""
    if not is_known(loss) or not penalty.is_elastic_net:
        return False
    convex_loss = convex_loss_of(loss)
    softmax = isinstance(convex_loss, Softmax) and convex_loss.label_smoothing == 0
    return softmax and float(penalty.l1) == 0 and float(penalty.l2) > 0


def in_blocks(problem: Problem, device: torch.device) -> bool:
    """Return whether a problem is solved in blocks of rows: on a GPU, or because that is quicker or must be."""
    loss = problem.convex_loss
    if isinstance(problem, SparseProblem) or not isinstance(loss, Softmax) or loss.label_smoothing or problem.l1:
        return False
    if problem.l2 == 0 or problem.n_features == 0 or problem.n_outputs * problem.n_features**2 > BLOCKS:
        return False
    n_examples, n_features, n_classes = problem.n_examples, problem.n_features, problem.n_outputs
    cheap = n_classes >= MANY_CLASSES and n_features**2 <= n_examples
    quicker = cheap and n_examples * n_features * n_classes >= WORTHWHILE
    if device.type == "cpu" and not quicker and n_examples * n_classes < LARGE:
        return False
    return bool((torch.bincount(problem.y, minlength=problem.n_outputs) > 0).all())


def solve_in_blocks(
    problem: Problem,
    start: tuple[Tensor, Tensor] | None,
    tolerance: float,
    device: torch.device,
    source: tuple[Any, ...],
) -> Optimum:
    """Minimise F to a bound of `tolerance`, or as rounding allows.

    Args:
        problem: one of `in_blocks`.
        start: weight `[C, D]` and bias `[C]`; None: the last solution inside `warm_starts`, else zeros.
        tolerance: in units of the objective.
        device: where to compute.
        source: the objects that the problem's features, targets and weights were made of.
    """
    path = _path.get() or _Path()
    key = (*source, problem.n_outputs, problem.bias, device)
    if path.rows is None or len(key) != len(path.source) or not all(
        a is b or (not isinstance(a, Tensor) and a == b) for a, b in zip(key, path.source, strict=True)
    ):  # fmt: skip
        path.rows = path.solution = None  # before others take their memory
        path.rows = SoftmaxRows(problem, problem.n_outputs, bias=problem.bias, device=device)
        path.source = key
    rows = path.rows
    begin = start or path.solution or rows.zeros()
    found = minimise(rows, problem.l2, begin[0].to(device), begin[1].to(device), tolerance)
    path.solution = found.weight, found.bias
    return Optimum(
        found.weight.cpu(), found.bias.cpu(), found.certificate.objective, found.certificate.bound, CERTIFICATE, True,
        METHOD, found.steps,
    )  # fmt: skip
