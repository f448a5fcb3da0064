"""The constructor of both LightningModules, and their training by Lightning's hooks."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from linnet.config.option_types import Count, NonNegative, Seed
from linnet.data import Data
from linnet.losses import Loss
from linnet.models.evaluation import Evaluation
from linnet.models.gradient_descent import GradientDescent
from linnet.models.ordinary_batches import evaluation_step, features_of, log_evaluations, training_step
from linnet.models.ordinary_optimizers import as_rule, configured
from linnet.optimizers import SGD, Optimizer
from linnet.penalties import NoPenalty, Penalty
from linnet.schedules import Constant, Schedule
from linnet.system.errors import InputError
from linnet.system.seeds import generator


class LinearNetwork(GradientDescent):
    """prediction = weight x + bias, trained by minibatch gradient descent on loss + penalty.

    In linnet's own runs one Lightning batch is a chunk of many minibatches, given as row indices into the data module's
    training examples, and the gradient is the closed form by default, autograd on request. In any other Trainer batches
    are of examples, as `linnet.models.ordinary_batches` has them, and gradients are autograd's.

    Args:
        n_features: D, at least 1.
        n_outputs: C, at least 1.
        bias: whether there is a bias.
        init: "normal" draws weights from N(0, init_std²), "zeros" does not; the bias starts at zero.
        init_std: standard deviation of the initial weights, at least 0.
        init_seed: of the initial weights; they do not depend on dtype or on what was drawn before.
        gradient: "analytic" or "autograd".
        dtype: "float32" or "float64".
        loss, penalty, schedule: parts of training; not needed for prediction.
        optimizer: one of linnet's, a class of torch's, or a function of the parameters that makes one of torch's.
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
        optimizer: Optimizer | Callable[[Sequence[Tensor]], torch.optim.Optimizer] | None = None,
        schedule: Schedule | None = None,
        n_models: int = 1,
    ) -> None:
        super().__init__(n_models)
        # The parts of training are objects, and checkpoints must load with weights_only=True.
        self.save_hyperparameters(ignore=["loss", "penalty", "optimizer", "schedule"], logger=False)
        self.loss = loss or self.default_loss()
        self.penalty = penalty or NoPenalty()
        self.optimizer = SGD(lr=0.1) if optimizer is None else as_rule(optimizer)
        self.schedule = schedule or Constant()
        self.autograd = gradient == "autograd"

        kind = getattr(torch, dtype)
        weight = torch.zeros(n_models, n_outputs, n_features, dtype=torch.float64)
        if init == "normal":
            weight.normal_(0.0, init_std, generator=generator(init_seed, "init"))
        self.weight = nn.Parameter(weight.to(kind))
        self.register_parameter("bias", nn.Parameter(torch.zeros(n_models, n_outputs, dtype=kind)) if bias else None)
        self.example_input_array = torch.zeros(1, n_features, dtype=kind)
        self.monitor: str | None = None
        """The metric that Lightning's callbacks read, through `self.log` at 0.7 ms each; None: all of them."""
        self._evaluations: dict[int, Evaluation] = {}

    @abstractmethod
    def default_loss(self) -> Loss:
        """Return the loss of a module that is given none."""

    @property
    def automatic_optimization(self) -> bool:
        """Whether Lightning calls backward and an optimizer: not in linnet's own runs, whose batches are chunks."""
        return not self._on_chunks and super().automatic_optimization

    @automatic_optimization.setter
    def automatic_optimization(self, automatic: bool) -> None:
        GradientDescent.automatic_optimization.fset(self, automatic)  # type: ignore[attr-defined]

    @property
    def _on_chunks(self) -> bool:
        """Whether the Trainer is given chunks of a linnet data module, and not ordinary batches of examples."""
        try:
            return isinstance(self.trainer.datamodule, Data)  # type: ignore[attr-defined]
        except RuntimeError:  # there is no Trainer
            return False

    def setup(self, stage: str) -> None:
        self._evaluations.clear()  # of an evaluation that an error ended
        if self._on_chunks:
            return
        if len(self.weight) != 1:
            raise InputError(f"an ordinary loader trains one model, got n_models={len(self.weight)}")
        if not any(parameter.requires_grad for parameter in self.parameters()):
            self.requires_grad_(True)  # which linnet's own runs do without

    def configure_optimizers(self) -> Any:
        """Return the optimizer with its schedule; nothing in linnet's own runs, whose updates are ours."""
        if self._on_chunks:
            return []
        return configured(self.optimizer, self.schedule, self.penalty, self.params, self.trainer)

    def on_fit_start(self) -> None:
        if self._on_chunks:
            self.begin(cast(Data, self.trainer.datamodule))  # type: ignore[attr-defined]

    def on_train_epoch_start(self) -> None:
        if self._on_chunks:
            self.begin_epoch(self.current_epoch, self.trainer.max_epochs or -1)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor | None:
        """Train on a chunk of minibatches, the concatenated row indices of each; or return a batch's objective."""
        if not self._on_chunks:
            return training_step(self, batch)
        trainer = self.trainer
        ended = self.train_on(batch, trainer.log_every_n_steps, trainer.global_rank, trainer.world_size)  # type: ignore[attr-defined]
        if ended and self.n_runs == 1:
            self.log("train/loss_epoch", self.metrics[0]["train/loss_epoch"], logger=False)
        if self.steps_done == self.data.max_steps:  # which a deadline may have set
            trainer.fit_loop.max_epochs = self.current_epoch + 1
        return None

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        if not self._on_chunks:
            evaluation_step(self, batch, self._evaluations, dataloader_idx)
        elif not self.trainer.sanity_checking:
            metrics = self.validate(self.data.val)
            if len(metrics) == 1:
                for name, value in metrics[0].items():
                    if self.monitor in (None, name):
                        self.log(name, value, logger=False, batch_size=len(batch))

    def on_validation_epoch_end(self) -> None:
        log_evaluations(self, "val", self._evaluations)

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        evaluation_step(self, batch, self._evaluations, dataloader_idx)

    def on_test_epoch_end(self) -> None:
        log_evaluations(self, "test", self._evaluations)

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Return the predictions `[B, C]` of a batch of features, or of `(x, y)`; logits, for classification."""
        return cast(Tensor, self(features_of(batch)))
