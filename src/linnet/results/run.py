"""One run as an object: what it is, its metrics, curves, coefficients and figures, and its model."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from linnet.inference.coefficients import Coefficients
from linnet.inference.intervals import check_confidence
from linnet.inference.predictor import Predictor, bounded
from linnet.inference.rows import Bounds
from linnet.results.board import Board
from linnet.results.figures import Figures
from linnet.results.frames import coefficients_frame, history_frame
from linnet.results.html import escaped, faint, legend, page, table
from linnet.results.svg import Line, chart
from linnet.system.errors import InputError
from linnet.system.sanitize import plain, shown
from linnet.tracking.history import Curve
from linnet.tracking.metrics_cells import metrics_cells

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from linnet.tracking.linear_predictor import Floats

SCORES = ("accuracy", "r2", "loss")
DRAWN = (("train/loss", 0, True), ("train/loss_epoch", 0, False), ("val/loss", 1, False), ("cv/loss", 1, False))
"""Name, colour and faintness of the curves of the picture."""


class Source(Protocol):
    """Where a run's results come from: its files, or the memory of the process that trained it."""

    @property
    def metrics(self) -> dict[str, float]: ...
    @property
    def config(self) -> Mapping[str, Any]: ...
    @property
    def choices(self) -> Mapping[str, Any]: ...
    @property
    def curves(self) -> dict[str, Curve]: ...
    @property
    def model(self) -> Predictor: ...
    @property
    def figures(self) -> Figures: ...
    def coefficients(self) -> Coefficients: ...
    def intervals(self, confidence: float) -> Bounds: ...


