"""Cross-validation of least squares and ridge regression in closed form, from one factorisation of the features.

With H the hat matrix of the fit to all examples under a fold's penalty, and f its held-out examples, the residuals of
the fit without f are (I − H_ff)⁻¹ r_f, and its coefficients follow from them. All in rows multiplied by √w.

Sources: Allen, The relationship between variable selection and data augmentation, 1974; Golub, Heath and Wahba,
Generalized cross-validation as a method for choosing a good ridge parameter, 1979.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from linnet.solvers.rounding import UNIT_ROUNDOFF


@dataclass(frozen=True)
class Factored:
    """√w (x − mean) = U diag(s) Vᵀ of features `[N, D]`, r = min(N, D), with the targets about their mean.

    left, singular, right: U `[N, r]`, s `[r]`, descending, and V `[D, r]`.
    root: √w, `[N]`.
    target: √w (y − mean of y), `[N, C]`.
    mean, target_mean: `[D]` and `[C]`; zeros without a bias.
    unit: what features were divided by before, `[D]`, powers of two.
    bias: whether there is one.
    error: bound of the factorisation's relative error, and of orthogonality, measured.
    """

    left: Tensor
    singular: Tensor
    right: Tensor
    root: Tensor
    target: Tensor
    mean: Tensor
    target_mean: Tensor
    unit: Tensor
    bias: bool
    error: float

    @property
    def total(self) -> float:
        """Sum of the weights."""
        return float(self.root.square().sum())

    def filters(self, alpha: Tensor) -> tuple[Tensor, Tensor]:
        """Return s²/(s² + α) and s/(s² + α), `[…, r]`, for α `[…]`; directions without variation get 0."""
        squares = self.singular.square() + alpha[..., None]
        least = max(self.left.shape[0], self.right.shape[0]) * UNIT_ROUNDOFF * self.singular.amax().clamp(min=1e-300)
        kept = (self.singular > least) | (alpha[..., None] > 0)
        shrunk = torch.where(kept, self.singular / squares, 0.0)
        return shrunk * self.singular, shrunk


def factored(x: Tensor, y: Tensor, weight: Tensor | None, *, bias: bool, any_units: bool = False) -> Factored:
    """Factorise features x `[N, D]` and centre targets y `[N, C]`, float64, with weights `[N]` or None for ones.

    any_units: whether features may be brought to one scale, since nothing is penalised.
    """
    root = x.new_ones(len(x)) if weight is None else weight.sqrt()
    mean, target_mean = x.new_zeros(x.shape[1]), y.new_zeros(y.shape[1])
    if bias:
        total = root.square().sum()
        mean, target_mean = (_mean(part, root.square() / total) for part in (x, y))
    z, target = ((part - shift) * root[:, None] for part, shift in ((x, mean), (y, target_mean)))
    if bias:  # what rounding of the means left
        length = root.square().sum().sqrt()
        rest, target_rest = (root / length) @ z, (root / length) @ target
        z, target = z - torch.outer(root / length, rest), target - torch.outer(root / length, target_rest)
        mean, target_mean = mean + rest / length, target_mean + target_rest / length
    unit = x.new_ones(x.shape[1])
    if any_units:
        unit = torch.ldexp(unit, torch.frexp(torch.linalg.vector_norm(z, dim=0))[1])  # exact
        z = z / unit
    q, r = torch.linalg.qr(z)
    u, singular, v = torch.linalg.svd(r, full_matrices=False)
    left = q @ u
    largest = float(singular.amax()) if len(singular) else 0.0
    error = 0.0
    if largest > 0:
        error = float(torch.linalg.matrix_norm(z - (left * singular) @ v)) / largest
        eye = torch.eye(len(singular), dtype=x.dtype)
        error += float(torch.linalg.matrix_norm(left.T @ left - eye) + torch.linalg.matrix_norm(v @ v.T - eye))
    error += (8 * len(singular) + 16) * UNIT_ROUNDOFF
    return Factored(left, singular, v.T, root, target, mean, target_mean, unit, bias, error)


def _mean(part: Tensor, share: Tensor) -> Tensor:
    first = part[0]
    return first + share @ (part - first)


@dataclass(frozen=True)
class LeftOut:
    """What is predicted of each example by the fit without its block, for S strengths.

    prediction: `[S, N, C]`.
    distance: of each block's fit, bound of √(2 (objective − infimum)), `[S, F]`; inf where nothing is proven.
    residual: √w-scaled residuals of the fit without the block, `[S, N, C]`.
    """

    prediction: Tensor
    distance: Tensor
    residual: Tensor


def leave_out(fit: Factored, blocks: Tensor, n_blocks: int, strengths: Tensor) -> LeftOut:
    """Predict the examples of each block by the minimum of the objective of all others.

    The objective is 1/Σw Σ w ½‖W x + b − y‖² + λ/2 ‖W‖² with sums over the others: in sums of squares α = λ Σw,
    (n − 1) λ where single examples are left out.

    Args:
        fit: of all examples, of weights above 0.
        blocks: the block of each example, `[N]`, in 0 … n_blocks − 1.
        n_blocks: F.
        strengths: λ `[S]`, at least 0.
    """
    of_blocks = torch.zeros(n_blocks, dtype=torch.float64).index_add_(0, blocks, fit.root.square())
    remaining = fit.total - of_blocks  # Σw of each block's fit, [F]
    solve = _single if bool((torch.bincount(blocks, minlength=n_blocks) == 1).all()) else _in_blocks
    residual, leverage = solve(fit, blocks, n_blocks, strengths, remaining)
    prediction = fit.target_mean + (fit.target - residual) / fit.root[:, None]
    distance = _distance(fit, blocks, strengths, remaining, residual, leverage)
    return LeftOut(prediction, distance, residual)


def _single(
    fit: Factored, blocks: Tensor, n_blocks: int, strengths: Tensor, remaining: Tensor
) -> tuple[Tensor, Tensor]:
    """Return residuals `[S, N, C]` without each example in turn, and its leverage `[S, F]`."""
    share = fit.root.square() / fit.total if fit.bias else fit.root * 0
    coordinates = fit.left.T @ fit.target  # [r, C]
    if bool((remaining == remaining[0]).all()):  # one penalty for all: products of matrices
        kept, _ = fit.filters(strengths * remaining[0])  # [S, r]
        leverage = (fit.left.square() @ kept.T).T + share
        fitted = (fit.left @ (kept[:, :, None] * coordinates).permute(1, 0, 2).flatten(1)).unflatten(1, (len(kept), -1))
        fitted = fitted.permute(1, 0, 2)
    else:
        of_examples = remaining[blocks]
        parts = []
        for strength in strengths:
            kept, _ = fit.filters(strength * of_examples)  # [N, r]
            filtered = fit.left * kept
            parts.append(((fit.left * filtered).sum(1) + share, filtered @ coordinates))
        leverage, fitted = (torch.stack(each) for each in zip(*parts, strict=True))
    residual = (fit.target - fitted) / (1 - leverage)[..., None]
    return residual, leverage[:, torch.argsort(blocks)]


def _in_blocks(
    fit: Factored, blocks: Tensor, n_blocks: int, strengths: Tensor, remaining: Tensor
) -> tuple[Tensor, Tensor]:
    """Return residuals `[S, N, C]` without each example's block, and the largest eigenvalue of H_ff, `[S, F]`."""
    residual = fit.target.new_empty(len(strengths), *fit.target.shape)
    leverage = fit.target.new_zeros(len(strengths), n_blocks)
    coordinates = fit.left.T @ fit.target
    for f in range(n_blocks):
        rows = (blocks == f).nonzero()[:, 0]
        left, root = fit.left[rows], fit.root[rows]
        mean = torch.outer(root, root) / fit.total if fit.bias else root.new_zeros(len(rows), len(rows))
        kept, _ = fit.filters(strengths * remaining[f])  # [S, r]
        hat = (left * kept[:, None, :]) @ left.T + mean  # [S, m, m]
        values, vectors = torch.linalg.eigh(hat)
        plain = fit.target[rows] - left @ (kept[:, :, None] * coordinates)
        residual[:, rows] = vectors @ ((vectors.mT @ plain) / (1 - values)[..., None])
        leverage[:, f] = values[:, -1]
    return residual, leverage


