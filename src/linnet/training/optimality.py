"""Solve a run's training problem exactly before it trains, where that is affordable, and report what it means."""

import hashlib
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from linnet.config.check_options import is_exact
from linnet.data import Data
from linnet.losses import Loss, SquaredError, TorchSquaredError
from linnet.models import LinearNetwork
from linnet.penalties import Penalty
from linnet.solvers.cache import kept, kept_in_memory
from linnet.solvers.convex_losses import is_known
from linnet.solvers.cost import solve_seconds, training_seconds
from linnet.solvers.inference import inference, prediction_errors, withheld
from linnet.solvers.least_squares.least_squares import least_squares
from linnet.solvers.optimum import Optimum
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.solvers.relative import Rows, loss_of_zeros, solve_relative
from linnet.solvers.smoothness import curvature
from linnet.solvers.solve import CPU
from linnet.system.errors import InputError
from linnet.tracking.weights import load_optimum
from linnet.training.components import dtype_of
from linnet.training.optimality_report import NEGLIGIBLE, reached, report, report_cheap_curvature
from linnet.training.solver_device import solver_device

log = logging.getLogger(__name__)

TOLERANCE = 1e-8
"""Bound to reach, relative to the objective of predicting nothing (of targets about their mean)."""
EXACT_TOLERANCE = 1e-12
"""The same where the optimum is the result: a bound of ε allows errors of coefficients of the order of √ε."""
SOLVED = 1e-2
"""Bound beyond which an optimum counts as not solved, relative to the objective."""
MOST_COEFFICIENTS = 1000
"""Coefficients per output beyond which errors of predictions are not kept: they take the square of it in the file."""
NOT_OF_THE_PROBLEM = ("batch_size", "root", "download", "max_memory_mb")
"""Keys of `data` that change no example."""


def analyse_problem(
    config: Mapping[str, Any], data: Data, model: LinearNetwork, *, keep: bool = True
) -> ProblemAnalysis | None:
    """Return the analysis of a run's training problem, or None if it is not asked for or would cost more than training.

    Args:
        config: of the run; `optimum` says whether.
        data, model: of the run, before training.
        keep: whether the analysis is kept for further runs on this machine.

    Raises:
        InputError: `optimizer=exact`, and there is no optimum or none can be found.
    """
    exact = is_exact(config)
    if exact and data.overfit_batches:
        raise InputError("optimizer=exact solves for all training examples: it needs trainer.overfit_batches=0")
    if exact and data.train.streamed:
        raise InputError(
            "optimizer=exact needs all training examples in memory: use a data.max_memory_mb that they fit into, "
            "or optimizer=sgd"
        )
    if not exact:
        reason = _why_not(config, data, model)
        if reason is not None:
            if reason:
                log.info(f"best possible objective: not looked for, {reason}")
                report_cheap_curvature(data, model)
            return None
    folder = Path(os.environ.get("LINNET_DATA") or "~/.cache/linnet").expanduser() / "optimum"
    try:
        problem, tolerance = _problem(config, data, model), _tolerance(config)
        device = solver_device(config, data, model)
        if device.type != "cpu":
            problem["device"] = torch.cuda.get_device_name(device)
        solved_now = partial(find, data, model, tolerance, intervals=exact, device=device)
        analysis = kept(folder, problem, solved_now)[0] if keep else kept_in_memory(folder, problem, solved_now)
    except (ValueError, RuntimeError, MemoryError) as error:  # a run does without, unless it is all that it is for
        if exact:
            raise InputError(f"optimizer=exact: {error}") from error
        log.warning(f"best possible objective: not found: {' '.join(str(error).split())}")
        return None
    if exact and not analysis.optimum.attained:
        raise InputError(
            f"optimizer=exact: no finite optimum exists ({analysis.optimum.certificate}): use penalty=l2, or another "
            f"optimizer"
        )
    solved = not analysis.optimum.attained or _is_solved(analysis.optimum, model, data)
    if exact and not solved:
        raise InputError(
            f"optimizer=exact: not solved, {reached(analysis.optimum)}: use another penalty or optimizer, or leave "
            f"out columns of extreme values"
        )
    report(analysis, model, data, solved=solved, exact=exact)
    return analysis


def origin_of(data: Data, n_features: int) -> Tensor:
    """Return what was subtracted from the features, `[D]`, in their present units."""
    if data.scaling is None:
        return torch.zeros(n_features, dtype=torch.float64)
    return data.scaling.mean / data.scaling.deviation


def _is_solved(optimum: Optimum, model: LinearNetwork, data: Data) -> bool:
    """Return whether the bound is small enough to call the problem solved."""
    size = max(abs(optimum.objective), abs(optimum.lower))
    return optimum.suboptimality_bound <= SOLVED * size or optimum.suboptimality_bound <= 1e-6 * loss_of_zeros(
        data.train_in_float64, model.loss, model.weight.shape[1]
    )


def _tolerance(config: Mapping[str, Any]) -> float:
    return EXACT_TOLERANCE if is_exact(config) else TOLERANCE


