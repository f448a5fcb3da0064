"""The linear map: predictions, objective, gradients, metrics, and loggers of its curves; training is in `network`."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, cast

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from linnet.data import Batch, Examples
from linnet.data.feature_maps import FeatureMaps
from linnet.data.target_spread import TargetSpread
from linnet.losses import Loss
from linnet.models.evaluation import Evaluation
from linnet.models.intervals import Intervals
from linnet.models.linear import backpropagate, mean, predict
from linnet.models.own_metrics import OwnMetrics
from linnet.models.running_metrics import RunningMetrics
from linnet.penalties import Penalty

EVALUATION_ROWS = 2048
"""Examples predicted at a time in evaluation: enough for one long product, few enough to stay in the cache."""

LOGITS_ON_GPU = 2**25
"""Predictions of all models that a GPU computes at a time: its metrics take some 2 GiB of memory, and few launches."""
EVERY = slice(None)


class SeriesLogger(Protocol):
    """A logger that takes many points of one curve at a time; `self.log` costs more than a training step."""

    histogram_every_n_epochs: int

    def log_series(self, name: str, steps: Sequence[int], values: Sequence[float], every: int = 1) -> None: ...

    def log_histograms(self, params: Mapping[str, Tensor], step: int) -> None: ...


class LinearMap(pl.LightningModule, ABC):
    """K linear maps side by side, prediction = weight x + bias, with objective and metrics."""

    n_models: int
    weight: nn.Parameter
    bias: nn.Parameter | None
    loss: Loss
    penalty: Penalty
    own_metrics = OwnMetrics({})
    autograd: bool
    maps: FeatureMaps | None = None
    """From the columns that K models share to the features of each; None: they are the same."""
    masked = False
    """Whether predictions of examples that do not count are set to 0, in models with weights of their own."""
    recorder: SeriesLogger | None = None
    """Takes the curves where no Trainer has loggers for them."""

    @property
    def n_runs(self) -> int:
        """Return the number of runs, each of which has loggers of its own."""
        return self.n_models

    @property
    def asks_autograd(self) -> bool:
        """Return whether gradients are autograd's: those of the module, of its loss or of its penalty."""
        return self.autograd or self.loss.needs_autograd or self.penalty.needs_autograd

    @property
    def params(self) -> list[Tensor]:
        """Return `[weight [K, C, D], bias [K, C]]`, or the weight alone."""
        return [self.weight] if self.bias is None else [self.weight, self.bias]

    @property
    def evaluation_rows(self) -> int:
        """Return how many examples are predicted at a time in evaluation."""
        n_predictions = self.weight.shape[0] * self.weight.shape[1]
        return max(EVALUATION_ROWS, LOGITS_ON_GPU // n_predictions) if self.weight.is_cuda else EVALUATION_ROWS

    def forward(self, x: Tensor) -> Tensor:
        """Return the predictions `[B, C]` of features `[B, D]`, of K models `[K, B, C]`; logits, for classification.

        Features `[B, …]`, such as pictures, are flattened, and taken in the dtype of the weight.
        """
        weight, bias = self.weight, self.bias
        x = (x if x.is_sparse else x.flatten(1)).to(weight.dtype)
        if self.n_models > 1:
            return predict(x, weight, bias)
        if x.is_sparse:
            return predict(x, weight, bias)[0]
        return nn.functional.linear(x, weight[0], None if bias is None else bias[0])

    def shared_parameters(self) -> tuple[Tensor, Tensor | None]:
        """Return weight `[K, C, D]` and bias `[K, C]` for the examples' features, of which `maps` may make others."""
        return (self.weight, self.bias) if self.maps is None else self.maps.shared(self.weight, self.bias)

    def parameters_of(self, models: slice) -> tuple[Tensor, Tensor | None]:
        """Return the `shared_parameters` of some of the models."""
        weight, bias = self.shared_parameters()
        if models is EVERY:
            return weight, bias
        return weight[models].contiguous(), None if bias is None else bias[models].contiguous()

    def objective_and_gradients(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        """Return the mean loss of a batch for each model, `[K]`, and gradients of loss + smooth part of the penalty.

        The loss of each example counts times its weight, and the mean is over their number: see `Examples`, `Batch`.
        """
        if self.autograd:
            with torch.enable_grad():
                prediction = batch.counted(predict(batch.x, *self.shared_parameters(), batch.scale))
                value = batch.weighed(self.loss.value(prediction, batch.y)).mean(dim=1)
                total = (value + self.penalty.smooth_value(self.weight)).sum()
                return value.detach(), list(torch.autograd.grad(total, self.params))
        if batch.weight is None or batch.weight.dim() == 1:
            return self._in_closed_form(batch)
        # To set predictions to 0 that do not count is one more pass. It is needed only if a loss or its derivative is
        # infinite, which the means over them show, the bias' gradient among them. A device would have to be waited for.
        if not (self.masked or batch.x.is_cuda or self.bias is None):
            value, grads = self._in_closed_form(batch)
            if bool(value.isfinite().all() & grads[1].isfinite().all()):
                return value, grads
            self.masked = True  # from now on, since a model that diverged stays infinite
        return self._in_closed_form(batch, masked=True)

    def _in_closed_form(self, batch: Batch, *, masked: bool = False) -> tuple[Tensor, list[Tensor]]:
        """Do what `objective_and_gradients` does; masked: set predictions to 0 where examples do not count."""
        x, y, scale, weights, _ = batch
        weight, bias, maps = self.weight, self.bias, self.maps  # looked up once: a module takes its time
        shared = (weight, bias) if maps is None else maps.shared(weight, bias)
        prediction = predict(x, *shared, scale)
        values, gradient = self.loss.value_and_gradient(batch.counted(prediction) if masked else prediction, y)
        if weights is not None:
            values = batch.weighed(values)
            # In the order of memory, [K, C, B]: otherwise the product would have another layout, and be copied back.
            gradient = (gradient.transpose(1, 2) * weights.unsqueeze(-2)).transpose(1, 2)
        grads = backpropagate(x, gradient, bias=bias is not None, scale=scale)
        if maps is not None:
            maps.backpropagate_(grads)
        self.penalty.add_gradient(weight, grads[0])
        return mean(values), grads

    @abstractmethod
    def new_metrics(
        self, n_absent: int = 0, n_models: int | None = None, spread: TargetSpread | None = None
    ) -> RunningMetrics:
        """Return new running metrics of the task for so many models, K by default.

        n_absent classes may occur that have no output; spread is that of the targets, if it is known.
        """

    @abstractmethod
    def intervals(self, metrics: Mapping[str, float], prediction: Tensor | None, examples: Examples) -> Intervals:
        """Return the 95 % intervals of the metrics that have one, see `linnet.models.intervals`.

        Args:
            metrics: of one model on the examples.
            prediction: `[N, C]`, or None where they are not known, which some intervals need.
            examples: N of them.
        """

    @torch.no_grad()
    def evaluate_all(
        self, examples: Examples, kept: list[Tensor] | None = None, models: slice = EVERY
    ) -> list[dict[str, float]]:
        """Return loss and metrics of each model on the examples, as `Evaluation` has them.

        Args:
            examples: any number; they are predicted in chunks.
            kept: takes up the predictions of each chunk, `[K, B, C]`.
            models: which of them are evaluated.
        """
        absent = _absent(examples)
        return self.evaluate_batches(
            examples.chunks(self.evaluation_rows), self.parameters_of(models), kept,
            0 if absent is None else len(absent.unique()), examples.total_weight, examples.spread(self.evaluation_rows),
        )  # fmt: skip

    def evaluate_batches(
        self, batches: Iterable[Batch], parameters: Sequence[Tensor | None], kept: list[Tensor] | None = None,
        n_absent: int = 0, total_weight: float | None = None, spread: TargetSpread | None = None,
    ) -> list[dict[str, float]]:  # fmt: skip
        """Return loss and metrics of models with these weights and biases for shared columns, on batches of examples.

        Args:
            batches: of examples, each used before the next is asked for.
            parameters: weight `[K, C, D]` and bias `[K, C]` or None.
            kept: as in `evaluate_all`.
            n_absent: classes without an output that occur.
            total_weight: of all examples; None: it is added up.
            spread: of their targets; None: it is added up.
        """
        weight, bias = parameters
        assert weight is not None
        evaluation = Evaluation(
            self.loss, self.new_metrics(n_absent, len(weight), spread), self.own_metrics, absent=n_absent > 0,
            total_weight=total_weight,
        )  # fmt: skip
        for batch in batches:
            prediction = predict(batch.x, weight, bias, batch.scale)
            evaluation.update(prediction, batch)
            if kept is not None:
                kept.append(prediction)
        return evaluation.compute()

    def evaluate(self, examples: Examples) -> tuple[dict[str, float], Tensor]:
        """Return loss and metrics of a single model on the examples, and its predictions `[N, C]`."""
        kept: list[Tensor] = []
        (metrics,) = self.evaluate_all(examples, kept)
        return metrics, torch.cat([prediction[0] for prediction in kept])

    @torch.no_grad()
    def training_objective(self, examples: Examples, models: slice = EVERY) -> list[float]:
        """Return mean loss + penalty of each of the models, the mean weighted as in `evaluate_all`."""
        weight, bias = self.parameters_of(models)
        losses = [
            batch.weighed(self.loss.value(predict(batch.x, weight, bias, batch.scale), batch.y).double()).sum(dim=1)
            for batch in examples.chunks(self.evaluation_rows)
        ]
        total = losses[0] if len(losses) == 1 else torch.stack(losses).sum(dim=0)
        return (total / examples.total_weight + self.penalty.value(self.weight)[models]).tolist()

    def log_series(
        self, name: str, steps: Sequence[int], values: Sequence[float], every: int = 1, model: int = 0
    ) -> None:
        """Hand points of one run's curve to each of its loggers that takes them in bulk."""
        for logger in self.loggers_of(model):
            logger.log_series(name, steps, values, every)

    def loggers_of(self, k: int) -> list[SeriesLogger]:
        """Return the loggers of run k: all of them if it is the only run, else the k-th one."""
        if self.recorder is not None:
            return [self.recorder]
        loggers = self.loggers if self.n_runs == 1 else self.loggers[k : k + 1]
        return [cast(SeriesLogger, logger) for logger in loggers if hasattr(logger, "log_series")]


def _absent(examples: Examples) -> Tensor | None:
    """Return the targets below 0, which stand for classes without an output; None if there are none."""
    if examples.streamed or examples.y.is_floating_point():
        return None
    absent = examples.y < 0
    return examples.y[absent] if bool(absent.any()) else None
