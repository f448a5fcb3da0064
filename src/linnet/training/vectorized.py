"""Train many runs at once: K models, one pass over the data for all of them."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress

import torch
from rich.console import Console

from linnet.data.order import MINIBATCHES_PER_CHUNK
from linnet.models import LinearNetwork
from linnet.models.stack import stack
from linnet.system.errors import Diverged
from linnet.system.files import synced_at_once
from linnet.system.garbage_collection import gc_paused
from linnet.system.interrupts import Interrupts
from linnet.tracking.gap import Gap
from linnet.tracking.logger import encode_together
from linnet.tracking.progress import ProgressReport
from linnet.tracking.vectorized import VectorizedCallbacks
from linnet.training.context import TrainingContext, record_status
from linnet.training.divergence import with_stable_rate
from linnet.training.finalize import finalize
from linnet.training.fit import fit, make_trainer

Within = Callable[[TrainingContext], AbstractContextManager[None]]
"""A context in which a job's own log is written to."""


def train_vectorized(jobs: Iterable[TrainingContext], interrupts: Interrupts, console: Console, within: Within) -> None:
    """Train prepared jobs to their ends, each in its own directory, as if each had been alone.

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
                for prepared in jobs:
                    files.callback(prepared.job.directory.close)
                    files.callback(prepared.logger.close)
                    statuses.enter_context(record_status(prepared.job))
                    group.append(prepared)
            if not group:
                return
            together = _fit(group, interrupts, console)
            known = _figures(group, together)
        with synced_at_once(), gc_paused():
            completed = [p for k, p in enumerate(group) if _concludes(p, together.diverged.get(k), known[k], within)]
            encode_together([prepared.logger for prepared in group])
            completed = [prepared for prepared in completed if _closes(prepared, within)]
        with synced_at_once():  # none is said to be completed before its files are on the disk
            for prepared in completed:
                prepared.job.directory.set("completed")


def _fit(group: Sequence[TrainingContext], interrupts: Interrupts, console: Console) -> LinearNetwork:
    first = group[0]
    data, config = first.data, first.job.config
    together = stack([prepared.model for prepared in group])
    together.interrupts = interrupts
    for k, prepared in enumerate(group):
        prepared.checkpoint_callback.k = k
    gaps = [Gap(gap.optimum, k) if (gap := prepared.gap) else None for k, prepared in enumerate(group)]
    directories = [prepared.job.directory for prepared in group]
    callbacks = [
        VectorizedCallbacks([prepared.checkpoint_callback for prepared in group], gaps),
        ProgressReport(directories, console, config["objective"]["metric"]),
    ]
    data.per_chunk = min(MINIBATCHES_PER_CHUNK, first.checkpoint_callback.every_n_steps or MINIBATCHES_PER_CHUNK)
    trainer = make_trainer(config["trainer"], callbacks, first.job.path, logger=[prepared.logger for prepared in group])
    with suppress(Diverged):  # all of them
        fit(trainer, together, data)
    return together


@torch.no_grad()
def _figures(group: Sequence[TrainingContext], together: LinearNetwork) -> list[dict[str, dict[str, float]]]:
    """Give every job's model the weights that it ends with, and find the figures of all at once."""
    for k, prepared in enumerate(group):
        prepared.model.steps_done = together.steps_done
        for name, parameter in prepared.model.named_parameters():
            parameter.copy_(together.get_parameter(name)[k : k + 1])
        prepared.checkpoint_callback.restore_selected(prepared.model)
        for name, parameter in prepared.model.named_parameters():
            together.get_parameter(name)[k : k + 1] = parameter
    group[0].data.move_to(together.weight.device)
    parts = {name: together.evaluate_all(part) for name, part in group[0].data.parts().items()}
    return [{name: figures[k] for name, figures in parts.items()} for k in range(len(group))]


def _concludes(
    prepared: TrainingContext, diverged: Diverged | None, known: dict[str, dict[str, float]], within: Within
) -> bool:
    """Bring a job to its end; whether it completed."""
    try:
        with within(prepared), record_status(prepared.job):
            if diverged is not None:
                prepared.checkpoint_callback.write_best()
                raise with_stable_rate(diverged, prepared.model, prepared.data)
            finalize(prepared, known)
    except Exception:  # recorded by `record_status` in the job's own directory and log
        return False
    return True


def _closes(prepared: TrainingContext, within: Within) -> bool:
    """Write what a job still has to log; whether that went well."""
    try:
        with within(prepared), record_status(prepared.job):
            prepared.logger.close()
    except Exception:  # recorded, as above
        return False
    return True
