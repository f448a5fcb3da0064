"""The contract of a loss: a value per example, and its derivative with respect to the prediction."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Tensor

from linnet.config.option_types import check_options

Link = Literal["identity", "exp", "softmax"]


class Loss(ABC):
    """A pure function of prediction and target, together with its derivative.

    Shapes: `K` models side by side, `B` examples, `C` outputs (classes, for classification). Predictions are
    `[K, B, C]`. Regression targets are `[B, C]` in the prediction's dtype, and the loss of
    an example is the sum over its outputs; classification targets are `[B]`, int64 class numbers in [0, C).
    The mean over examples is left to the caller, who knows which examples count.

    Any memory layout is right; fastest is `[K, C, B]` in memory, since reductions over few classes then run over many
    neighbouring examples at once. Derivatives keep the layout of the prediction.

    Derivatives are written out by hand: for a linear model, `gradient` is the whole of backpropagation but
    two matrix products. Autograd through `value` gives the same, and the tests hold it to that.
    """

    task: ClassVar[str]
    """"regression" or "classification": which targets the loss takes."""

    link: ClassVar[Link] = "identity"
    """From prediction to what is expected of the target: itself, a rate, or the probabilities of the classes."""

    lowest_target: ClassVar[float] = -math.inf
    """Below this the loss has no minimum."""

    needs_autograd: ClassVar[bool] = False
    """Whether `gradient` is computed by autograd, which inference mode would forbid."""

    shift_invariant: ClassVar[bool] = True
    """Whether ℓ(p + c, y + c) = ℓ(p, y), so that an offset of the targets is one of the bias; of regression."""

    def __post_init__(self) -> None:
        check_options(self)

    @abstractmethod
    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each example, `[K, B]`; differentiable by autograd.

        Raises:
            ValueError: the shapes of prediction and target do not belong together.
            TypeError: the target has another dtype than the loss takes.
        """

    @abstractmethod
    def gradient(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the derivative of `value` by the prediction, `[K, B, C]`. Raises as `value` does."""

    def value_and_gradient(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return value and gradient, `[K, B]` and `[K, B, C]`, at once. Raises as `value` does."""
        return self.value(prediction, target), self.gradient(prediction, target)

    def mean(self, prediction: Tensor) -> Tensor:
        """Return the expected target of the model's distribution, `[K, B, C]`: the inverse link, here the identity."""
        return prediction

    def check(self, prediction: Tensor, target: Tensor) -> None:
        """Raise for a target of another shape or dtype: `(B,)` against `(B, 1)` would silently broadcast to `B × B`."""
        if self.task == "regression":
            expected, dtype = prediction.shape[1:], prediction.dtype
        else:
            expected, dtype = prediction.shape[1:-1], torch.int64
        if prediction.dim() != 3 or target.shape != expected:
            layout = "[B, C]" if self.task == "regression" else "[B]"
            raise ValueError(
                f"prediction of shape {tuple(prediction.shape)} and target of shape {tuple(target.shape)} "
                f"do not fit: {self.task} wants [K, B, C] and {layout}"
            )
        if target.dtype != dtype:
            raise TypeError(f"target is {target.dtype}: {self.task} on {prediction.dtype} predictions wants {dtype}")
