"""Hyperparameters that are one number for all models, or a tensor `[K]` with one number per model.

A number stays a Python number down to the kernel (`add_(grad, alpha=-lr)`): for a small model, making a
tensor of it would cost as much as the update itself.
"""

from typing import TypeAlias

from torch import Tensor

Hyperparameter: TypeAlias = float | Tensor


def along_models(value: Hyperparameter, like: Tensor) -> Hyperparameter:
    """Shape `value` so that it broadcasts against `like` along the leading axis, the models.

    Args:
        value: a number; a tensor `[K]`; or a tensor that already has as many axes as `like`.
        like: tensor `[K, ...]`, whose dtype and device the result takes.

    Returns:
        The number itself, or a tensor `[K, 1, ..., 1]`.

    Raises:
        ValueError: `value` holds neither one entry nor one per model.
    """
    if not isinstance(value, Tensor):
        return value
    value = value.to(like)
    if value.dim() == like.dim():
        return value
    if value.dim() > 1 or value.numel() not in (1, like.shape[0]):
        raise ValueError(f"a hyperparameter for {like.shape[0]} models has shape {list(value.shape)}, expected [K]")
    return value.view(-1, *(1,) * (like.dim() - 1))


def number_of(value: Hyperparameter, model: int) -> float:
    """Return the hyperparameter of one of the models."""
    return float(value[model]) if isinstance(value, Tensor) and value.numel() > 1 else float(value)


def add_scaled(target: Tensor, source: Tensor, scale: Hyperparameter) -> None:
    """Add in place: `target += scale * source`; both tensors are `[K, ...]`."""
    if isinstance(scale, Tensor):
        target.addcmul_(source, along_models(scale, target))  # type: ignore[arg-type]  # a tensor, as scale is
    else:
        target.add_(source, alpha=scale)


def add_scaled_ratio(target: Tensor, numerator: Tensor, denominator: Tensor, scale: Hyperparameter) -> None:
    """Add in place: `target += scale * numerator / denominator`, all `[K, ...]`; overwrites `denominator`."""
    if isinstance(scale, Tensor):
        target.addcdiv_(numerator, denominator.div_(along_models(scale, target)))
    else:
        target.addcdiv_(numerator, denominator, value=scale)
