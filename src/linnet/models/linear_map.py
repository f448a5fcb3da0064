"""A linear map as an objective and its gradients, and as figures: all of a network but its training."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from linnet.data import Batch, Examples
from linnet.losses import Loss
from linnet.models.intervals import Intervals
from linnet.models.linear import backpropagate, mean, predict
from linnet.models.metrics import as_floats
from linnet.models.running_metrics import RunningMetrics
from linnet.penalties import Penalty

EVALUATION_ROWS = 2048
"""Examples predicted at a time in evaluation: enough for one long product, few enough to stay in the cache."""


class LinearMap(pl.LightningModule, ABC):
    """K linear maps side by side, prediction = weight x + bias, with what they are judged by."""

    weight: nn.Parameter
    bias: nn.Parameter | None
    loss: Loss
    penalty: Penalty
    autograd: bool

    @property
    def params(self) -> list[Tensor]:
        """`[weight [K, C, D], bias [K, C]]`, the second only if there is one."""
        return [self.weight] if self.bias is None else [self.weight, self.bias]

    def forward(self, x: Tensor) -> Tensor:
        """Predictions `[K, B, C]` of features `[B, D]`; logits, for classification."""
        return predict(x, self.weight, self.bias)

    def predict_batch(self, batch: Batch) -> Tensor:
        """Predictions `[K, B, C]` of a batch."""
        return predict(batch.x, self.weight, self.bias, batch.scale)

    def objective_and_gradients(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        """Mean loss of a batch for each model, `[K]`, and the gradients of loss + smooth part of the penalty.

        The loss of each example counts times its weight, and the mean is over their number: see `Examples`.
        """
        x, y, scale, weights = batch
        weight, bias = self.weight, self.bias  # looked up once: a module takes its time
        if self.autograd:
            with torch.enable_grad():
                value = batch.weighed(self.loss.value(predict(x, weight, bias, scale), y)).mean(dim=1)
                total = (value + self.penalty.smooth_value(weight)).sum()
                return value.detach(), list(torch.autograd.grad(total, self.params))
        values, gradient = self.loss.value_and_gradient(predict(x, weight, bias, scale), y)
        if weights is not None:
            values, gradient = batch.weighed(values), gradient * weights[:, None]
        grads = backpropagate(x, gradient, bias=bias is not None, scale=scale)
        self.penalty.add_gradient(weight, grads[0])
        return mean(values), grads

    @abstractmethod
    def tally(self, n_absent: int = 0) -> RunningMetrics:
        """A fresh counter of the task's figures; of classification n_absent classes may occur that have no output."""

    @abstractmethod
    def intervals(self, figures: Mapping[str, float], prediction: Tensor | None, examples: Examples) -> Intervals:
        """The 95 % intervals of those figures of `tally` that have one, see `linnet.models.intervals`.

        Args:
            figures: of one model on the examples.
            prediction: `[N, C]`, or None where they are not known, which some intervals need.
            examples: N of them.
        """

    @torch.no_grad()
    def evaluate_all(self, examples: Examples, kept: list[Tensor] | None = None) -> list[dict[str, float]]:
        """Loss and metrics of each model on the examples.

        The loss is Σ weight loss / Σ weight where examples have weights; in the metrics all of them count the same.
        Classes without an output are as `AbsentTally` has them.

        Args:
            examples: any number; they are predicted in chunks.
            kept: takes up the predictions of each chunk, `[K, B, C]`.
        """
        absent = _absent(examples)
        total_weight = examples.total_weight
        tally, losses = self.tally(0 if absent is None else len(absent.unique())), []
        for batch in examples.chunks(EVALUATION_ROWS):
            prediction = self.predict_batch(batch)
            if absent is None:
                values = self.loss.value(prediction, batch.y)
            else:  # their loss is left out
                known = batch.y >= 0
                total_weight -= float(batch.weighed((~known).double()).sum())
                values = torch.where(known, self.loss.value(prediction, batch.y.clamp(min=0)), 0.0)
            losses.append(batch.weighed(values.double()).sum(dim=1))
            tally.add(self.loss.mean(prediction) if self.loss.task == "regression" else prediction, batch.y)
            if kept is not None:
                kept.append(prediction)
        means = (torch.stack(losses).sum(dim=0) / total_weight).tolist()
        return [{"loss": mean, **figures} for mean, figures in zip(means, as_floats(tally), strict=True)]

    def evaluate(self, examples: Examples) -> tuple[dict[str, float], Tensor]:
        """Loss and metrics on the examples, and the predictions `[N, C]` they come from. For a single model."""
        kept: list[Tensor] = []
        (figures,) = self.evaluate_all(examples, kept)
        return figures, torch.cat([prediction[0] for prediction in kept])

    @torch.no_grad()
    def training_objective(self, examples: Examples) -> list[float]:
        """Mean loss + penalty of each model, the mean weighted as in `evaluate_all`."""
        losses = [
            batch.weighed(self.loss.value(self.predict_batch(batch), batch.y).double()).sum(dim=1)
            for batch in examples.chunks(EVALUATION_ROWS)
        ]
        mean = torch.stack(losses).sum(dim=0) / examples.total_weight
        return (mean + self.penalty.value(self.weight)).tolist()


def _absent(examples: Examples) -> Tensor | None:
    """The targets of classes that have no output, below 0; None: there are none, as always in data on the disk."""
    if examples.streamed or examples.y.is_floating_point():
        return None
    absent = examples.y < 0
    return examples.y[absent] if bool(absent.any()) else None
