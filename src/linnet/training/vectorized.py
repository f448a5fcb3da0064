"""Train many runs at once: K models, one pass over the data for all of them."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial

import torch
from rich.console import Console

from linnet.data.order import MINIBATCHES_PER_CHUNK
from linnet.models import LinearNetwork
from linnet.system.errors import Diverged
from linnet.system.files import synced_at_once
from linnet.system.garbage_collection import gc_paused
from linnet.system.interrupts import Interrupts
from linnet.tracking.gap import Gap
from linnet.tracking.progress import ProgressReport
from linnet.tracking.vectorized import VectorizedCallbacks
from linnet.training.context import TrainingContext, record_status
from linnet.training.device import accelerator
from linnet.training.divergence import with_stable_rate
from linnet.training.evaluate import where_trained
from linnet.training.finalize import finalize
from linnet.training.fit import make_trainer, run_trainer
from linnet.training.stacking import stack

Within = Callable[[TrainingContext], AbstractContextManager[None]]
"""A context in which a job's own log is written to."""


def train_vectorized(jobs: Iterable[TrainingContext], interrupts: Interrupts, console: Console, within: Within) -> None:
    """Train context jobs to their ends, each in its own directory, as if each had been alone.

    A model that diverges ends as its run would have; the others are not touched by it. Directories are closed.

    Args:
        jobs: alike in all that `linnet.sweeps.grouping` demands, and sharing their data; taken one by one.
        interrupts: of the process.
        console: for the progress bar.
        within: given a job, the context for what is logged about it.
    """
    group: list[TrainingContext] = []
    with ExitStack() as files:
        with ExitStack() as statuses:  # what stops the training stops all
            with gc_paused():
                for context in jobs:
                    files.callback(context.request.directory.close)
                    files.callback(context.logger.close)
                    statuses.enter_context(record_status(context.request))
                    group.append(context)
            if not group:
                return
            batched = _fit(group, interrupts, console)
            known = _evaluate(group, batched)
        with synced_at_once(), gc_paused():
            completed = [
                context
                for k, context in enumerate(group)
                if _succeeds(partial(_finalize, context, batched.diverged.get(k), known[k]), context, within)
            ]
            completed = [context for context in completed if _succeeds(context.logger.close, context, within)]
        with synced_at_once():  # none is said to be completed before its files are on the disk
            for context in completed:
                context.request.directory.set("completed")


def _fit(group: Sequence[TrainingContext], interrupts: Interrupts, console: Console) -> LinearNetwork:
    first = group[0]
    data, config = first.data, first.request.config
    batched = stack([context.trained for context in group])
    if first.resampled is not None and first.resampled.resamples is not None:
        batched.resample(first.resampled.resamples, first.resampled.maps)
    batched.interrupts, batched.clip = interrupts, first.model.clip
    for k, context in enumerate(group):
        context.checkpoint_callback.k = k
    gaps = [Gap(gap.optimum, k) if (gap := context.gap) else None for k, context in enumerate(group)]
    directories = [context.request.directory for context in group]
    callbacks = [
        VectorizedCallbacks([context.checkpoint_callback for context in group], gaps),
        ProgressReport(directories, console, first.metric),
    ]
    data.per_chunk = min(MINIBATCHES_PER_CHUNK, first.checkpoint_callback.every_n_steps or MINIBATCHES_PER_CHUNK)
    options = {**config["trainer"], "accelerator": accelerator(config["trainer"], batched, data)}
    loggers = [context.logger for context in group]
    trainer = make_trainer(options, data, callbacks, first.request.path, logger=loggers)
    with suppress(Diverged):  # all of them
        run_trainer(trainer, batched, data)
    return batched


@torch.no_grad()
def _evaluate(group: Sequence[TrainingContext], batched: LinearNetwork) -> list[dict[str, dict[str, float]]]:
    """Give every job's model the weights that it ends with, and evaluate all at once."""
    for k, context in enumerate(group):
        models, trained = batched.models_of(k), context.trained
        context.model.steps_done = trained.steps_done = batched.steps_done
        for name, parameter in trained.named_parameters():
            parameter.copy_(batched.get_parameter(name)[models])
        context.checkpoint_callback.restore_selected(trained)
        trained.diverged_resamples = batched.diverged_of(k)
        for name, parameter in trained.named_parameters():
            batched.get_parameter(name)[models] = parameter
    data = group[0].data
    with where_trained(batched, data):
        splits = {name: batched.evaluate_all(split, models=batched.final) for name, split in data.splits().items()}
    return [{name: metrics[k] for name, metrics in splits.items()} for k in range(len(group))]


def _finalize(context: TrainingContext, diverged: Diverged | None, known: dict[str, dict[str, float]]) -> None:
    if diverged is not None:
        context.checkpoint_callback.write_best()
        raise with_stable_rate(diverged, context.model, context.data)
    finalize(context, known)


def _succeeds(step: Callable[[], object], context: TrainingContext, within: Within) -> bool:
    """Carry out a step of one run; return whether that succeeded."""
    try:
        with within(context), record_status(context.request):
            step()
    except Exception:  # recorded by `record_status` in the job's own directory and log
        return False
    return True
