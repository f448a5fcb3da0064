"""The check of every component's options against what the component declares."""

from collections.abc import Mapping, Sequence
from inspect import Parameter, isfunction
from typing import Any

from linnet.config.check_hydra import walk
from linnet.config.groups import ADDED, GROUPS, base_of, shipped
from linnet.config.loggers import further, primary
from linnet.config.option_types import accepts, describe, lacks, options_of
from linnet.config.own_parts import GROUPS as OPEN_GROUPS, NAMED, declare, is_own, named_nodes, own_declaration
from linnet.config.run_options import OF_GROUP, OF_LIBRARY, Objective, Run
from linnet.config.skeleton import skeleton
from linnet.config.trust import how_to_trust
from linnet.config.unknown_key import unknown_key
from linnet.system.errors import InputError

DEFAULTS = {
    "classification": {"model": "softmax_regression", "loss": "cross_entropy"},
    "regression": {"model": "linear_regression", "loss": "squared_error"},
}
TARGETS = {"classification": "classes", "regression": "numbers"}


def remedy(task: str) -> str:
    """Return the overrides that choose model and loss for a task."""
    return " ".join(f"{group}={option}" for group, option in DEFAULTS[task].items())


CALLBACKS = ("checkpoint", "early_stopping")
SEVERAL = ("logger", "callbacks")
"""The groups whose options hold components under names of their own."""
Options = Mapping[str, Parameter]


def declared(node: Mapping[str, Any]) -> Any:
    """Return what stands for the component of a node: its stand-in, or linnet's options for a class of a library."""
    target = node["_target_"]
    return own_declaration(target) or OF_LIBRARY.get(target) or skeleton(target)


def is_exact(config: Mapping[str, Any]) -> bool:
    """Return whether a run is solved exactly and not trained."""
    return bool(declared(config["optimizer"]).exact)


def options_for(group: str, node: Mapping[str, Any]) -> Options:
    """Return the options that a node of this group may set: those of its component, and the group's."""
    return {**options_of(declared(node)), **(options_of(OF_GROUP[group]) if group in OF_GROUP else {})}


def check_options(config: dict[str, Any]) -> None:
    """Check that every `_target_` stands where linnet looks for one and is shipped there, and all keys and values.

    Raises:
        InputError: for the first that is not as declared.
    """
    places = _places(config)
    for path, (node, twins) in places.items():
        _check_target(path, node, twins)
    for path, key, value in walk(config):
        if key.startswith("_") and path.removesuffix("._target_") not in places:
            raise InputError(f"{path}={value}: a key that builds objects is not allowed here")
    run = {key: value for key, value in config.items() if key not in (*GROUPS, *NAMED, "objective")}
    for path, node, declaration in (("", run, Run), ("objective", config.get("objective"), Objective)):
        if not isinstance(node, dict):
            raise InputError(f"{path}={node}: expected {', '.join(options_of(declaration))}")
        options = options_of(declaration)
        _check_keys(path, node, set(options), options)
        _check_values(path, node, options)
    for key in config.get("callbacks") or {}:
        if f"callbacks.{key}" not in places and key not in CALLBACKS:
            raise InputError(unknown_key(f"callbacks.{key}", [f"callbacks.{name}" for name in CALLBACKS]))
    for path, (node, _) in places.items():
        _check_values(path, node, options_for(path.partition(".")[0], node))


def nodes(group: str, option: str) -> list[tuple[str, dict[str, Any]]]:
    """Return (path, node) of each component that a shipped option chooses: one, or several callbacks or loggers."""
    return component_nodes(group, shipped()[group][option])


def component_nodes(group: str, found: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return (path, node) of each component in the node of an option, as `nodes`."""
    if group not in SEVERAL:
        return [(group, dict(found))]
    first = [("logger", base_of("logger") | primary(dict(found)))] if group == "logger" else []
    return first + [(f"{group}.{name}", node) for name, node in found.items() if isinstance(node, dict)]


def _places(config: dict[str, Any]) -> dict[str, tuple[Any, list[dict[str, Any]]]]:
    """Return path -> (node, shipped nodes that it may repeat) of each place that may hold a `_target_`."""
    places = {group: (config.get(group), list(shipped()[group].values())) for group in GROUPS
              if group not in SEVERAL and (group in config or group not in ADDED)}  # fmt: skip
    places["logger"] = (primary(config.get("logger")), [base_of("logger")])
    for name, node in further(config).items():
        places[f"logger.{name}"] = (node, [option[name] for option in shipped()["logger"].values() if name in option])
    given = config.get("callbacks") or {}
    if not isinstance(given, dict):
        raise InputError(f"callbacks={given}: expected {', '.join(CALLBACKS)}")
    for name in CALLBACKS:
        if given.get(name) is not None or name == "checkpoint":
            twins = [option[name] for option in shipped()["callbacks"].values() if option.get(name)]
            places[f"callbacks.{name}"] = (given.get(name), twins)
    for name, node in given.items():
        if name not in CALLBACKS and isinstance(node, dict) and "_target_" in node:
            places[f"callbacks.{name}"] = (node, [])
    for group in NAMED:
        places |= {f"{group}.{name}": (node, []) for name, node in named_nodes(config, group).items()}
    return places


def _check_target(path: str, node: Any, twins: Sequence[Mapping[str, Any]]) -> None:
    group = path.partition(".")[0]
    if not isinstance(node, dict) or "_target_" not in node:
        raise InputError(f"{path}={node}: expected one of the options of {group}")
    target = node["_target_"]
    if target not in [twin["_target_"] for twin in twins]:
        if not is_own(target):
            open_to_others = group in OPEN_GROUPS and isinstance(target, str) and not target.startswith("linnet.")
            remedy = f", {how_to_trust(target)}" if open_to_others else ""
            raise InputError(f"{path}._target_={target}: not on the list of callables that linnet runs{remedy}")
        declare(group, target)
        known = set(options_for(group, node))
    else:
        known = {key for twin in twins if twin["_target_"] == target for key in twin if key != "_target_"}
    declaration = declared(node)
    may_lack = isfunction(declaration) or declaration in OF_LIBRARY.values()
    _check_keys(path, node, known, options_for(group, node) if may_lack else {})


def _check_keys(path: str, node: Mapping[str, Any], known: set[str], optional: Options) -> None:
    """Check that a node has all keys and no others.

    optional: an option with a default may be missing among these: data sources, trainers and runs gain options, which
    recorded configurations of before do not have.
    """
    for key, value in node.items():
        if key not in known and key != "_target_":
            leaf = [key, *(path for path, _, below in walk(value, key) if not isinstance(below, dict))][-1]
            raise InputError(unknown_key(_join(path, leaf), [_join(path, name) for name in sorted(known)]))
    for key in sorted(known):
        has_default = key in optional and optional[key].default is not Parameter.empty
        if key not in node and not has_default:
            raise InputError(f"{_join(path, key)} is missing: do not delete it, set it")


def _check_values(path: str, node: Mapping[str, Any], options: Options) -> None:
    for key, value in node.items():
        if key == "_target_":
            continue
        annotation = options[key].annotation
        if not accepts(annotation, value):
            raise InputError(f"{_join(path, key)}={value}: expected {describe(annotation)}, got {_kind(value)}")
        need = lacks(annotation, value, node)
        if need:
            raise InputError(
                f"{_join(path, key)}=true needs {_join(path, need.option)} above 0, for example {need.example}"
            )


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _kind(value: Any) -> str:
    return f"the text '{value}'" if isinstance(value, str) else "null" if value is None else f"{value}"
