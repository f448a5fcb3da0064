"""The logger of a run: TensorBoard events and history.csv, both in the run directory."""

import math
import os
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities import rank_zero_only
from tensorboard.compat.proto.summary_pb2 import Summary
from torch import Tensor
from torch.utils.tensorboard.summary import custom_scalars, hparams

from linnet.config.metric_names import CV, STD
from linnet.config.option_types import CountOrZero
from linnet.tracking.checkpoint_file import Damaged
from linnet.tracking.events import PATTERN, EventWriter
from linnet.tracking.history import History
from linnet.tracking.metrics_cells import metrics_markdown
from linnet.tracking.tags import FIGURES, KEPT, image_of, is_constant, metadata_of, row_of

FLUSH_SECONDS = 5.0
HISTOGRAM_BINS = 30
BAND = f"{CV}loss"
"""The curve that has a band, of the standard deviation over resamples."""


class RunLogger(TensorBoardLogger):
    """Lightning's TensorBoardLogger that writes into the run directory itself, and everything to history.csv as well.

    Args:
        save_dir: the run directory. TensorBoard names a run by the path of its events, so they lie directly in it.
        histogram_every_n_epochs: of weight and bias; 0: none.
        resumed_at: the step that the files in the directory end with, of a run that goes on; None: there are none.
    """

    def __init__(
        self, save_dir: str | Path, histogram_every_n_epochs: CountOrZero = 1, resumed_at: int | None = None
    ) -> None:
        # An empty version keeps Lightning from numbering one, for which jobs that start together would race.
        super().__init__(save_dir=str(save_dir), name="", version="", default_hp_metric=False)
        self.histogram_every_n_epochs = histogram_every_n_epochs
        self._folder, self._resumed_at = Path(save_dir), resumed_at
        self._flushed = time.monotonic()
        self.history = History(self._folder / "history.csv")
        self._described: set[str] = set()  # curves whose first point has been written, with what they are

    @cached_property
    def experiment(self) -> EventWriter:
        """The writer of the event file, for figures and anything else that the logger has no method for."""
        return EventWriter(self._folder, self._resumed_at)

    @rank_zero_only
    def log_series(self, name: str, steps: Sequence[int], values: Sequence[float], every: int = 1) -> None:
        """Log points of one curve: all to history.csv, those whose step is a multiple of `every` to TensorBoard."""
        self.history.extend(name, steps, values)
        shown = [i for i, step in enumerate(steps) if step % every == 0]
        if not shown:
            return
        about = None if name in self._described else metadata_of(name)
        self._described.add(name)
        self.experiment.add_points(name, [steps[i] for i in shown], [values[i] for i in shown], about)
        if name == BAND + STD:
            self._log_band(steps, values)

    def _log_band(self, steps: Sequence[int], deviations: Sequence[float]) -> None:
        """Log mean ± deviation over resamples to TensorBoard, which draws a band of them on its page CUSTOM SCALARS."""
        means = self.history.curves[BAND].value
        if len(means) == len(steps):  # the first points of the run
            chart = {"loss": ["Margin", [BAND, f"{BAND}_low", f"{BAND}_high"]]}
            self.experiment.file.add_summary(custom_scalars({"cross-validation": chart}))
        recent = means[-len(steps) :]
        for end, sign in (("_low", -1), ("_high", 1)):
            ends = [mean + sign * deviation for mean, deviation in zip(recent, deviations, strict=True)]
            self.experiment.add_points(BAND + end, steps, ends)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float | Tensor], step: int | None = None) -> None:
        """Log metrics; Lightning's interface for callbacks that log."""
        for name, value in metrics.items():
            self.log_series(name, [step or 0], [float(value)])

    @rank_zero_only
    def log_histograms(self, params: Mapping[str, Tensor], step: int) -> None:
        for name, tensor in params.items():
            values = tensor.detach().double().cpu().numpy().ravel()
            low, high = float(values.min()), float(values.max())
            # Histogram bins of almost equal numbers would coincide.
            spread = max(high - low, 1e-6 * max(abs(low), abs(high)), 1e-30)
            if not math.isfinite(spread):
                continue
            # As many as are drawn: torch's own add_histogram has 1500 bins, which takes ten times as long.
            bins = min(HISTOGRAM_BINS, len(values))
            start = (low + high - spread) / 2
            # `np.histogram` would take longer than the epoch of a small model.
            places = np.minimum(((values - start) * (bins / spread)).astype(np.int64), bins - 1)
            counts, edges = np.bincount(places, minlength=bins), start + spread / bins * np.arange(1, bins + 1)
            self.experiment.add_histogram_raw(
                f"weights/{name}", low, high, len(values), values.sum(), values @ values,
                edges.tolist(), counts.tolist(), step,
            )  # fmt: skip

    @rank_zero_only
    def log_picture(self, name: str, picture: bytes, step: int) -> None:
        """Log an encoded PNG file: drawing a figure a second time for TensorBoard would take as long as the first."""
        summary = Summary(value=[image_of(f"{FIGURES}{name}", picture)])
        self.experiment.file.add_summary(summary, step)

    def final_names(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Return final metrics under the names that further loggers are given them by.

        Where there is a curve with points of every epoch, the metric of the weights that were kept is `…_final`.
        """
        return {(f"{name}_final" if name in self.history.curves else name): value for name, value in metrics.items()}

    @rank_zero_only
    def log_result(self, params: Mapping[str, Any], metrics: Mapping[str, float], step: int) -> None:
        """Log the run as one row of TensorBoard's HPARAMS page, and all metrics as a text.

        Once per run: the page shows only the first row. Its metrics must be scalars, `weights_kept/…`; numbers of the
        training problem are columns beside the hyperparameters, and no charts of a single point.
        """
        kept = {f"{KEPT}{name}": value for name, value in metrics.items() if not is_constant(name)}
        for name, value in kept.items():
            self.experiment.add_points(name, [step], [value], metadata_of(name))
        writer = self.experiment.file
        # Without the first summary, which lists the columns: TensorBoard would take the list of one run for all, and
        # hide what only others have. So it collects the columns from all runs, and puts those that vary first.
        for summary in hparams(row_of(params, metrics), kept)[1:]:
            writer.add_summary(summary)
        self.experiment.add_text("metrics", metrics_markdown(metrics), step)

    def flush(self, *, durable: bool = False) -> None:
        """Write all points so far to the files; only between two chunks of training, never within one."""
        self.history.flush(durable=durable)
        self.experiment.flush(durable=durable)
        self._flushed = time.monotonic()

    def flush_now_and_then(self) -> None:
        """Flush if the last flush is long enough ago."""
        if time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def position(self) -> dict[str, int]:
        """Return the size in bytes of each file after all points so far, the argument of `rewind`."""
        self.flush(durable=True)
        return {path.name: path.stat().st_size for path in _log_files(self._folder)}

    def save(self) -> None:
        """Do nothing: Lightning's hparams.yaml would repeat `.hydra/config.yaml`."""

    def finalize(self, status: str) -> None:
        """Flush only. Lightning calls this after fit, but figures and the result are still to come."""
        self.flush()

    def close(self) -> None:
        """Write what is left and close both files; a second time, nothing."""
        if self.history.closed:
            return
        try:
            self.history.close()
        finally:
            self.experiment.close()


def check_position(folder: Path, position: Mapping[str, int]) -> None:
    """Raise Damaged if a file is shorter than it was at that position, or gone."""
    sizes = {path.name: path.stat().st_size for path in _log_files(folder)}
    for name, size in position.items():
        if sizes.get(name, -1) < size:
            raise Damaged(f"{name} is shorter than when the checkpoint was written")


def rewind(folder: Path, position: Mapping[str, int]) -> None:
    """Truncate the files of a logger to an earlier `position`, and remove files that did not exist then.

    Args:
        folder: the run directory.
        position: only its history.csv and event files are looked up, so untrusted names reach no other file.
    """
    for path in _log_files(folder):
        if path.name in position:
            os.truncate(path, position[path.name])
        else:
            path.unlink()


def _log_files(folder: Path) -> list[Path]:
    return [path for path in (folder / "history.csv", *sorted(folder.glob(PATTERN))) if path.is_file()]
