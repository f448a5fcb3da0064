"""Losses: a class with a task and a value for each example; its arguments are options."""

from typing import Annotated

import torch
from annotated_types import Gt, Lt
from torch import Tensor


class Pinball:
    """Pinball loss, whose minimum is the quantile q: q r of a residual r = y − p above 0, (q − 1) r below."""

    task = "regression"
    shift_invariant = True  # it depends on y − p only
    trains_many = True  # its value can be mapped over models by torch.func.vmap

    def __init__(self, q: Annotated[float, Gt(0), Lt(1)] = 0.5):
        self.q = q

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each example: [B, C], [B, C] -> [B]. Without a gradient, autograd's is used."""
        residual = target - prediction
        return torch.maximum(self.q * residual, (self.q - 1) * residual).sum(-1)
