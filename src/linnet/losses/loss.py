"""The contract of a loss: a value per example, and its derivative with respect to the prediction."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from linnet.config.option_types import check_options

Link = Literal["identity", "exp", "softmax"]
Reduction = Literal["mean", "sum", "none"]


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

    def __call__(self, prediction: Tensor, target: Tensor, reduction: Reduction = "mean") -> Tensor:
        """Return the loss of one model as torch's losses do; differentiable twice by autograd, but at kinks.

        Args:
            prediction: `[N]` or `[N, C]` for regression; `[N, C]` logits for classification.
            target: numbers of the same shape, or class numbers `[N]` of any integer dtype.
            reduction: "mean" over all numbers, of classification over all examples; their "sum"; or "none", each of
                them `[N]` or `[N, C]`, of classification `[N]`. In training it is the sum over outputs of which the
                mean is taken, C times the "mean" here.

        Raises:
            ValueError: the shapes do not belong together, nothing is broadcast; a class number has no logit; the
                reduction is another word.
        """
        if reduction not in get_args(Reduction):
            raise ValueError(f"reduction is {reduction!r}: choose mean, sum or none")
        values = self.of_each(prediction, target)
        return values if reduction == "none" else values.sum() if reduction == "sum" else values.mean()

    def of_each(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return what `__call__` reduces: the loss of each number, of classification of each example."""
        if not prediction.is_floating_point():
            raise ValueError(f"the prediction is {prediction.dtype}: expected floating point")
        if self.task == "classification":
            return self.value(prediction[None], class_numbers(prediction, target))[0]
        if prediction.shape != target.shape:
            raise ValueError(
                f"prediction of shape {list(prediction.shape)} and target of shape {list(target.shape)}: expected the "
                f"same shape, nothing is broadcast"
            )
        dtype = torch.promote_types(prediction.dtype, target.dtype)
        prediction, target = prediction.to(dtype), target.to(dtype)
        # A loss of several outputs is the sum of theirs: each number is an example of one output here.
        return self.value(prediction.reshape(1, -1, 1), target.reshape(-1, 1)).view(prediction.shape)

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


def class_numbers(prediction: Tensor, target: Tensor) -> Tensor:
    """Return class numbers `[N]` as int64. Raises ValueError if they do not fit logits `[N, C]`."""
    if prediction.dim() != 2 or target.shape != prediction.shape[:1]:
        raise ValueError(
            f"logits of shape {list(prediction.shape)} and classes of shape {list(target.shape)}: expected [N, C], [N]"
        )
    if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool:
        raise ValueError(f"classes are {target.dtype}: expected integers")
    n_classes = prediction.shape[1]
    if not target.is_cuda and len(target) and not 0 <= int(target.min()) <= int(target.max()) < n_classes:
        raise ValueError(f"classes are {int(target.min())} … {int(target.max())}: expected 0 … {n_classes - 1}")
    return target.long()
