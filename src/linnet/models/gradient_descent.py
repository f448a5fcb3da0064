"""Minibatch gradient descent on K linear maps side by side, for Lightning's Trainer and for loops without it."""

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from linnet.data import Data, Examples
from linnet.data.feature_maps import FeatureMaps
from linnet.models.cross_validation import summarize
from linnet.models.model_resamples import ModelResamples
from linnet.models.recorded_steps import CudaGraphs, RecordedSteps, moved, record_steps
from linnet.models.runs import Runs
from linnet.models.train_steps import ChunkResult, Clip, all_reduce_mean, share, train_chunk
from linnet.optimizers.hyperparameter import Hyperparameter
from linnet.optimizers.optimizer import count_each, state_of
from linnet.optimizers.torch_optim import TorchOptimizer
from linnet.schedules import Schedule
from linnet.system.errors import Diverged
from linnet.system.interrupts import Interrupts


class GradientDescent(Runs):
    """K linear maps that are trained on one order of minibatches, with the state of their training.

    Called in this order, by Lightning's hooks in `network` or by the loop in `linnet.training.loop`: `begin`, and for
    each epoch `begin_epoch`, `train_on` each chunk of its minibatches, `validate`.

    Args:
        n_models: K.
    """

    schedule: Schedule

    def __init__(self, n_models: int) -> None:
        super().__init__(n_models)
        self.interrupts = Interrupts()
        """Asked between two minibatches; the checkpoint is written, and the exception raised, by its callback."""
        self.clip: Clip | None = None
        self.deadline: float | None = None
        """By `time.monotonic`: after it, the minibatches at hand are the last."""
        self.solution: tuple[Tensor, Tensor] | None = None
        """Weight `[C, D]` and bias `[C]` that the only epoch sets, in place of training."""
        self.optimizer_state: dict[str, Any] | None = None
        self._saved_optimizer: dict[str, Any] | None = None
        self._epoch_loss = np.zeros(n_models)
        self._recorded: RecordedSteps | None = None
        self.trained_on = torch.device("cpu")

    def begin(self, data: Data) -> None:
        """Move the data to the parameters, and make or restore the optimizer's state."""
        self.data = data
        self.trained_on = self.weight.device
        self.requires_grad_(self.autograd)
        data.move_to(self.weight.device)
        if self.optimizer_state is None:
            self.optimizer_state = self.new_optimizer_state()
        self.move_resamples()
        if self._saved_optimizer is not None:
            self.optimizer.load_state_dict(self.optimizer_state, self._saved_optimizer)
            self._saved_optimizer = None
        if self.weight.is_cuda:
            self.penalty = moved(self.penalty, self.weight.device)
            self._recorded = record_steps(self, self.optimizer_state, self.clip, CudaGraphs())

    def end(self) -> None:
        """Give up the memory that only training needs."""
        self._recorded = None

    def new_optimizer_state(self) -> dict[str, Any]:
        """Return what the optimizer remembers before the first update."""
        state = self.optimizer.init(self.params)
        return state if self.resamples is None else count_each(state, self.n_models, self.weight.device)

    def resample(self, resamples: ModelResamples, maps: FeatureMaps | None) -> None:
        super().resample(resamples, maps)
        self._epoch_loss = np.zeros(self.n_runs)

    def begin_again(self) -> None:
        """Count updates and epochs from 0 again; parameters, and what the optimizer remembers of them, stay."""
        self.steps_done, self.diverged, self.diverged_resamples = 0, {}, {}
        self.metrics = [{} for _ in range(self.n_runs)]
        self._epoch_loss = np.zeros(self.n_runs)

    def begin_epoch(self, epoch: int, max_epochs: int) -> None:
        """Begin an epoch, counted from 0; max_epochs are all that there will be, -1 if that is not limited."""
        self._epoch = epoch
        if self.solution is not None:
            return
        n = self.data.chunks.steps_per_epoch
        if self.schedule.is_constant:
            self._factors: list[Hyperparameter] = [1.0] * n
            return
        # Of the whole epoch at once: vectorised arithmetic may round otherwise for fewer steps, as of a resumed epoch.
        factors = self.schedule.factor(torch.arange(epoch * n, (epoch + 1) * n), n, self.data.length(max_epochs))
        self._factors = factors.tolist() if factors.dim() == 1 else list(factors)

    def train_on(self, rows: Tensor, log_every: int, rank: int = 0, size: int = 1) -> bool:
        """Train on a chunk of minibatches, and return whether that ended the epoch.

        Args:
            rows: the concatenated indices of each minibatch; none where these were done before.
            log_every: steps between two gradient norms.
            rank, size: of this process, among those that share the minibatches.

        Raises:
            Diverged: the only run, or the last that was in training.
        """
        if len(rows) == 0:  # done before the run was interrupted
            return False
        if self.solution is not None:
            return self._take(*self.solution)
        data = self.data
        n_batches, last = divmod(len(rows), data.batch_size)
        sizes = [data.batch_size] * n_batches + [last] * (last > 0)
        chunks = data.chunks
        first = self.steps_done - self._epoch * chunks.steps_per_epoch
        factors = self._factors[first : first + len(sizes)]
        steps = range(self.steps_done + 1, self.steps_done + len(sizes) + 1)
        # Inference mode takes less time, but neither autograd nor torch.optim may meet its tensors later.
        by_library = self.asks_autograd or isinstance(self.optimizer, TorchOptimizer)
        with torch.no_grad() if by_library else torch.inference_mode():
            result = self._take_steps(rows, sizes, factors, steps, log_every, rank, size)
        steps = steps[: len(result.losses)]
        self.steps_done += len(steps)
        losses = result.losses.numpy()[:, self.final]
        summands = losses * np.array(sizes[: len(losses)], dtype=np.float64)[:, None]
        # Added one by one, in whatever portions they come: portions must not show.
        self._epoch_loss = np.add.accumulate(np.concatenate([self._epoch_loss[None], summands]))[-1]
        self._record(steps, result, factors, log_every)
        if self.deadline is not None and time.monotonic() >= self.deadline:
            data.max_steps = self.steps_done
        ended = chunks.ends_epoch(self.steps_done)
        if ended:
            self._close_epoch()
        return ended

    def _take_steps(
        self, rows: Tensor, sizes: list[int], factors: Sequence[Hyperparameter], steps: range, log_every: int,
        rank: int, size: int,
    ) -> ChunkResult:  # fmt: skip
        assert self.optimizer_state is not None
        if self._recorded is not None and size == 1:
            return self._recorded.train_chunk(rows, sizes, factors, steps, log_every)
        batches = self.data.train.batches(*share(rows, sizes, rank, size))
        if self.resamples is not None:
            batches = self.resamples.weighed(batches, rows, sizes, self.n_models)
        return train_chunk(
            all_reduce_mean(self.objective_and_gradients, size), self.params, self.optimizer, self.optimizer_state,
            self.penalty, batches, factors, steps, log_every, self.clip, self.interrupts.any,
        )  # fmt: skip

    @torch.no_grad()
    def _take(self, weight: Tensor, bias: Tensor) -> bool:
        """Set the solution of a run that is solved and not trained; later chunks of the epoch have nothing to do."""
        chunks = self.data.chunks
        if self.steps_done == chunks.steps_per_epoch:
            return False
        self.weight.copy_(weight)
        if self.bias is not None:
            self.bias.copy_(bias)
        self.steps_done = chunks.steps_per_epoch
        loss = self.evaluate_all(self.data.train, models=self.final)[0]["loss"]
        self.log_series("train/loss", [self.steps_done], [loss])
        self._epoch_loss[:] = loss * chunks.n_visited
        self._close_epoch()
        return True

    def _record(self, steps: range, result: ChunkResult, factors: Sequence[Hyperparameter], log_every: int) -> None:
        """Log a chunk at once; training of a run, or of a resample, ends at its first loss that is not finite."""
        sampled = [(i, step) for i, step in enumerate(steps) if step in result.grad_norms]
        if self.resamples is not None:
            self._record_resamples(steps, result.losses, factors)
        for run in self.in_training:
            k = self.final_of(run)
            losses = result.losses[:, k].tolist()
            broken = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), None)
            kept = len(losses) if broken is None else broken + 1
            rates = [(step, i, self._rate(k, factors[i])) for i, step in sampled if i < kept]
            shown = [step for step, _, _ in rates]
            self.log_series("train/loss", steps[:kept], losses[:kept], every=log_every, model=run)
            self.log_series("train/grad_norm", shown, [float(result.grad_norms[step][k]) for step in shown], model=run)
            self.log_series("train/lr", shown, [rate for _, _, rate in rates], model=run)
            if broken is not None:
                self._diverged(run, Diverged(steps[broken], self._rate(k, factors[broken]), losses[broken]))

    def _close_epoch(self) -> None:
        # In the last training step, because callbacks at the end of an epoch come before a module's own hook there.
        means = self._epoch_loss / self.data.chunks.visited(self._epoch)
        self._epoch_loss = np.zeros(self.n_runs)
        for run in self.in_training:
            self.log_series("train/loss_epoch", [self.steps_done], [float(means[run])], model=run)
            self.metrics[run]["train/loss_epoch"] = float(means[run])
            for logger in self.loggers_of(run):
                if logger.histogram_every_n_epochs and (self._epoch + 1) % logger.histogram_every_n_epochs == 0:
                    params = {name: p[self.final_of(run)] for name, p in self.named_parameters()}
                    logger.log_histograms(params, self.steps_done)

    def validate(self, examples: Examples | None) -> list[dict[str, float]]:
        """Return metrics of each run, on validation examples and on those that resamples leave out, and log them.

        Args:
            examples: for validation; None: there are none.

        Raises:
            Diverged: the only run, or the last that was in training.
        """
        all_metrics: list[dict[str, float]] = [{} for _ in range(self.n_runs)]
        if examples is not None:
            for run, found in enumerate(self.evaluate_all(examples, models=self.final)):
                if not math.isfinite(found["loss"]) and run in self.in_training:
                    # The last update went wrong, and no training loss has shown it yet.
                    self._diverged(run, Diverged(self.steps_done, self._rate(self.final_of(run), 1.0), found["loss"]))
                all_metrics[run] = {f"val/{name}": value for name, value in found.items()}
        if self.resamples is not None:
            for run, of_resamples in enumerate(self.cross_validate()):
                all_metrics[run] |= summarize(of_resamples)
        for run in self.in_training:
            for name, value in all_metrics[run].items():
                self.log_series(name, [self.steps_done], [value], model=run)
                self.metrics[run][name] = value
        return all_metrics

    def training_state(self, run: int) -> dict[str, Any]:
        """Return the state that the rest of one run's training depends on, besides its parameters."""
        state = self.optimizer_state
        if state is not None:
            state = self.optimizer.state_dict(state if self.n_runs == 1 else state_of(state, self.models_of(run)))
        found: dict[str, Any] = {"steps_done": self.steps_done, "epoch_loss": float(self._epoch_loss[run])}
        found["optimizer"] = state
        if self.resamples is not None:
            found["diverged"] = {k: [error.step, error.lr, error.value] for k, error in self.diverged_of(run).items()}
        return found

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if "linnet" not in checkpoint:  # of another Trainer, which keeps the state of its optimizers itself
            return
        saved = checkpoint["linnet"]
        self.steps_done = saved["steps_done"]
        self._epoch_loss[:] = saved["epoch_loss"]
        self.diverged_resamples = {int(k): Diverged(*error) for k, error in saved.get("diverged", {}).items()}
        self._saved_optimizer = saved["optimizer"]  # until the parameters are where they are trained