def _distance(
    fit: Factored, blocks: Tensor, strengths: Tensor, remaining: Tensor, residual: Tensor, leverage: Tensor
) -> Tensor:
    """Bound √(2 (objective − infimum)) of each block's fit, `[S, F]`.

    The fit is exact for features that differ by `fit.error`, which gives its gradient a size; and removing a block
    leaves at least 1 − ‖H_ff‖ of the curvature. Rounding errors of the residuals count as errors of predictions.
    """
    singular, rounding = fit.singular, (4 * len(fit.singular) + 16) * UNIT_ROUNDOFF
    largest = float(singular[0]) if len(singular) else 0.0
    least = float(singular[-1]) if len(singular) == len(fit.right) > 0 else 0.0
    left = 1 - leverage - rounding
    curvature = left * (least**2 + strengths[:, None] * remaining)
    # At a minimum ‖residuals‖ ≤ ‖y‖ and ‖W‖ ≤ ‖y‖ / √curvature; a change E of the features moves predictions by at most
    # ‖E‖ (‖residuals‖ / √curvature + ‖W‖).
    moved = 2 * fit.error * largest * float(fit.target.norm()) / curvature.clamp(min=1e-300).sqrt()
    of_blocks = residual.new_zeros(leverage.shape)
    of_blocks.index_add_(1, blocks, residual.square().sum(2))
    rounded = rounding * of_blocks.sqrt() / left.clamp(min=UNIT_ROUNDOFF)
    distance = (moved + rounded) / remaining.sqrt()
    return torch.where((left > 0) & (curvature > 0) & (remaining > 0), distance, torch.inf)


