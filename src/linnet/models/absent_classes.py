"""Metrics of examples of classes that a model does not have: it is wrong about them, whatever it says."""

import torch
from torch import Tensor

from linnet.models.running_metrics import ClassificationTally, RunningMetrics

IMPOSSIBLE = 1e4
"""How far the logit of a class that the model does not have lies below the others: its probability is 0 in float64."""
OF_PROBABILITY = ("nll", "kl_divergence")
"""Metrics that need the probability of the true class: of examples of the model's own classes only."""


class AbsentTally(RunningMetrics):
    """As `ClassificationTally`, with targets below 0 that stand for absent classes.

    They count as wrong in accuracy, F1 and calibration, and are left out of nll and kl_divergence.

    Args:
        n_models, n_classes, label_smoothing, like: as of `ClassificationTally`.
        n_absent: absent classes that occur, each of which has F1 = 0.
    """

    def __init__(self, n_models: int, n_classes: int, label_smoothing: float, like: Tensor, n_absent: int) -> None:
        super().__init__()
        self.n_classes, self.n_absent = n_classes, n_absent
        self.known = ClassificationTally(n_models, n_classes, label_smoothing, like)
        self.all = ClassificationTally(n_models, n_classes + 1, 0.0, like)  # one output stands for all absent classes

    def add(self, prediction: Tensor, target: Tensor) -> None:
        known = target >= 0
        if bool(known.any()):
            self.known.add(prediction[:, known], target[known])
        lowest = prediction.amin(dim=2, keepdim=True).double()
        wider = torch.cat([prediction.double(), lowest - lowest.abs() - IMPOSSIBLE], dim=2)
        self.all.add(wider, torch.where(known, target, self.n_classes))
        self.n += len(target)

    def figures(self) -> dict[str, Tensor]:
        figures, of_known = self.all.figures(), self.known.figures()
        occurring = ((self.all.true + self.all.predicted) > 0).sum(dim=1)  # the absent classes count as one
        figures["macro_f1"] = figures["macro_f1"] * occurring / (occurring - 1 + self.n_absent)
        return {**figures, **{key: of_known[key] for key in OF_PROBABILITY}}
