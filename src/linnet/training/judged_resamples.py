"""What the models of a run's resamples come to: metrics of what they leave out, and files."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from linnet.config.check_options import declared
from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.models.cross_validation import MOST_NAMED, report_undefined, summarize
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.system.files import write_atomic
from linnet.tracking.report import folds_picture
from linnet.tracking.resample_metrics import FILE as METRICS, resample_metrics
from linnet.tracking.weights import ACCELERATION, HELD_OUT_ERROR, QUANTILE
from linnet.training.out_of_fold import FILE as OUT_OF_FOLD, out_of_fold
from linnet.training.resample_statistics import (
    bootstrap_metrics,
    coefficient_acceleration,
    held_out_errors,
    interval_quantile,
    intervals_of_test_metrics,
)
from linnet.training.resampled import WEIGHTS, cross_validation, report_diverged, resample_weights

log = logging.getLogger(__name__)

FILES = (WEIGHTS, OUT_OF_FOLD, METRICS)
"""In the run directory; the last one only of runs with many resamples."""


class JudgedResamples(NamedTuple):
    """The models of a run's resamples, evaluated.

    each: metrics of each resample on what it leaves out; empty for one that diverged.
    metrics: of the run: cv/… and, of a bootstrap, bootstrap/….
    kept: predictions of each resample of what it leaves out, in chunks `[1, B, C]`.
    acceleration, quantile: of a bootstrap's BCa intervals, see `linnet.tracking.weights`; None: not known.
    times_held_out: see `ModelResamples`.
    """

    each: list[dict[str, float]]
    metrics: dict[str, float]
    kept: list[list[Tensor]]
    acceleration: Tensor | None
    quantile: Tensor | None
    times_held_out: float

    def picture(self) -> bytes:
        """Draw the metrics of each resample as a PNG file."""
        return folds_picture(self.each, self.times_held_out)


def judge_resamples(
    model: LinearNetwork, resampled: LinearNetwork, data: Data, analysis: ProblemAnalysis | None,
    config: Mapping[str, Any], prediction: Tensor | None = None,
) -> JudgedResamples:  # fmt: skip
    """Evaluate the models of a run's resamples, and log what is wrong with some of them.

    Args:
        model: of the run, with its final weights.
        resampled: the models of the resamples, and last the run's.
        data, analysis, config: of the run.
        prediction: of the test examples `[N, C]`; None: they are predicted where that is needed.
    """
    resampled.to(model.weight.device)
    each, kept = cross_validation(resampled, data)
    assert resampled.resamples is not None
    times, known, quantile = resampled.resamples.times_held_out, None, None
    metrics = summarize(each, each=True, times_held_out=times)
    if declared(config["resampling"]).is_bootstrap:
        known, quantile = coefficient_acceleration(data, analysis), interval_quantile(data, analysis)
        metrics |= bootstrap_metrics(resampled, data, analysis, known)
        metrics |= intervals_of_test_metrics(model, data, prediction)
    for line in (report_diverged(resampled.diverged_of(0), len(each)), report_undefined(each)):
        if line is not None:
            log.warning(line)
    return JudgedResamples(each, metrics, kept, known, quantile, times)


def write_resamples(
    path: Path, judged: JudgedResamples, model: LinearNetwork, resampled: LinearNetwork, data: Data
) -> None:
    """Write the weights of the resamples, their predictions, and of many resamples the metrics of each."""
    diverged = resampled.diverged_of(0)
    assert resampled.resamples is not None
    errors = held_out_errors(model, data, resampled.resamples, judged.kept, diverged)
    more = {HELD_OUT_ERROR: errors, ACCELERATION: judged.acceleration, QUANTILE: judged.quantile}
    write_atomic(path / WEIGHTS, resample_weights(resampled, more=more))
    write_atomic(path / OUT_OF_FOLD, out_of_fold(model, data, resampled.resamples, judged.kept, diverged))
    if len(judged.each) > MOST_NAMED:
        write_atomic(path / METRICS, resample_metrics(judged.each))