class Run:
    """A completed run. `linnet.load` reads it from its directory, `linnet.train` returns it as a `TrainedRun`.

    It is called with new inputs as its `model` is: `run(X)`.

    Args:
        source: of its results.
        directory: the run directory; None if it was not tracked.

    Raises:
        InputError: by an attribute whose file is missing, damaged, or not as the run wrote it.
    """

    def __init__(self, source: Source, directory: Path | None) -> None:
        self._source, self.directory = source, directory

    @property
    def metrics(self) -> dict[str, float]:
        """Final metrics: "test/accuracy", "val/loss", …; NaN for one that is undefined."""
        return self._source.metrics

    @property
    def config(self) -> Mapping[str, Any]:
        """The resolved configuration."""
        return self._source.config

    @property
    def choices(self) -> Mapping[str, Any]:
        """Config group -> chosen option."""
        return self._source.choices

    @property
    def curves(self) -> dict[str, Curve]:
        """Every logged point: `steps, losses = run.curves["train/loss"]`."""
        return self._source.curves

    @property
    def history(self) -> "pd.DataFrame":
        """Every logged point as a DataFrame: one row per step, one column per metric, NaN where it was not logged.

        Raises:
            InputError: pandas is not installed.
        """
        return history_frame(self.curves)

    @property
    def coefficients(self) -> "pd.DataFrame":
        """One row per coefficient, in the units of the data; see `linnet.inference.coefficients.Row`.

        Raises:
            InputError: pandas is not installed.
        """
        return coefficients_frame(self._source.coefficients())

    @property
    def figures(self) -> Figures:
        """Name -> PNG picture of the figures that the run drew, as with `figures=true`."""
        return self._source.figures

    @property
    def model(self) -> Predictor:
        """What it learned: `model.predict(X)`, `model.predict_proba(X)`, `model(X)`; `weight`, `bias`, `classes`."""
        return self._source.model

    def __call__(self, inputs: Any) -> "Floats":
        """Return expected targets `[N]` or `[N, C]`, or the probabilities of the classes; see `Predictor`."""
        return self.model(inputs)

    def predict(self, inputs: Any) -> "NDArray[Any]":
        """Return expected targets, or the most probable class of each row; see `Predictor.predict`."""
        return self.model.predict(inputs)

    def predict_interval(self, inputs: Any, confidence: float = 0.95) -> "Floats":
        """Return the prediction intervals of new rows: low and high `[N, 2]`, of several targets `[N, C, 2]`.

        An interval holds the target of its row with this probability; they are NaN where there is no prediction. Of a
        run with `resampling="kfold"` they are those of CV+; else they are known for squared error without a penalty,
        solved by `optimizer="exact"`, for normal errors.

        Raises:
            InputError: the run has none, with the reason; or the inputs are not what the model takes.
        """
        check_confidence(confidence)
        if self.model.task == "classification":
            raise InputError("the model is a classifier, which has sets of classes: use predict_set")
        found = bounded(self.model, inputs, self._source.intervals(confidence))
        return found[:, 0] if self.model.n_outputs == 1 else found

    def predict_set(self, inputs: Any, confidence: float = 0.95) -> "NDArray[np.bool_]":
        """Return the sets of classes of new rows: whether each class is in the set `[N, C]`, by CV+.

        A set holds the class of its row with this probability, of a run with `resampling="kfold"`. It is empty where
        there is no prediction, and may be where no class is likely enough.

        Raises:
            InputError: the run has none, with the reason; or the inputs are not what the model takes.
        """
        check_confidence(confidence)
        if self.model.task == "regression":
            raise InputError("the model is a regression, which has intervals: use predict_interval")
        return bounded(self.model, inputs, self._source.intervals(confidence))[:, :, 0] == 1

    def predict_proba(self, inputs: Any) -> "Floats":
        """Return the probabilities of the classes `[N, C]`; see `Predictor.predict_proba`."""
        return self.model.predict_proba(inputs)

    def board(self, host: str = "localhost", port: int | None = None) -> Board:
        """Serve TensorBoard on the run until this process ends; see `Board`.

        Raises:
            InputError: the run was not tracked, or there is no serving at that host and port.
        """
        if self.directory is None:
            raise InputError("the run was not tracked, so there is nothing to serve: train it without tracked=False")
        return Board(self.directory, host, port)

    def report(self, path: str | Path) -> None:
        """Write one HTML page about the run, that needs no network: what was asked, what came out, its curves.

        Raises:
            InputError: it was not tracked, or the page cannot be written there.
        """
        from linnet.comparison.report.runs_page import runs_page, write_page
        from linnet.comparison.runs import read_run

        if self.directory is None:
            raise InputError("report: a run that was not tracked has no files: train it without tracked=False")
        write_page(Path(path), runs_page([read_run(self.directory)]))

    @property
    def _title(self) -> str:
        """What it is: "softmax_regression on digits"."""
        return " on ".join(plain(self.choices[group]) for group in ("model", "data") if group in self.choices)

    @property
    def _place(self) -> str:
        return "not tracked" if self.directory is None else plain(shown(self.directory), 200)

    def __repr__(self) -> str:
        """Return one line: what it is, its main metrics, its directory."""
        try:
            split = next((s for s in ("test", "val", "train") if f"{s}/loss" in self.metrics), "")
            names = [f"{split}/{score}" for score in SCORES if f"{split}/{score}" in self.metrics]
            said = ", ".join(f"{name} {self.metrics[name]:.4g}" for name in names)
            return f"<Run {self._title}: {said}; {self._place}>"
        except InputError as error:
            return f"<Run {self._place}: {plain(error, 200)}>"

    def _repr_html_(self) -> str:
        """Return title, place, metrics with intervals and learning curve for a notebook."""
        try:
            lines = [faint(self._place, 200), *self._labels()]
            metrics = table(*metrics_cells(self.metrics), texts={"metric"})
            return page(self._title or "run", lines, metrics, self._picture())
        except InputError as error:
            return page("run", [faint(self._place, 200), escaped(error, 300)])

    def _labels(self) -> list[str]:
        name, tags = self.config.get("name"), self.config.get("tags")
        words = [str(name)] if isinstance(name, str) else []
        words += [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
        return [faint(" · ".join(plain(word) for word in words[:20]), 300)] if words else []

    def _picture(self) -> str:
        found = [(name, colour, faint) for name, colour, faint in DRAWN if name in self.curves]
        named = {name: colour for name, colour, _ in found}
        if "train/loss_epoch" in named:
            named.pop("train/loss", None)
        picture = chart([Line(*self.curves[name], colour, faint and len(named) > 0) for name, colour, faint in found])
        return legend(named.items()) + picture if picture else ""