def coefficients(
    fit: Factored, blocks: Tensor, n_blocks: int, strength: float, residual: Tensor
) -> tuple[Tensor, Tensor]:
    """Return weight `[F, C, D]` and bias `[F, C]` of the fits without each block, for one strength.

    residual: of `leave_out`, for this strength, `[N, C]`.
    """
    of_blocks = torch.zeros(n_blocks, dtype=torch.float64).index_add_(0, blocks, fit.root.square())
    _, shrunk = fit.filters(strength * (fit.total - of_blocks))  # [F, r]
    moved = residual.new_zeros(n_blocks, fit.left.shape[1], residual.shape[1])
    moved.index_add_(0, blocks, fit.left[:, :, None] * residual[:, None, :])
    inner = shrunk[:, :, None] * (fit.left.T @ fit.target - moved)  # [F, r, C]
    weight = ((fit.right @ inner) / fit.unit[:, None]).mT.contiguous()
    if not fit.bias:
        return weight, weight.new_zeros(weight.shape[:2])
    change = residual.new_zeros(n_blocks, residual.shape[1])
    change.index_add_(0, blocks, fit.root[:, None] * residual)
    return weight, fit.target_mean - change / fit.total - weight @ fit.mean


def generalised_cross_validation(fit: Factored, strengths: Tensor) -> Tensor:
    """Return the mean squared residual over (1 − tr(H) / N)² for each strength, `[S]`: an estimate of the test mse.

    With weights, residuals are weighted and N is their sum.
    """
    kept, _ = fit.filters(strengths * fit.total)
    coordinates = fit.left.T @ fit.target
    outside = fit.target.square().sum() - coordinates.square().sum()
    squares = outside + ((1 - kept)[:, :, None] * coordinates).square().sum((1, 2))
    degrees = kept.sum(1) + float(fit.bias)
    return squares / fit.total / fit.target.shape[1] / (1 - degrees / fit.total).square()
