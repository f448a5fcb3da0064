"""The linear core of both LightningModules: K linear maps trained side by side on one order of minibatches."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from linnet.data import Data, Examples
from linnet.errors import Diverged
from linnet.interrupts import Interrupts
from linnet.losses import Loss
from linnet.models.bundle import train_bundle
from linnet.models.linear import backpropagate, predict
from linnet.optimizers import SGD, Optimizer
from linnet.parallel.average import averaged, share
from linnet.penalties import NoPenalty, Penalty
from linnet.schedules import Constant, Schedule
from linnet.seeds import generator
from linnet.statistics import Intervals

EVALUATION_ROWS = 16_384
"""Examples predicted at a time in evaluation: large enough to be one long product, small enough to bound memory."""


class SeriesLogger(Protocol):
    """A logger that takes many points of one curve at a time; `self.log` costs more than a training step."""

    histogram_every_n_epochs: int

    def log_series(self, name: str, steps: Sequence[int], values: Sequence[float], every: int = 1) -> None: ...

    def log_histograms(self, params: Mapping[str, Tensor], step: int) -> None: ...


class LinearNetwork(pl.LightningModule, ABC):
    """prediction = weight x + bias, trained by minibatch gradient descent on loss + penalty.

    One Lightning batch is a bundle of many minibatches, given as row indices into the data module's training
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

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self,
        n_features: int,
        n_outputs: int = 1,
        bias: bool = True,
        init: str = "normal",
        init_std: float = 0.01,
        init_seed: int = 0,
        gradient: str = "analytic",
        dtype: str = "float32",
        loss: Loss | None = None,
        penalty: Penalty | None = None,
        optimizer: Optimizer | None = None,
        schedule: Schedule | None = None,
        n_models: int = 1,
    ) -> None:
        super().__init__()
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
        self.interrupts = Interrupts()
        """Asked between two minibatches; the checkpoint is written, and the exception raised, by its callback."""
        self.solution: tuple[Tensor, Tensor] | None = None
        """Weight `[C, D]` and bias `[C]` that the only epoch sets, in place of training."""
        self.steps_done = 0
        self.optimizer_state: dict[str, Any] | None = None
        self._saved_optimizer: dict[str, Any] | None = None
        self._epoch_loss = 0.0

    @abstractmethod
    def default_loss(self) -> Loss:
        """The loss of a module that is given none."""

    @property
    def params(self) -> list[Tensor]:
        """`[weight [K, C, D], bias [K, C]]`, the second only if there is one."""
        return [self.weight] if self.bias is None else [self.weight, self.bias]

    def forward(self, x: Tensor) -> Tensor:
        """Predictions `[K, B, C]` of features `[B, D]`; logits, for classification."""
        return predict(x, self.weight, self.bias)

    def objective_and_gradients(self, x: Tensor, y: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Mean loss of a batch for each model, `[K]`, and the gradients of loss + smooth part of the penalty.

        Args:
            x: `[B, D]`.
            y: `[B, C]` or `[B]`, as the loss takes it.
        """
        if self.autograd:
            with torch.enable_grad():
                value = self.loss.value(predict(x, self.weight, self.bias), y).mean(dim=1)
                total = (value + self.penalty.smooth_value(self.weight)).sum()
                return value.detach(), list(torch.autograd.grad(total, self.params))
        values, gradient = self.loss.value_and_gradient(predict(x, self.weight, self.bias), y)
        grads = backpropagate(x, gradient, bias=self.bias is not None)
        self.penalty.add_gradient(self.weight, grads[0])
        return values.mean(dim=1), grads

    # --- training -------------------------------------------------------------------------------------------------

    @property
    def data(self) -> Data:
        return cast(Data, self.trainer.datamodule)  # type: ignore[attr-defined]

    def configure_optimizers(self) -> Any:
        """None for Lightning: the update rules are ours, and their state is `optimizer_state`."""
        return []

    def on_fit_start(self) -> None:
        self.data.move_to(self.device)
        if self.optimizer_state is None:
            self.optimizer_state = self.optimizer.init(self.params)
        if self._saved_optimizer is not None:
            self.optimizer.load_state_dict(self.optimizer_state, self._saved_optimizer)
            self._saved_optimizer = None

    def on_train_epoch_start(self) -> None:
        # Of the whole epoch at once: vectorised arithmetic may round otherwise for another number of steps, and a
        # resumed epoch has fewer.
        if self.solution is not None:
            return
        n, epoch = self.data.bundles.steps_per_epoch, self.current_epoch
        steps = torch.arange(epoch * n, (epoch + 1) * n)
        self._factors: list[float] = self.schedule.factor(steps, n, self.trainer.max_epochs or -1).tolist()

    def training_step(self, rows: Tensor, batch_idx: int) -> None:
        """Train on a bundle of minibatches: rows holds the concatenated indices of each."""
        if len(rows) == 0:  # done before the run was interrupted
            return
        if self.solution is not None:
            self._take(*self.solution)
            return
        assert self.optimizer_state is not None
        data, interval = self.data, self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        minibatches = rows.split(data.batch_size)
        first = self.steps_done - self.current_epoch * data.bundles.steps_per_epoch
        factors = self._factors[first : first + len(minibatches)]
        steps = range(self.steps_done + 1, self.steps_done + len(minibatches) + 1)
        rank, size = self.trainer.global_rank, self.trainer.world_size
        result = train_bundle(
            averaged(self.objective_and_gradients, size), self.params, self.optimizer, self.optimizer_state,
            self.penalty, data.train, [share(part, rank, size) for part in minibatches], factors, steps, interval,
            self.interrupts.any,
        )  # fmt: skip
        losses = result.losses[:, 0].tolist()
        steps = steps[: len(losses)]
        self.steps_done += len(losses)
        for loss, part in zip(losses, minibatches, strict=False):  # one by one: the sum must not depend on portions
            self._epoch_loss += loss * len(part)
        rates = [float(self.optimizer.lr) * factor for factor in factors]
        self._record(steps, losses, rates, result.grad_norms, interval)
        if self.steps_done % data.bundles.steps_per_epoch == 0:
            self._close_epoch()

    @torch.no_grad()
    def _take(self, weight: Tensor, bias: Tensor) -> None:
        """The whole epoch of a run that is solved and not trained; its later bundles find nothing to do."""
        bundles = self.data.bundles
        if self.steps_done == bundles.steps_per_epoch:
            return
        self.weight.copy_(weight)
        if self.bias is not None:
            self.bias.copy_(bias)
        self.steps_done = bundles.steps_per_epoch
        loss = self.evaluate(self.data.train)[0]["loss"]
        self.log_series("train/loss", [self.steps_done], [loss])
        self._epoch_loss = loss * bundles.n_visited
        self._close_epoch()

    def _record(
        self, steps: range, losses: list[float], rates: list[float], grad_norms: Mapping[int, float], interval: int
    ) -> None:
        """Log a bundle at once, and stop at the first loss that is not finite."""
        broken = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), None)
        kept = steps if broken is None else steps[: broken + 1]
        sampled = [step for step in kept if step % interval == 0]
        self.log_series("train/loss", kept, losses[: len(kept)], every=interval)
        self.log_series("train/grad_norm", sampled, [grad_norms[step] for step in sampled])
        self.log_series("train/lr", sampled, [rates[step - steps.start] for step in sampled])
        if broken is not None:
            raise Diverged(steps[broken], rates[broken], losses[broken])

    def _close_epoch(self) -> None:
        # In the last training step, because callbacks at the end of an epoch come before this module's own hook there.
        mean, self._epoch_loss = self._epoch_loss / self.data.bundles.n_visited, 0.0
        self.log_series("train/loss_epoch", [self.steps_done], [mean])
        self.log("train/loss_epoch", mean, logger=False)
        for logger in self._series_loggers():
            if logger.histogram_every_n_epochs and (self.current_epoch + 1) % logger.histogram_every_n_epochs == 0:
                logger.log_histograms(dict(self.named_parameters()), self.steps_done)

    def log_series(self, name: str, steps: Sequence[int], values: Sequence[float], every: int = 1) -> None:
        """Points of one curve to every logger that takes them in bulk."""
        for logger in self._series_loggers():
            logger.log_series(name, steps, values, every)

    def _series_loggers(self) -> list[SeriesLogger]:
        return [cast(SeriesLogger, logger) for logger in self.loggers if hasattr(logger, "log_series")]

    # --- evaluation -----------------------------------------------------------------------------------------------

    @torch.no_grad()
    def predict_all(self, x: Tensor) -> Tensor:
        """Predictions `[K, N, C]` of any number of examples, in long chunks."""
        return torch.cat([self(chunk) for chunk in x.split(EVALUATION_ROWS)], dim=1)

    @abstractmethod
    def metrics(self, prediction: Tensor, y: Tensor) -> dict[str, float]:
        """The task's figures for one model. prediction: `[N, C]` as `forward` gives it."""

    @abstractmethod
    def intervals(self, figures: Mapping[str, float], prediction: Tensor, y: Tensor) -> Intervals:
        """The 95 % intervals of those figures of `metrics` that have one, see `linnet.statistics`."""

    @torch.no_grad()
    def evaluate(self, examples: Examples) -> tuple[dict[str, float], Tensor]:
        """Loss and metrics on the examples, and the predictions `[N, C]` they come from. For a single model."""
        prediction = self.predict_all(examples.x)
        loss = self.loss.value(prediction, examples.y).double().mean(dim=1)
        return {"loss": loss.item(), **self.metrics(prediction[0], examples.y)}, prediction[0]

    @torch.no_grad()
    def training_objective(self, examples: Examples) -> float:
        """Mean loss + penalty. For a single model."""
        loss = self.loss.value(self.predict_all(examples.x), examples.y).double().mean(dim=1)
        return loss.item() + self.penalty.value(self.weight)[0].item()

    def validation_step(self, examples: Examples, batch_idx: int) -> None:
        if self.trainer.sanity_checking:
            return
        figures, _ = self.evaluate(examples)
        if not math.isfinite(figures["loss"]):  # the last update went wrong, and no training loss has shown it yet
            raise Diverged(self.steps_done, float(self.optimizer.lr), figures["loss"])
        for name, value in figures.items():
            self.log_series(f"val/{name}", [self.steps_done], [value])
        for name, value in figures.items():
            if self.monitor in (None, f"val/{name}"):
                self.log(f"val/{name}", value, logger=False, batch_size=len(examples))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        state = self.optimizer_state
        checkpoint["linnet"] = {
            "steps_done": self.steps_done,
            "epoch_loss": self._epoch_loss,
            "optimizer": None if state is None else self.optimizer.state_dict(state),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        saved = checkpoint["linnet"]
        self.steps_done, self._epoch_loss = saved["steps_done"], saved["epoch_loss"]
        self._saved_optimizer = saved["optimizer"]  # until the parameters are where they are trained