def find(
    data: Data, model: LinearNetwork, tolerance: float = TOLERANCE, *, intervals: bool = False,
    device: torch.device = CPU,
) -> ProblemAnalysis:  # fmt: skip
    """Solve the training problem.

    Args:
        data, model: of the run.
        tolerance: relative, as above.
        intervals: whether errors of predictions are added where they are known.
        device: where softmax with l2 is solved.

    Raises:
        ValueError: it cannot be solved.
    """
    bias, n_outputs = model.bias is not None, model.weight.shape[1]
    if device.type != "cpu" and data.resamples is None:
        data.move_to(device)  # where the run evaluates it, too
    train = data.train_in_float64
    x, y, weight = train.x, train.y, train.weight
    optimum = solve_relative(
        Rows(x, y, weight), model.loss, model.penalty, bias=bias, tolerance=tolerance, n_outputs=n_outputs,
        origin=origin_of(data, x.shape[1]), device=device,
    )  # fmt: skip
    curved = curvature(x, model.loss, model.penalty, bias=bias, sample_weight=weight)
    analysis = ProblemAnalysis(optimum, curved, {})
    if isinstance(model.loss, (SquaredError, TorchSquaredError)) and not model.penalty.l1:
        return _with_inference(analysis, data, model, intervals=intervals)
    return analysis


def _with_inference(analysis: ProblemAnalysis, data: Data, model: LinearNetwork, *, intervals: bool) -> ProblemAnalysis:
    """Add metrics of classical inference, coefficients and standard errors, or the reason that there are none.

    They are of features as they were read: standardisation would round them once more, and without a penalty it
    changes no prediction.
    """
    if float(model.penalty.l2) != 0:
        return analysis
    train, bias = data.train_as_read, model.bias is not None
    fit = least_squares(train.x, train.y, bias=bias, sample_weight=train.weight)
    reason = withheld(fit, data.feature_names)
    if reason is not None:
        return replace(analysis, withheld=reason)
    found = inference(fit, feature_names=data.feature_names)
    table = (torch.from_numpy(part) for part in (found.coefficients, found.std_errors))
    coefficients, errors = (part if bias else torch.nn.functional.pad(part, (1, 0)) for part in table)
    analysis = replace(analysis, statistics=found.metrics(), coefficients=(coefficients, errors))
    if not intervals:
        return analysis
    if train.weight is not None:
        return replace(analysis, no_intervals="its examples have weights, which new rows do not have")
    if fit.n_coefficients > MOST_COEFFICIENTS:
        reason = f"it has {fit.n_coefficients} coefficients, and keeps what intervals need up to {MOST_COEFFICIENTS}"
        return replace(analysis, no_intervals=reason)
    return replace(analysis, errors=prediction_errors(fit, train.x.double().mean(dim=0).numpy()))


def metrics(analysis: ProblemAnalysis) -> dict[str, float]:
    """Return the metrics of the analysis itself; none where there is no finite optimum."""
    optimum = analysis.optimum
    if not optimum.attained:
        return {}
    return {"optimum/loss": optimum.objective, "optimum/bound": optimum.suboptimality_bound, **analysis.statistics}


def load(run: Path) -> ProblemAnalysis | None:
    """Return the analysis that a run directory holds, if any."""
    return load_optimum(run, ProblemAnalysis.from_bytes)


def _why_not(config: Mapping[str, Any], data: Data, model: LinearNetwork) -> str | None:
    """Return why the optimum is skipped, empty if it was not asked for, or None if it will be computed."""
    mode = config["optimum"]
    if mode in (False, "off"):
        return ""
    if not is_known(model.loss):
        return f"there is no exact solver for {_class_name(model.loss)}"
    if not model.penalty.is_elastic_net:
        return f"there is no exact solver for {_class_name(model.penalty)}"
    if data.overfit_batches:
        return "trainer.overfit_batches trains on other examples"
    if data.train.streamed:
        return "the training examples are not all in memory"
    if mode == "always":
        return None
    n, d = len(data.train), data.train.n_features
    c = model.weight.shape[1]
    solving = solve_seconds(n, d, c, model.loss, model.penalty)
    training = training_seconds(n, d, c, data.batch_size, data.length(config["trainer"]["max_epochs"]))
    if solving <= max(training, NEGLIGIBLE):
        return None
    return f"it would take about {solving:.1g} s, training {training:.1g} s (optimum=always looks for it once)"


def _class_name(part: Loss | Penalty) -> str:
    """Return the name of the class of a loss or penalty, not of the adapter of one of another module."""
    return type(getattr(part, "part", part)).__name__


def _problem(config: Mapping[str, Any], data: Data, model: LinearNetwork) -> dict[str, Any]:
    """Return everything that the analysis depends on bit for bit: the key of its cache."""
    weight = data.train.weight
    return {
        "data": {key: value for key, value in config["data"].items() if key not in NOT_OF_THE_PROBLEM},
        "checksum": data.source.checksum,
        # Not in the checksum, and not only the configuration's where a source estimates them.
        "weights": None if weight is None else hashlib.sha256(weight.cpu().numpy().tobytes()).hexdigest(),
        "loss": dict(config["loss"]),
        "penalty": dict(config["penalty"]),
        "bias": model.bias is not None,
        "n_outputs": model.weight.shape[1],
        "dtype": dtype_of(config),
        "tolerance": _tolerance(config),
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "version": 10,  # of the solvers: raise it when they change
    }
