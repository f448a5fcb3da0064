"""Loss and metrics of K models, batch by batch."""

import torch
from torch import Tensor

from linnet.data import Batch
from linnet.losses import Loss
from linnet.models.own_metrics import OwnMetrics
from linnet.models.running_metrics import RunningMetrics


class Evaluation:
    """What has been seen of the predictions of K models.

    The loss is Σ weight loss / Σ weight where examples have weights; in the metrics all of them count the same.

    Args:
        loss: of their task.
        metrics: of the task, of no examples yet.
        own_metrics: of other modules.
        absent: whether targets below 0 stand for classes without an output, whose loss is left out.
        total_weight: of all examples that will come; None: it is added up.
    """

    def __init__(
        self, loss: Loss, metrics: RunningMetrics, own_metrics: OwnMetrics, *, absent: bool = False,
        total_weight: float | None = None,
    ) -> None:  # fmt: skip
        self.loss, self.running, self.own_metrics, self.absent = loss, metrics, own_metrics, absent
        self.adds_up, self.total_weight = total_weight is None, total_weight or 0.0
        self._losses: list[Tensor] = []
        self._predicted: list[Tensor] = []
        self._targets: list[Tensor] = []

    def update(self, prediction: Tensor, batch: Batch) -> None:
        """Add the predictions `[K, B, C]` of a batch."""
        if self.absent:
            known = batch.y >= 0
            self.total_weight -= float(batch.weighed((~known).double()).sum())
            values = torch.where(known, self.loss.value(prediction, batch.y.clamp(min=0)), 0.0)
        else:
            values = self.loss.value(prediction, batch.y)
        if self.adds_up:
            self.total_weight += len(batch.y) if batch.weight is None else float(batch.weight.double().sum())
        self._losses.append(batch.weighed(values.double()).sum(dim=1))
        expected = self.loss.mean(prediction) if self.loss.task == "regression" else prediction
        self.running.update(expected, batch.y)
        if self.own_metrics.parts:
            self._predicted.append(expected)
            self._targets.append(batch.y)

    def compute(self) -> list[dict[str, float]]:
        """Return loss and metrics of each model."""
        total = self._losses[0] if len(self._losses) == 1 else torch.stack(self._losses).sum(dim=0)
        means = (total / self.total_weight).tolist()
        own = self.own_metrics.compute(self._predicted, self._targets) if self._predicted else [{} for _ in means]
        every = zip(means, self.running.compute(), own, strict=True)
        return [{"loss": mean, **metrics, **of_others} for mean, metrics, of_others in every]
