"""Carry out one run without files: the weights, metrics and curves of a tracked run, bit for bit."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from linnet.config.check_options import is_exact
from linnet.config.loggers import further
from linnet.models import LinearNetwork
from linnet.system import threads
from linnet.system.errors import InputError
from linnet.system.interrupts import Interrupts
from linnet.system.sanitize import printable
from linnet.system.terminal import Terminal
from linnet.tracking.history import logged
from linnet.tracking.report import print_metrics
from linnet.training import optimality
from linnet.training.components import build_data, build_model
from linnet.training.description import describe
from linnet.training.device import refuse_missing_gpu
from linnet.training.evaluate import evaluate_parts
from linnet.training.finalize import FinishedRun
from linnet.training.fold_optima import solve_resamples
from linnet.training.initial_weights import set_final_weights
from linnet.training.judged_resamples import judge_resamples
from linnet.training.loop import loop_options, train_loop
from linnet.training.resampled import (
    take_final,
    with_resamples,
)
from linnet.training.setup import check_objective

log = logging.getLogger(__name__)


def run_untracked(config: Mapping[str, Any], choices: Mapping[str, Any], *, quiet: bool = False) -> FinishedRun:
    """Train one model in memory.

    Args:
        config: checked, and resolved to plain containers.
        choices: config group -> chosen option.
        quiet: print nothing.

    Raises:
        InputError: as of a tracked run, or the configuration asks for what writes files.
        Diverged: the loss became infinite or NaN, or has grown a thousandfold.
        Interrupted: on a signal.
    """
    started = time.monotonic()
    loggers = further(config)
    if loggers:
        raise InputError(f"logger={','.join(loggers)} needs a tracked run, leave out tracked=False")
    options = loop_options(config)
    with Interrupts() as interrupts:
        torch.set_num_threads(config["threads"] or threads.available())
        refuse_missing_gpu(config["trainer"])
        data = build_data(config)
        model = build_model(config, data)
        model.interrupts = interrupts
        if config.get("init_from"):
            set_final_weights(model, data, Path(config["init_from"]))
        check_objective(config, data, model)
        log.info(printable(describe(choices, config, data, None)))
        analysis = optimality.analyse_problem(config, data, model, keep=False)
        if is_exact(config) and analysis is not None:
            model.solution = analysis.optimum.weight, analysis.optimum.bias
        resampled, solved = with_resamples(model, data), {}
        if resampled is not None and model.solution is not None:
            solved = solve_resamples(resampled, data, model.solution)
        optimum = analysis.optimum if analysis and analysis.optimum.attained else None
        result = train_loop(resampled or model, data, options, optimum)
        interrupts.raise_if_any()
        if resampled is not None:
            take_final(model, resampled)
        model.trained_on = (resampled or model).trained_on
        metrics, predictions = evaluate_parts(model, data, analysis, keep=resampled is not None)
        if resampled is not None:
            judged = judge_resamples(model, resampled, data, analysis, config, predictions.get("test"))
            metrics |= judged.metrics | solved
    if not quiet:
        _print(model, metrics, result.kept_epoch, result.epochs, time.monotonic() - started)
    return FinishedRun(None, metrics, logged(result.history), model, data, analysis, config, choices)


def _print(model: LinearNetwork, metrics: Mapping[str, float], kept: int, epochs: int, seconds: float) -> None:
    chosen = f"kept epoch {kept} of {epochs}" if model.solution is None else "kept the exact optimum"
    print_metrics(Terminal(), metrics, f"{chosen} ({seconds:.1f} s)")
