"""Read the results of a completed run from its directory. Imports no torch."""

import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from linnet.config.option_types import accepts
from linnet.inference.coefficients import Coefficients, load_coefficients
from linnet.inference.intervals import load_intervals
from linnet.inference.predictor import load_predictor
from linnet.inference.rows import Bounds
from linnet.results.figures import Figures, saved_figures
from linnet.results.run import Run
from linnet.system.errors import InputError
from linnet.system.reading import Unreadable, read_json
from linnet.tracking.history import Curve, read_history
from linnet.tracking.manifest_file import check_unchanged, read_manifest
from linnet.tracking.records import Manifest

METRICS, HISTORY = "metrics.json", "history.csv"


def load_run(directory: Path) -> Run:
    """Return a completed run.

    Raises:
        InputError: there is no completed run, or a file of its model is missing or damaged.
    """
    return Run(SavedResults(directory), directory)


class SavedResults:
    """Results that are read when they are asked for, but for the model, without which it is no completed run.

    Raises:
        InputError: a file is missing, damaged, or not as the run wrote it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.model = load_predictor(directory)

    @cached_property
    def metrics(self) -> dict[str, float]:
        path = self.directory / METRICS
        check_unchanged(self.directory, (METRICS,))
        try:
            found = read_json(path)
            return {str(key): float(value) if accepts(float, value) else math.nan for key, value in found.items()}
        except Unreadable:
            raise
        except (OSError, ValueError, AttributeError) as error:
            raise InputError(f"{path} is missing or damaged: {error}") from error

    @cached_property
    def _manifest(self) -> Manifest:
        return read_manifest(self.directory)

    @property
    def config(self) -> Mapping[str, Any]:
        return self._manifest.get("config", {})

    @property
    def choices(self) -> Mapping[str, Any]:
        return self._manifest.get("choices", {})

    @cached_property
    def curves(self) -> dict[str, Curve]:
        path = self.directory / HISTORY
        check_unchanged(self.directory, (HISTORY,))
        try:
            return read_history(path)
        except Unreadable:
            raise
        except OSError as error:
            raise InputError(f"{path} is missing or damaged: {error}") from error

    @property
    def figures(self) -> Figures:
        return saved_figures(self.directory / "figures")

    def coefficients(self) -> Coefficients:
        return load_coefficients(self.directory)

    def intervals(self, confidence: float) -> Bounds:
        return load_intervals(self.directory, self.model, confidence)
