"""The constructor of both LightningModules, and their training by Lightning's hooks."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from linnet.config.option_types import Count, NonNegative, Seed
from linnet.data import Data, Examples
from linnet.losses import Loss
from linnet.models.gradient_descent import GradientDescent
from linnet.optimizers import SGD, Optimizer
from linnet.penalties import NoPenalty, Penalty
from linnet.schedules import Constant, Schedule
from linnet.system.seeds import generator


class LinearNetwork(GradientDescent):
    """prediction = weight x + bias, trained by minibatch gradient descent on loss + penalty.

    One Lightning batch is a chunk of many minibatches, given as row indices into the data module's training
    examples. The gradient is the closed form by default, and autograd on request.

    Args:
        n_features: D, at least 1.
        n_outputs: C, at least 1.
        bias: whether there is a bias.
        init: "normal" draws weights from N(0, init_std²), "zeros" does not; the bias starts at zero.
        init_std: standard deviation of the initial weights, at least 0.
        init_seed: of the initial weights; they do not depend on dtype or on what was drawn before.
        gradient: "analytic" or "autograd".
        dtype: "float32" or "float64".
        loss, penalty, optimizer, schedule: the parts of training; not needed for prediction.
        n_models: K.
    """

    task: ClassVar[str]
    """"regression" or "classification": what is predicted."""

    def __init__(
        self,
        n_features: int,
        n_outputs: Count = 1,
        bias: bool = True,
        init: Literal["normal", "zeros"] = "normal",
        init_std: NonNegative = 0.01,
        init_seed: Seed = 0,
        gradient: Literal["analytic", "autograd"] = "analytic",
        dtype: str = "float32",
        loss: Loss | None = None,
        penalty: Penalty | None = None,
        optimizer: Optimizer | None = None,
        schedule: Schedule | None = None,
        n_models: int = 1,
    ) -> None:
        super().__init__(n_models)
        # The parts of training are objects, and checkpoints must load with weights_only=True.
        self.save_hyperparameters(ignore=["loss", "penalty", "optimizer", "schedule"], logger=False)
        self.automatic_optimization = False
        self.loss = loss or self.default_loss()
        self.penalty = penalty or NoPenalty()
        self.optimizer = optimizer or SGD(lr=0.1)
        self.schedule = schedule or Constant()
        self.autograd = gradient == "autograd"

        kind = getattr(torch, dtype)
        weight = torch.zeros(n_models, n_outputs, n_features, dtype=torch.float64)
        if init == "normal":
            weight.normal_(0.0, init_std, generator=generator(init_seed, "init"))
        self.weight = nn.Parameter(weight.to(kind), requires_grad=self.autograd)
        offset = nn.Parameter(torch.zeros(n_models, n_outputs, dtype=kind), requires_grad=self.autograd)
        self.register_parameter("bias", offset if bias else None)
        self.monitor: str | None = None
        """The metric that Lightning's callbacks read, through `self.log` at 0.7 ms each; None: all of them."""

    @abstractmethod
    def default_loss(self) -> Loss:
        """Return the loss of a module that is given none."""

    def configure_optimizers(self) -> Any:
        """Return no optimizer to Lightning: updates are ours, and their state is `optimizer_state`."""
        return []

    def on_fit_start(self) -> None:
        self.begin(cast(Data, self.trainer.datamodule))  # type: ignore[attr-defined]

    def on_train_epoch_start(self) -> None:
        self.begin_epoch(self.current_epoch, self.trainer.max_epochs or -1)

    def training_step(self, rows: Tensor, batch_idx: int) -> None:
        """Train on a chunk of minibatches: rows holds the concatenated indices of each."""
        trainer = self.trainer
        ended = self.train_on(rows, trainer.log_every_n_steps, trainer.global_rank, trainer.world_size)  # type: ignore[attr-defined]
        if ended and len(self.weight) == 1:
            self.log("train/loss_epoch", self.metrics[0]["train/loss_epoch"], logger=False)
        if self.steps_done == self.data.max_steps:  # which a deadline may have set
            trainer.fit_loop.max_epochs = self.current_epoch + 1

    def validation_step(self, examples: Examples, batch_idx: int) -> None:
        if self.trainer.sanity_checking:
            return
        metrics = self.validate(examples)
        if len(metrics) == 1:
            for name, value in metrics[0].items():
                if self.monitor in (None, f"val/{name}"):
                    self.log(f"val/{name}", value, logger=False, batch_size=len(examples))
