"""Which of K models side by side belong to which run, and which of them still train."""

import math
from collections.abc import Sequence

from torch import Tensor

from linnet.data import Data
from linnet.data.feature_maps import FeatureMaps
from linnet.models.cross_validation import held_out_metrics
from linnet.models.linear_map import EVERY, LinearMap
from linnet.models.model_resamples import ModelResamples
from linnet.optimizers import Optimizer
from linnet.optimizers.hyperparameter import Hyperparameter, number_of
from linnet.system.errors import Diverged


class Runs(LinearMap):
    """K linear maps, each of them a run; with `resamples`, each F + 1 are one, and the last of these is its model.

    Args:
        n_models: K.
    """

    optimizer: Optimizer

    def __init__(self, n_models: int) -> None:
        super().__init__()
        self.n_models = n_models
        self.data: Data  # from `begin` on
        self.steps_done = 0
        self.resamples: ModelResamples | None = None
        self.diverged: dict[int, Diverged] = {}
        """Runs whose training has ended; outputs of their models are ignored from then on, and touch no other model."""
        self.diverged_resamples: dict[int, Diverged] = {}
        """Models of resamples, of which the same is true; their runs go on."""
        self.metrics: list[dict[str, float]] = [{} for _ in range(n_models)]
        """The latest "train/loss_epoch", "val/…" and "cv/…" of each run."""

    def resample(self, resamples: ModelResamples, maps: FeatureMaps | None) -> None:
        """Make each F + 1 models those of one run; maps are those of F + 1."""
        self.resamples = resamples
        self.metrics = [{} for _ in range(self.n_runs)]
        self.maps = None if maps is None else maps.to(self.weight).repeated(self.n_runs)

    def move_resamples(self) -> None:
        """Move what models of resamples differ in to the parameters' device."""
        if self.resamples is not None:
            self.resamples.move_to(self.weight.device)
            self.maps = self.maps and self.maps.to(self.weight)

    @property
    def n_runs(self) -> int:
        return self.n_models if self.resamples is None else self.n_models // self.resamples.n_models

    @property
    def final(self) -> slice:
        """Return which of the models are those of a run, and not of one of its resamples."""
        return EVERY if self.resamples is None else slice(self.resamples.n_resamples, None, self.resamples.n_models)

    def final_of(self, run: int) -> int:
        """Return the number of a run's model."""
        return run if self.resamples is None else run * self.resamples.n_models + self.resamples.n_resamples

    def models_of(self, run: int) -> slice:
        """Return which models are those of a run, its resamples among them."""
        return slice(run, run + 1) if self.resamples is None else self.resamples.models_of(run)

    def _record_resamples(self, steps: range, losses: Tensor, factors: Sequence[Hyperparameter]) -> None:
        """Take note of resamples that diverged in a chunk."""
        finite = losses.isfinite()
        finite[:, self.final] = True
        for k in (~finite.all(dim=0)).nonzero()[:, 0].tolist():
            i = int(finite[:, k].int().argmin())
            self._resample_diverged(k, Diverged(steps[i], self._rate(k, factors[i]), float(losses[i, k])))

    def _rate(self, k: int, factor: Hyperparameter) -> float:
        return number_of(self.optimizer.lr, k) * number_of(factor, k)

    def _diverged(self, run: int, error: Diverged) -> None:
        """Record that a run diverged, and stop if no other one is still training."""
        self.diverged[run] = error
        if not self.in_training:
            raise error

    def _resample_diverged(self, k: int, error: Diverged) -> None:
        """Record that the model of a resample diverged, which goes for its run if all of them have."""
        assert self.resamples is not None
        run = k // self.resamples.n_models
        if k in self.diverged_resamples or run in self.diverged:
            return
        self.diverged_resamples[k] = error
        if len(self.diverged_of(run)) == self.resamples.n_resamples:
            self._diverged(run, error)

    def diverged_of(self, run: int) -> dict[int, Diverged]:
        """Return the resamples of a run that diverged, by their numbers from 0."""
        first = self.models_of(run).start
        models = range(first, self.final_of(run))
        return {k - first: error for k, error in sorted(self.diverged_resamples.items()) if k in models}

    @property
    def in_training(self) -> list[int]:
        """Return the numbers of the runs that have not diverged."""
        return [run for run in range(self.n_runs) if run not in self.diverged]

    def cross_validate(self, kept: list[list[Tensor]] | None = None) -> list[list[dict[str, float]]]:
        """Return metrics of each run's resamples on the examples that they leave out; none of one that diverged.

        Args:
            kept: takes up predictions, see `held_out_metrics`.
        """
        assert self.resamples is not None
        found = held_out_metrics(self, self.resamples, self.data.train, kept)
        for k, of_runs in enumerate(found):
            for run, metrics in enumerate(of_runs):
                model = self.models_of(run).start + k
                if metrics and not math.isfinite(metrics["loss"]) and run in self.in_training:
                    error = Diverged(self.steps_done, self._rate(model, 1.0), metrics["loss"])
                    self._resample_diverged(model, error)
        return [
            [{} if k in self.diverged_of(run) else of_runs[run] for k, of_runs in enumerate(found)]
            for run in range(self.n_runs)
        ]
