"""The linear map for K models side by side, and backpropagation through it (Dive into Deep Learning 3.1, 4.1).

Shapes: x `[B, D]`, dense or sparse, weight `[K, C, D]`, bias `[K, C]`, prediction `[K, B, C]`.
"""

from functools import cache, lru_cache

import torch
from torch import Tensor

from linnet.models import sparse_rows

WORTH_SPLITTING = 2**19
"""Multiplications for each thread, from which on a product is shared out among threads."""
FEW_ROWS = 64
"""Rows, outputs of all models, up to which the library does not do that itself."""
FEW_PREDICTIONS = 2**18
"""Numbers up to which a GPU adds the bias faster after the product than in it."""


def predict(x: Tensor, weight: Tensor, bias: Tensor | None, scale: float = 1.0) -> Tensor:
    """Return prediction = scale x weightᵀ + bias, `[K, B, C]`: one matrix product for all K models.

    The result is a view of `[K, C, B]` memory: reductions over few classes run along the many examples, which at
    K = 64 makes the loss twice as fast as in the layout `[B, K, C]`, and the gradient needs no copy either.
    """
    n_models, n_outputs, n_features = weight.shape
    flat = weight.view(n_models * n_outputs, n_features)
    if x.is_sparse:
        product = sparse_rows.times(x, flat)
        product = product if scale == 1.0 else product * scale
        product = product if bias is None else product + bias.view(-1, 1)
        return product.view(n_models, n_outputs, -1).transpose(1, 2)
    added, beta = (_nothing(x.dtype, x.device), 0) if bias is None else (bias.view(-1, 1), 1)
    if x.is_cuda and n_models == 1:
        return rows_first(x, flat, bias, scale)
    pieces = _pieces(n_models * n_outputs, x, 0)
    if pieces == 1:
        product = torch.addmm(added, flat, x.T, beta=beta, alpha=scale)
    else:
        rows = x.view(pieces, -1, n_features).transpose(1, 2)
        product = _side_by_side(torch.baddbmm(added, flat.expand(pieces, -1, -1), rows, beta=beta, alpha=scale))
    return product.view(n_models, n_outputs, -1).transpose(1, 2)


def rows_first(x: Tensor, weight: Tensor, bias: Tensor | None, scale: float) -> Tensor:
    """Return the prediction of one model, `[1, B, C]` in this order of memory: the one that is fast on a GPU.

    There a softmax along neighbouring numbers takes a sixtieth of the time of one along distant ones at C = 1000.

    Args:
        x: dense `[B, D]`; the features are `scale * x`.
        weight: `[C, D]`.
        bias: `[1, C]`.
    """
    if bias is not None and len(x) * len(weight) > FEW_PREDICTIONS:
        return torch.addmm(bias, x, weight.T, alpha=scale).unsqueeze(0)
    product = torch.addmm(_nothing(x.dtype, x.device), x, weight.T, beta=0, alpha=scale)
    return (product if bias is None else product.add_(bias)).unsqueeze(0)


def backpropagate(x: Tensor, gradient: Tensor, *, bias: bool, scale: float = 1.0) -> list[Tensor]:
    """Return the gradients of a batch's mean loss, given the derivative of each example's loss by its prediction.

    With loss = 1/B Σ_b ℓ(prediction_b) the chain rule gives ∂/∂weight = gradientᵀ x / B and ∂/∂bias = Σ_b gradient / B.
    Nothing has to be recorded for it, which is why no autograd runs on the default path.

    Args:
        x: `[B, D]`; the features are `scale * x`.
        gradient: ∂ℓ/∂prediction, `[K, B, C]`.
        bias: whether there is a bias.

    Returns:
        `[∂/∂weight [K, C, D], ∂/∂bias [K, C]]`, the second only if there is a bias.
    """
    n_models, batch_size, n_outputs = gradient.shape
    flat = gradient.transpose(1, 2).reshape(n_models * n_outputs, batch_size)
    if x.is_cuda:
        flat = flat.contiguous()  # the product takes longer with the other order of memory than this copy
    nothing, alpha = _nothing(x.dtype, x.device), scale / max(1, batch_size)
    pieces = 1 if x.is_sparse else _pieces(n_models * n_outputs, x, 1)
    if x.is_sparse:
        weight = sparse_rows.transpose_times(x, flat).mul_(alpha)
    elif pieces == 1:
        weight = torch.addmm(nothing, flat, x, beta=0, alpha=alpha)
    else:
        features = x.view(batch_size, pieces, -1).transpose(0, 1)
        weight = _side_by_side(torch.baddbmm(nothing, flat.expand(pieces, -1, -1), features, beta=0, alpha=alpha))
    grads = [weight.view(n_models, n_outputs, -1)]
    if bias:
        grads.append(mean(flat).view(n_models, n_outputs))
    return grads


def mean(values: Tensor) -> Tensor:
    """Return the mean of each row of `[N, B]`, `[N]`; for short rows in a third of the time of `values.mean(1)`."""
    return torch.mv(values, _shares(values.shape[1], values.dtype, values.device))


def _pieces(n_rows: int, x: Tensor, axis: int) -> int:
    """Return in how many equal pieces of an axis of x the product of a few rows with it is computed side by side.

    The library leaves a product of so few rows to a single thread, however long they are.
    """
    threads = torch.get_num_threads()
    if threads == 1 or n_rows > FEW_ROWS or torch.is_grad_enabled() or x.is_cuda or not x.is_contiguous():
        return 1
    return _divisor(x.shape[axis], min(threads, n_rows * x.numel() // WORTH_SPLITTING))


@lru_cache(maxsize=64)
def _divisor(length: int, most: int) -> int:
    """Return the largest divisor of the length that is at most `most`."""
    return next((pieces for pieces in range(most, 1, -1) if length % pieces == 0), 1)


def _side_by_side(pieces: Tensor) -> Tensor:
    """Return pieces `[P, R, n]` as `[R, P n]`; copied, since a product into such a view uses a single thread."""
    return pieces.transpose(0, 1).reshape(pieces.shape[1], -1)


def constants(n: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the constants that products and means over n examples read, of a tensor's dtype and device."""
    return _nothing(like.dtype, like.device), _shares(n, like.dtype, like.device)


@cache
def _nothing(dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the input of `addmm` that is added zero times: `addmm` applies a factor to the product at no cost."""
    with torch.inference_mode(False):
        return torch.zeros(1, 1, dtype=dtype, device=device)


@lru_cache(maxsize=8)
def _shares(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the weights of a mean over n examples: 1/n, n times."""
    with torch.inference_mode(False):
        return torch.full((n,), 1 / max(1, n), dtype=dtype, device=device)
