"""What `data=table` leaves open: task, model and loss, which follow from what the table's target holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from linnet.config.groups import shipped
from linnet.config.rules import RULES
from linnet.config.tasks import CLASSIFICATION

DEFAULTS = {
    "classification": {"model": "softmax_regression", "loss": "cross_entropy"},
    "regression": {"model": "linear_regression", "loss": "squared_error"},
}
TABLE = "data=table"


def inferred(overrides: Sequence[str], config: DictConfig) -> list[str]:
    """The overrides to add, so that a run with `data=table` says all that it is; none where nothing follows.

    The task is that of the model or loss that the overrides name, else that of the target, which is looked at.

    Args:
        overrides: of the command line, some perhaps with many values.
        config: as composed from them, with its `hydra` node.

    Raises:
        InputError: if the table cannot be read or has no such target.
    """
    data: Any = OmegaConf.to_container(config.data, resolve=True) if TABLE in overrides else {}
    keys = ("path", "target", "delimiter", "encoding")
    if not data or not all(RULES[f"data.{key}"].accepts(data[key]) for key in keys):
        return []
    given = dict(text.split("=", 1) for text in overrides if "=" in text)
    if "data.task" in given and data["task"] not in DEFAULTS:
        return []
    tasks: set[str] = {data["task"]} if data["task"] else _tasks(given)
    if not tasks:
        from linnet.data.table.target import infer_task

        tasks.add(infer_task(*(data[key] for key in keys)))
    if len(tasks) > 1 or not tasks <= set(DEFAULTS):
        return []
    (task,) = tasks
    chosen: Mapping[str, str] = config.hydra.runtime.choices
    added = [
        f"{group}={option}"
        for group, option in DEFAULTS[task].items()
        if group not in given and _tasks({group: chosen[group]}) != {task}
    ]
    return [*added, *([] if data["task"] else [f"data.task={task}"])]


def _tasks(options: Mapping[str, Any]) -> set[str]:
    """The tasks of the models and losses among these, given as group -> option, or options separated by commas."""
    found: set[str] = set()
    for group in ("model", "loss"):
        for name in options[group].split(",") if group in options else ():
            node = shipped()[group].get(name)
            task = "classification" if node and node["_target_"] in CLASSIFICATION else "regression"
            found.add(task if node else "unknown")
    return found
