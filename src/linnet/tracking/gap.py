"""Log the objective's distance to its optimum, epoch by epoch."""

import math
from typing import cast

import pytorch_lightning as pl
from torch import Tensor

from linnet.models.network import LinearNetwork
from linnet.solvers.optimum import Optimum


class Gap(pl.Callback):
    """Logs `optimum/gap` = objective − best objective over the training examples, and the distance of the weights.

    A gap is drawn by its logarithm, for which TensorBoard has no axis of its own in a new page: `optimum/gap_log10`.

    Args:
        optimum: of the run's training problem.
        k: index of the run, among several that are trained together.
    """

    def __init__(self, optimum: Optimum, k: int = 0) -> None:
        self.optimum, self.k = optimum, k

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        model = cast(LinearNetwork, pl_module)
        self.note(model, model.training_objective(model.data.train, model.final)[self.k])

    def note(self, model: LinearNetwork, objective: float) -> None:
        """Log the gap of this objective, loss + penalty over the training examples."""
        for name, value in distances(self.optimum, model.weight[model.final_of(self.k)], objective).items():
            model.log_series(name, [model.steps_done], [value], model=self.k)
            if name == "optimum/gap" and value > 0:
                model.log_series("optimum/gap_log10", [model.steps_done], [math.log10(value)], model=self.k)


def distances(optimum: Optimum, weight: Tensor, objective: float) -> dict[str, float]:
    """`optimum/gap`, and `optimum/distance` = ‖W − W*‖ where W* is unique.

    Args:
        optimum: of the objective.
        weight: `[C, D]`.
        objective: the model's mean loss + penalty on the training examples. Where rounding puts it below the best
            possible, the gap is 0.
    """
    found = {"optimum/gap": max(0.0, objective - optimum.objective)}
    if optimum.attained and optimum.unique:
        found["optimum/distance"] = float((weight.detach().double().cpu() - optimum.weight).norm())
    return found
