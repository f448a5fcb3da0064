"""The linear map for K models side by side, and backpropagation through it (Dive into Deep Learning 3.1, 3.4).

Shapes: x `[B, D]`, weight `[K, C, D]`, bias `[K, C]`, prediction `[K, B, C]`.
"""

import torch
from torch import Tensor


def predict(x: Tensor, weight: Tensor, bias: Tensor | None, scale: float = 1.0) -> Tensor:
    """Return prediction = scale x weightᵀ + bias, `[K, B, C]`: one matrix product for all K models.

    The result is a view of `[K, C, B]` memory: reductions over few classes run along the many examples, which at
    K = 64 makes the loss twice as fast as in the layout `[B, K, C]`, and the gradient needs no copy either.
    """
    n_models, n_outputs, n_features = weight.shape
    flat = weight.view(n_models * n_outputs, n_features)
    if bias is None:
        product = torch.addmm(_nothing(flat), flat, x.T, beta=0, alpha=scale)
    else:
        product = torch.addmm(bias.view(-1, 1), flat, x.T, alpha=scale)
    return product.view(n_models, n_outputs, -1).transpose(1, 2)


def backpropagate(x: Tensor, gradient: Tensor, *, bias: bool, scale: float = 1.0) -> list[Tensor]:
    """Gradients of the mean loss of a batch, from those of each example's loss by the prediction.

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
    weight = torch.addmm(_nothing(flat), flat, x, beta=0, alpha=scale / max(1, batch_size))
    grads = [weight.view(n_models, n_outputs, -1)]
    if bias:
        grads.append(flat.sum(1).div_(batch_size).view(n_models, n_outputs))
    return grads


def _nothing(like: Tensor) -> Tensor:
    """What a product with a factor is added to, zero times: `addmm` multiplies by the factor in passing."""
    return like.new_empty(1, 1)
