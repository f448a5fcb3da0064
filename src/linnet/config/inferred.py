"""Infer task, model and loss from the targets, where the data source leaves them open, and what resampling implies."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from hydra.utils import get_method
from omegaconf import DictConfig, OmegaConf

from linnet.config.check_options import DEFAULTS, declared, options_for
from linnet.config.groups import EXPERIMENT, experiments, read_experiment, shipped
from linnet.config.option_types import accepts, options_of
from linnet.config.own_parts import own_declaration
from linnet.config.project_options import added
from linnet.config.resampled_defaults import resampled_defaults
from linnet.config.skeleton import skeleton


def decides(key: str) -> bool:
    """Return whether other keys, such as model and loss, may follow from the value of this one."""
    group, _, name = key.partition(".")
    return key in (EXPERIMENT, "data", "data.task", "resampling") or (group == "data" and name in _looked_at())


def _looked_at() -> set[str]:
    """Return the options of data sources that say where the targets are."""
    found = {declared(node).infer_task for node in shipped()["data"].values()}
    return {name for function in found if function for name in options_of(skeleton(function))}


def inferred(overrides: Sequence[str], config: DictConfig, looked: MutableMapping[str, str] | None = None) -> list[str]:
    """Return the overrides that follow from others: for model, loss and task from the targets, and from resampling.

    The task is that of the model or loss that overrides or experiment choose, else that of the targets in the files.

    Args:
        overrides: of the command line, some perhaps with many values.
        config: as composed from them, with its `hydra` node.
        looked: where the targets are -> their task, for those that were looked at before.

    Raises:
        InputError: if the targets cannot be read or there are none.
    """
    chosen: Mapping[str, str] = config.hydra.runtime.choices
    data: Any = OmegaConf.to_container(config.data, resolve=True)
    return inferred_of(overrides, chosen, data, looked)


def inferred_of(
    overrides: Sequence[str],
    chosen: Mapping[str, str],
    data: Mapping[str, Any],
    looked: MutableMapping[str, str] | None = None,
) -> list[str]:
    """Return `inferred` of options by group and the resolved `data` node."""
    of_targets = _of_targets(overrides, chosen, data, {} if looked is None else looked)
    return [*of_targets, *resampled_defaults(overrides, chosen, data)]


def _of_targets(
    overrides: Sequence[str], chosen: Mapping[str, str], data: Mapping[str, Any], looked: MutableMapping[str, str]
) -> list[str]:
    """Return the overrides for model, loss and task; none where nothing follows."""
    given = {
        **_named_by_experiment(chosen.get(EXPERIMENT)),
        **dict(text.split("=", 1) for text in overrides if "=" in text),
    }
    declaration = declared(shipped()["data"].get(chosen["data"]) or data)
    look = declaration.infer_task
    if look is None:
        own = chosen["data"] not in shipped()["data"]
        return _follow(declaration.task, given, chosen) if own and declaration.task in DEFAULTS else []
    options = options_for("data", data)
    where = {key: data.get(key) for key in options_of(skeleton(look))}
    if not all(key in data and accepts(options[key].annotation, value) for key, value in where.items()):
        return []
    named = data.get("task")
    if "data.task" in given and named not in DEFAULTS:
        return []
    tasks: set[str] = {named} if named else _tasks(given)
    if not tasks:
        if repr(where) not in looked:
            looked[repr(where)] = get_method(look)(**where)
        tasks.add(looked[repr(where)])
    if len(tasks) > 1 or not tasks <= set(DEFAULTS):
        return []
    (task,) = tasks
    added = _follow(task, given, chosen)
    # Of arrays, numbers of a floating-point type are predicted as such unless something else is said.
    left_open = "task" in data and not named and (declared(data).is_table or task == "classification")
    return [*added, *([f"data.task={task}"] if left_open else [])]


def _follow(task: str, given: Mapping[str, str], chosen: Mapping[str, str]) -> list[str]:
    """Return the overrides for the model and loss of a task that are not chosen yet."""
    return [
        f"{group}={option}"
        for group, option in DEFAULTS[task].items()
        if group not in given and _tasks({group: chosen[group]}) != {task}
    ]


def _named_by_experiment(name: str | None) -> dict[str, str]:
    """Return group -> option of the model and loss that an experiment's defaults list names."""
    folder = experiments().get(name) if name else None
    defaults = read_experiment(folder).get("defaults") if folder else None
    entries = [entry for entry in defaults or [] if isinstance(entry, dict)]
    named = {
        str(key).removeprefix("override").strip(" /"): str(option) for entry in entries for key, option in entry.items()
    }
    return {group: named[group] for group in ("model", "loss") if group in named}


def _tasks(options: Mapping[str, Any]) -> set[str]:
    """Return the tasks of the models and losses among these: group -> option, or options separated by commas."""
    found: set[str] = set()
    for group in ("model", "loss"):
        for name in options[group].split(",") if group in options else ():
            node = shipped()[group].get(name) or added(group).get(name)
            declaration = declared(node) if node else own_declaration(name)
            found.add(declaration.task if declaration else "unknown")
    return found
