"""What models that are trained on resamples differ in: how often they count each example, and what they leave out."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linnet.data import Batch


class ModelResamples:
    """F models that are trained on resamples of N examples, and one more, the last, that is trained on all of them.

    A resample of minibatches is made of minibatches of the whole: its examples of each one, as often as it has them.
    The mean over them is a mean over the whole minibatch with weights count · B / Σ count.

    Args:
        train: how often each resample has each example, uint8 `[F, N]`.
        held_out: the examples that it is evaluated on, bool `[F, N]`.
        weight: of each example `[N]`, as in `Examples`; None: all the same. Those of a resample are divided by their
            mean in it, as they would be if there were no others.
    """

    def __init__(self, train: Tensor, held_out: Tensor, weight: Tensor | None = None) -> None:
        self.counts = torch.cat([train, torch.ones_like(train[:1])])
        self.held_out = [rows.nonzero()[:, 0] for rows in held_out]
        self.weight = weight
        self._per_count = torch.ones(len(self.counts), 1, dtype=torch.float64)
        if weight is not None:
            per_count = (train.double() @ weight.double().cpu()) / train.sum(dim=1, dtype=torch.float64)
            self._per_count[:-1, 0] = torch.where(per_count > 0, 1 / per_count, 0.0)

    @property
    def n_resamples(self) -> int:
        """Return F, the number of resamples."""
        return len(self.held_out)

    @property
    def times_held_out(self) -> float:
        """Return how often an example is held out on average, at least 1: k-fold's repeats, F/e of a bootstrap."""
        return max(1.0, sum(map(len, self.held_out)) / self.counts.shape[1])

    @property
    def n_models(self) -> int:
        """Return F + 1, the number of models of one run."""
        return len(self.counts)

    def models_of(self, run: int) -> slice:
        """Return which models are those of a run, among the models of several runs."""
        return slice(run * self.n_models, (run + 1) * self.n_models)

    def move_to(self, device: torch.device) -> None:
        self.counts, self._per_count = self.counts.to(device), self._per_count.to(device)
        self.held_out = [rows.to(device) for rows in self.held_out]
        self.weight = self.weight if self.weight is None else self.weight.to(device)

    def weighed(self, batches: Iterator[Batch], rows: Tensor, sizes: Sequence[int], n_models: int) -> Iterator[Batch]:
        """Yield minibatches with the weights `[K, B]` of each model, and with those that have none of their examples.

        Args:
            batches: the minibatches, of these sizes.
            rows: the indices of their examples, one after the other.
            sizes: of the minibatches.
            n_models: K, those of one or several runs.
        """
        counts = self.counts.index_select(1, rows)
        parts = counts.split(list(sizes), dim=1)
        totals = torch.stack([part.sum(dim=1) for part in parts])
        idle = totals == 0
        any_idle: NDArray[np.bool_] = idle.any(dim=1).cpu().numpy()  # asked once: a device answers late
        n_runs = n_models // self.n_models
        for step, (batch, part, size) in enumerate(zip(batches, parts, sizes, strict=True)):
            factor = size * self._per_count / totals[step].clamp(min=1).unsqueeze(1)
            weight = part * factor.to(batch.x.dtype)
            if batch.weight is not None:
                weight = weight * batch.weight
            resting = idle[step] if any_idle[step] else None
            if n_runs > 1:
                weight = weight.repeat(n_runs, 1)
                resting = None if resting is None else resting.repeat(n_runs)
            yield batch._replace(weight=weight, idle=resting)
