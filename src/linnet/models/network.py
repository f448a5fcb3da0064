"""The training of both LightningModules: K linear maps on one order of minibatches."""

import math
import time
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from linnet.config.option_types import Count, NonNegative, Seed
from linnet.data import Data, Examples
from linnet.losses import Loss
from linnet.models.linear_map import LinearMap
from linnet.models.train_steps import ChunkResult, Clip, all_reduce_mean, share, train_chunk
from linnet.optimizers import SGD, Optimizer
from linnet.optimizers.hyperparameter import Hyperparameter, number_of
from linnet.optimizers.optimizer import state_of
from linnet.optimizers.torch_optim import TorchOptimizer
from linnet.penalties import NoPenalty, Penalty
from linnet.schedules import Constant, Schedule
from linnet.system.errors import Diverged
from linnet.system.interrupts import Interrupts
from linnet.system.seeds import generator


class LinearNetwork(LinearMap):
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
        self.clip: Clip | None = None
        self.deadline: float | None = None
        """By `time.monotonic`: after it, the minibatches at hand are the last."""
        self.solution: tuple[Tensor, Tensor] | None = None
        """Weight `[C, D]` and bias `[C]` that the only epoch sets, in place of training."""
        self.steps_done = 0
        self.optimizer_state: dict[str, Any] | None = None
        self._saved_optimizer: dict[str, Any] | None = None
        self.diverged: dict[int, Diverged] = {}
        """Models whose training has ended; their outputs are ignored from then on, and touch no other model."""
        self.metrics: list[dict[str, float]] = [{} for _ in range(n_models)]
        """The latest "train/loss_epoch" and "val/…" of each model."""
        self._epoch_loss = np.zeros(n_models)

    @abstractmethod
    def default_loss(self) -> Loss:
        """Return the loss of a module that is given none."""

    @property
    def data(self) -> Data:
        return cast(Data, self.trainer.datamodule)  # type: ignore[attr-defined]

    def configure_optimizers(self) -> Any:
        """Return no optimizer to Lightning: updates are ours, and their state is `optimizer_state`."""
        return []

    def on_fit_start(self) -> None:
        self.data.move_to(self.device)
        if self.optimizer_state is None:
            self.optimizer_state = self.optimizer.init(self.params)
        if self._saved_optimizer is not None:
            self.optimizer.load_state_dict(self.optimizer_state, self._saved_optimizer)
            self._saved_optimizer = None

    def on_train_epoch_start(self) -> None:
        # Of the whole epoch at once: vectorised arithmetic may round otherwise for fewer steps, as of a resumed epoch.
        if self.solution is not None:
            return
        n, epoch = self.data.chunks.steps_per_epoch, self.current_epoch
        steps = torch.arange(epoch * n, (epoch + 1) * n)
        factors = self.schedule.factor(steps, n, self.data.length(self.trainer.max_epochs or -1))
        self._factors: list[Hyperparameter] = factors.tolist() if factors.dim() == 1 else list(factors)

    def training_step(self, rows: Tensor, batch_idx: int) -> None:
        """Train on a chunk of minibatches: rows holds the concatenated indices of each."""
        if len(rows) == 0:  # done before the run was interrupted
            return
        if self.solution is not None:
            self._take(*self.solution)
            return
        assert self.optimizer_state is not None
        data, interval = self.data, self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        n_batches, last = divmod(len(rows), data.batch_size)
        sizes = [data.batch_size] * n_batches + [last] * (last > 0)
        first = self.steps_done - self.current_epoch * data.chunks.steps_per_epoch
        factors = self._factors[first : first + len(sizes)]
        steps = range(self.steps_done + 1, self.steps_done + len(sizes) + 1)
        rank, size = self.trainer.global_rank, self.trainer.world_size
        batches = data.train.batches(*share(rows, sizes, rank, size))
        # Operations take less time in inference mode, whose tensors neither autograd nor torch.optim may meet later.
        by_library = self.asks_autograd or isinstance(self.optimizer, TorchOptimizer)
        with torch.no_grad() if by_library else torch.inference_mode():
            result = train_chunk(
                all_reduce_mean(self.objective_and_gradients, size), self.params, self.optimizer, self.optimizer_state,
                self.penalty, batches, factors, steps, interval, self.clip, self.interrupts.any,
            )  # fmt: skip
        steps = steps[: len(result.losses)]
        self.steps_done += len(steps)
        epoch_loss = self._epoch_loss
        for loss, size in zip(result.losses.numpy(), sizes, strict=False):  # one by one: portions must not show
            epoch_loss += loss * size
        self._record(steps, result, factors, interval)
        if self.deadline is not None and time.monotonic() >= self.deadline:
            data.max_steps, self.trainer.fit_loop.max_epochs = self.steps_done, self.current_epoch + 1
        if data.chunks.ends_epoch(self.steps_done):
            self._close_epoch()

    @torch.no_grad()
    def _take(self, weight: Tensor, bias: Tensor) -> None:
        """Set the solution of a run that is solved and not trained; later chunks of the epoch have nothing to do."""
        chunks = self.data.chunks
        if self.steps_done == chunks.steps_per_epoch:
            return
        self.weight.copy_(weight)
        if self.bias is not None:
            self.bias.copy_(bias)
        self.steps_done = chunks.steps_per_epoch
        loss = self.evaluate(self.data.train)[0]["loss"]
        self.log_series("train/loss", [self.steps_done], [loss])
        self._epoch_loss[:] = loss * chunks.n_visited
        self._close_epoch()

    def _record(self, steps: range, result: ChunkResult, factors: Sequence[Hyperparameter], interval: int) -> None:
        """Log a chunk at once; a model's training ends at its first loss that is not finite."""
        sampled = [(i, step) for i, step in enumerate(steps) if step in result.grad_norms]
        for k in self.in_training:
            losses = result.losses[:, k].tolist()
            broken = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), None)
            kept = len(losses) if broken is None else broken + 1
            rates = [(step, i, self._rate(k, factors[i])) for i, step in sampled if i < kept]
            shown = [step for step, _, _ in rates]
            self.log_series("train/loss", steps[:kept], losses[:kept], every=interval, model=k)
            self.log_series("train/grad_norm", shown, [float(result.grad_norms[step][k]) for step in shown], model=k)
            self.log_series("train/lr", shown, [rate for _, _, rate in rates], model=k)
            if broken is not None:
                self._diverged(k, Diverged(steps[broken], self._rate(k, factors[broken]), losses[broken]))

    def _rate(self, k: int, factor: Hyperparameter) -> float:
        return number_of(self.optimizer.lr, k) * number_of(factor, k)

    def _diverged(self, k: int, error: Diverged) -> None:
        """Record that a model diverged, and stop if no other one is still training."""
        self.diverged[k] = error
        if not self.in_training:
            raise error

    @property
    def in_training(self) -> list[int]:
        """Return the numbers of the models that have not diverged."""
        return [k for k in range(len(self.weight)) if k not in self.diverged]

    def _close_epoch(self) -> None:
        # In the last training step, because callbacks at the end of an epoch come before this module's own hook there.
        means = self._epoch_loss / self.data.chunks.visited(self.current_epoch)
        self._epoch_loss = np.zeros_like(means)
        for k in self.in_training:
            self.log_series("train/loss_epoch", [self.steps_done], [float(means[k])], model=k)
            self.metrics[k]["train/loss_epoch"] = float(means[k])
            for logger in self.loggers_of(k):
                if logger.histogram_every_n_epochs and (self.current_epoch + 1) % logger.histogram_every_n_epochs == 0:
                    logger.log_histograms({name: p[k] for name, p in self.named_parameters()}, self.steps_done)
        if len(means) == 1:
            self.log("train/loss_epoch", float(means[0]), logger=False)

    def validation_step(self, examples: Examples, batch_idx: int) -> None:
        if self.trainer.sanity_checking:
            return
        all_metrics = self.evaluate_all(examples)
        for k in self.in_training:
            metrics = all_metrics[k]
            if not math.isfinite(metrics["loss"]):  # the last update went wrong, and no training loss has shown it yet
                self._diverged(k, Diverged(self.steps_done, self._rate(k, 1.0), metrics["loss"]))
                continue
            for name, value in metrics.items():
                self.log_series(f"val/{name}", [self.steps_done], [value], model=k)
                self.metrics[k][f"val/{name}"] = value
        if len(all_metrics) == 1:
            for name, value in all_metrics[0].items():
                if self.monitor in (None, f"val/{name}"):
                    self.log(f"val/{name}", value, logger=False, batch_size=len(examples))

    def training_state(self, k: int) -> dict[str, Any]:
        """Return the state that the rest of one model's training depends on, besides its parameters."""
        state = self.optimizer_state
        if state is not None:
            state = self.optimizer.state_dict(state if len(self.weight) == 1 else state_of(state, k))
        return {"steps_done": self.steps_done, "epoch_loss": float(self._epoch_loss[k]), "optimizer": state}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        saved = checkpoint["linnet"]
        self.steps_done = saved["steps_done"]
        self._epoch_loss[:] = saved["epoch_loss"]
        self._saved_optimizer = saved["optimizer"]  # until the parameters are where they are trained
