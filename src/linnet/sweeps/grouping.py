"""Group jobs of a sweep that can be trained in one pass over the data; give the reason for the others."""

import os
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from linnet.config.check_options import CALLBACKS, declared
from linnet.config.compose import flat
from linnet.config.loggers import further
from linnet.config.own_parts import is_own

Item = TypeVar("Item")

OF_EACH = ("seed", "name", "tags", "notes", "figures", "optimum", "objective.metric", "objective.direction")
"""Keys in which models that share batches may differ, besides the schedule, and numbers of optimizer and penalty."""
OF_EACH_MODEL = ("model.init", "model.init_std", "model.init_seed", "init_from")
NUMBERS_OF = ("optimizer", "penalty")
FILES_A_JOB = 4
"""Open at once: lock, log, history, events."""
COPIES = 12
"""Of a model's parameters and of its predictions of a batch: gradients, moments, scratch memory, the best state."""


def reason_alone(config: Mapping[str, Any]) -> str | None:
    """Return why a job can only be trained alone; None if it can join a group."""
    optimizer = declared(config["optimizer"])
    if optimizer.exact:
        return "optimizer=exact trains nothing"
    if not optimizer.trains_many:
        return "the optimizers of torch take one number for all models"
    if config["callbacks"]["early_stopping"]:
        return "callbacks=early_stopping ends each run at its own epoch"
    if config["callbacks"].keys() - set(CALLBACKS):
        return "callbacks of other modules are for one run"
    if others := further(config):
        return f"logger={','.join(others)} logs one run at a time"
    loss = config["loss"]["_target_"]
    if is_own(loss) and not getattr(declared(config["loss"]), "trains_many", False):
        return f"{loss} does not say trains_many = True, that its value may be mapped over models"
    for key in ("max_time", "profiler"):
        if config["trainer"].get(key):
            return f"trainer.{key} measures one run"
    if config["trainer"]["strategy"] == "ddp":
        return "trainer=ddp divides one model among processes"
    return None


def common(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys and values that jobs must share to be trained in one group."""
    return {key: value for key, value in flat(config).items() if not _may_differ(key, value)}


def _may_differ(key: str, value: Any) -> bool:
    if key in OF_EACH or key in OF_EACH_MODEL or key.startswith("schedule."):
        return True
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and key.partition(".")[0] in NUMBERS_OF


def group(jobs: Sequence[tuple[Item, Mapping[str, Any]]]) -> tuple[list[list[Item]], list[tuple[Item, str]]]:
    """Return (groups of at least two jobs that can be trained together, other jobs with the reason).

    Args:
        jobs: each with its resolved configuration.
    """
    shared: list[tuple[dict[str, Any], list[Item]]] = []
    alone = []
    for job, config in jobs:
        reason = reason_alone(config)
        if reason is not None:
            alone.append((job, reason))
            continue
        wanted = common(config)
        for found, members in shared:
            if found == wanted:
                members.append(job)
                break
        else:
            shared.append((wanted, [job]))
    everything = [found for found, _ in shared]
    for found, members in shared:
        if len(members) == 1:
            alone.append((members[0], _difference(found, [other for other in everything if other is not found])))
    return [members for _, members in shared if len(members) > 1], alone


def _difference(own: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> str:
    """Describe the difference between a job and the most similar other job."""
    if not others:
        return "there is no other job"
    apart = [[key for key in {**own, **other} if own.get(key) != other.get(key)] for other in others]
    keys = min(apart, key=len)
    return f"no other job shares its {', '.join(f'{key}={own[key]}' for key in keys if key in own) or keys[0]}"


def largest_group(
    n_outputs: int, n_features: int, batch_size: int, item: int, limit: int, processes: int = 1, n_models: int = 1
) -> int:
    """Return how many jobs fit into half of the free memory and the limit of open files.

    Args:
        n_outputs, n_features: C and D.
        batch_size: B.
        item: bytes of a number.
        limit: not more than that.
        processes: that share the memory.
        n_models: of each job, those of its resamples among them.
    """
    from linnet.models.linear_map import EVALUATION_ROWS  # late, since it imports torch

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, limit * FILES_A_JOB + 256) if hard != resource.RLIM_INFINITY else limit * FILES_A_JOB + 256
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    each = n_models * COPIES * item * n_outputs * (n_features + 1 + max(batch_size, EVALUATION_ROWS))
    return max(1, min(limit, (soft - 256) // FILES_A_JOB, available_memory() // 2 // each // processes))


def available_memory() -> int:
    """Return the bytes available without swapping."""
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # another system
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
