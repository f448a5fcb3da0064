"""A run that was trained in this process, with its module and its data."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from linnet.config.check_options import is_exact
from linnet.config.check_resampling import is_resampled
from linnet.data import Data
from linnet.inference.coefficients import Coefficients, load_bootstrap, tabulate
from linnet.inference.intervals import intervals, load_intervals
from linnet.inference.predictor import Predictor
from linnet.inference.rows import Bounds
from linnet.models import LinearNetwork
from linnet.results.figures import Figure, Figures, saved_figures
from linnet.results.run import Run
from linnet.solvers.analysis_file import StoredAnalysis, read_analysis
from linnet.system.errors import InputError
from linnet.tracking.history import Curve
from linnet.tracking.linear_predictor import assemble, specification
from linnet.tracking.report import png, result_figures
from linnet.training.evaluate import evaluate_parts
from linnet.training.finalize import FinishedRun

if TYPE_CHECKING:
    from numpy.typing import NDArray


class TrainedRun(Run):
    """What `linnet.train` returns. All of it is in memory, so a run that was not tracked has everything but files.

    module: the LightningModule with its final weights.
    data: the prepared examples that it was trained on.
    """

    def __init__(self, finished: FinishedRun) -> None:
        super().__init__(ResultsInMemory(finished), finished.directory)
        self.module: LinearNetwork = finished.module
        self.data: Data = finished.data


class ResultsInMemory:
    """Results as the process that trained the run has them."""

    def __init__(self, finished: FinishedRun) -> None:
        self._finished = finished

    @property
    def metrics(self) -> dict[str, float]:
        return self._finished.metrics

    @property
    def config(self) -> Mapping[str, Any]:
        return self._finished.config

    @property
    def choices(self) -> Mapping[str, Any]:
        return self._finished.choices

    @property
    def curves(self) -> dict[str, Curve]:
        return self._finished.curves

    @cached_property
    def model(self) -> Predictor:
        finished = self._finished
        known = None if finished.analysis is None else finished.analysis.coefficients
        solved = finished.module.solution is not None and known is not None
        node = json.loads(specification(finished.data, finished.module.loss, solved=solved))
        coefficients = known[0].cpu().numpy() if solved and known is not None else None
        return assemble(Predictor, self._weights(), node, coefficients)

    @property
    def figures(self) -> Figures:
        """Those of the run directory; if the run drew none, they are drawn now, into no file."""
        folder = self._finished.directory
        return (saved_figures(folder / "figures") if folder is not None else None) or self._drawn

    @cached_property
    def _drawn(self) -> Figures:
        finished = self._finished
        _, predictions = evaluate_parts(finished.module, finished.data)
        figures = result_figures(finished.module, finished.data, predictions, finished.curves, finished.analysis)
        return Figures({name: Figure(name, png(figure)) for name, figure in figures.items()})

    def _weights(self) -> "dict[str, NDArray[Any]]":
        return {name: tensor.detach()[0].cpu().numpy() for name, tensor in self._finished.module.named_parameters()}

    @property
    def _stored(self) -> StoredAnalysis | None:
        analysis = self._finished.analysis
        return None if analysis is None else read_analysis(analysis.to_bytes())

    def intervals(self, confidence: float) -> Bounds:
        if is_resampled(self._finished.config):
            if self._finished.directory is None:
                raise InputError(
                    "the run was not tracked, and kept no models of its folds: train without tracked=False"
                )
            return load_intervals(self._finished.directory, self.model, confidence)
        return intervals(self.model, self._stored, confidence, exact=is_exact(self._finished.config))

    def coefficients(self) -> Coefficients:
        finished, scaling = self._finished, self._finished.data.scaling
        means = None if scaling is None else scaling.mean.tolist()
        place, exact = finished.directory, is_exact(finished.config)
        bootstrap = None if place is None else load_bootstrap(place, self.model, finished.config)
        weight = self._weights()["weight"]
        return tabulate(self.model, weight, means, self._stored, exact=exact, bootstrap=bootstrap)
