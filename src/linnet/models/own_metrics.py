"""Metrics of other modules, beside linnet's."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from linnet.system.errors import InputError


class OwnMetrics:
    """Metrics whose values are methods of objects of another module, of all evaluated examples at once.

    Args:
        parts: name -> object with `value(prediction, target)`. It takes predictions `[N, C]` in float64 (logits, for
            classification) and targets `[N, C]`, of classes `[N]`, in their original units, and returns one number, or
            one for each example `[N]`, of which the mean is taken.
        offset: what was subtracted from the targets of regression, `[C]` float64; None: nothing.
    """

    def __init__(self, parts: Mapping[str, Any], offset: Tensor | None = None) -> None:
        self.parts, self.offset = parts, offset

    def compute(self, prediction: Sequence[Tensor], target: Sequence[Tensor]) -> list[dict[str, float]]:
        """Return metric -> value for each of K models.

        Args:
            prediction: chunks `[K, B, C]`; in regression, the expected targets.
            target: their chunks `[B, C]`, of classes `[B]`; examples of classes without an output, below 0, are left
                out.
        """
        predicted, truth = torch.cat(list(prediction), dim=1).double(), torch.cat(list(target))
        if truth.is_floating_point():
            offset = 0.0 if self.offset is None else self.offset.to(predicted.device)
            predicted, truth = predicted + offset, truth.double() + offset
        elif bool((truth < 0).any()):
            predicted, truth = predicted[:, truth >= 0], truth[truth >= 0]
        return [
            {name: _number(name, part.value(of_model, truth), len(truth)) for name, part in self.parts.items()}
            for of_model in predicted
        ]


def _number(name: str, value: Any, n: int) -> float:
    found = torch.as_tensor(value)
    if found.shape not in ((), (n,)):
        raise InputError(
            f"metric.{name} returns shape {list(found.shape)} for {n} examples: expected one number, or {n}"
        )
    return float(found.double().mean())
