"""Metrics where the examples have classes that the model has no output for: those predictions are wrong."""

import torch
from torch import Tensor

from linnet.models.running_metrics import ClassificationMetrics, RunningMetrics

IMPOSSIBLE = 1e4
"""How far the logit of a class that the model does not have lies below the others: its probability is 0 in float64."""
OF_PROBABILITY = ("nll", "kl_divergence")
"""Metrics that need the probability of the true class: of examples of the model's own classes only."""


class AbsentClassMetrics(RunningMetrics):
    """Compute classification metrics where targets below 0 stand for absent classes.

    They count as wrong in accuracy, F1 and calibration, and are left out of nll and kl_divergence.

    Args:
        n_models, n_classes, label_smoothing, like: as of `ClassificationMetrics`.
        n_absent: absent classes that occur, each of which has F1 = 0.
    """

    def __init__(self, n_models: int, n_classes: int, label_smoothing: float, like: Tensor, n_absent: int) -> None:
        super().__init__()
        self.n_classes, self.n_absent = n_classes, n_absent
        self.known = ClassificationMetrics(n_models, n_classes, label_smoothing, like)
        self.all = ClassificationMetrics(n_models, n_classes + 1, 0.0, like)  # one output stands for all absent classes

    def update(self, prediction: Tensor, target: Tensor) -> None:
        known = target >= 0
        if bool(known.any()):
            self.known.update(prediction[:, known], target[known])
        lowest = prediction.amin(dim=2, keepdim=True).double()
        wider = torch.cat([prediction.double(), lowest - lowest.abs() - IMPOSSIBLE], dim=2)
        self.all.update(wider, torch.where(known, target, self.n_classes))
        self.n += len(target)

    def compute(self) -> dict[str, Tensor]:
        metrics, of_known = self.all.compute(), self.known.compute()
        occurring = ((self.all.true + self.all.predicted) > 0).sum(dim=1)  # the absent classes count as one
        metrics["macro_f1"] = metrics["macro_f1"] * occurring / (occurring - 1 + self.n_absent)
        return {**metrics, **{key: of_known[key] for key in OF_PROBABILITY}}
