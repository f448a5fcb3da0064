"""Parts of trusted modules as options of the config groups: `loss=my_parts.Asymmetric loss.alpha=0.3`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from inspect import Parameter, Signature, isclass, signature
from types import UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from hydra.core.config_store import ConfigStore

from linnet.config.data_source import data_source
from linnet.config.direction import NEITHER, known_direction
from linnet.config.groups import base_of
from linnet.config.option_types import Positive
from linnet.config.trust import TORCH_OPTIM, is_trusted, source_of, trust_object, trusted_object
from linnet.system.errors import InputError

CALLBACK = "pytorch_lightning.callbacks.callback.Callback"
BASES = {
    "loss": "linnet.losses.loss.Loss", "optimizer": "linnet.optimizers.optimizer.Optimizer",
    "penalty": "linnet.penalties.Penalty", "schedule": "linnet.schedules.Schedule",
}  # fmt: skip
"""Group -> linnet's class, whose subclasses are used as they are; of others an adapter makes one."""
CHOSEN = ("data", *BASES)
"""The groups whose option may be a part of another module."""
NAMED = ("metric", "figure")
"""What only other modules have, each part under a name of its own: `+metric.mape._target_=my_parts.MAPE`."""
GROUPS = (*CHOSEN, "callbacks", *NAMED)
TORCH_OPTIMIZER = "torch.optim.optimizer.Optimizer"
DIRECTIONS = ("minimize", "maximize")
TASKS = ("regression", "classification")
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


def register(overrides: Sequence[str]) -> None:
    """Make the trusted parts that these overrides choose options of their groups.

    Raises:
        InputError: a part is not trusted, is not there, or is no part of its group.
    """
    for text in overrides:
        group, _, values = text.lstrip("+").partition("=")
        for name in map(str.strip, values.split(",") if group in CHOSEN else ()):
            if DOTTED.fullmatch(name):
                ConfigStore.instance().store(group=group, name=name, node=own_node(group, name), provider="linnet")


def given_parts(parts: Mapping[str, Any]) -> list[str]:
    """Trust parts that were given as objects, and return the overrides that choose them.

    Args:
        parts: group -> class or function; of callbacks, metric and figure name -> class.

    Raises:
        InputError: there is no such group, or it is no class or function.
    """
    overrides = []
    for group, given in parts.items():
        if group in CHOSEN:
            overrides.append(f"{group}={trust_object(given)}")
        elif group in GROUPS and isinstance(given, Mapping):
            overrides += [f"+{group}.{name}._target_={trust_object(part)}" for name, part in given.items()]
        else:
            form = f"a dictionary {group}={{name: class}}" if group in GROUPS else f"one of {', '.join(GROUPS)}"
            raise InputError(f"{group}: expected {form}")
    if parts:
        _declared.cache_clear()  # a class may have been defined again, as in a notebook
    return overrides


def kind_of(target: str) -> str:
    """Return the group that a trusted part fits."""
    return _declared(target)[0]


def is_own(target: object) -> bool:
    """Return whether a `_target_` is in a trusted module, and not linnet's."""
    return isinstance(target, str) and not target.startswith("linnet.") and is_trusted(target)


def own_sources(config: Mapping[str, Any]) -> dict[str, dict[str, str | None]]:
    """Return `_target_` -> module, version and hash of the source of each trusted part of a checked configuration."""
    named = [node for group in NAMED for node in named_nodes(config, group).values()]
    nodes = [*(config[group] for group in CHOSEN), *filter(None, config["callbacks"].values()), *named]
    return {node["_target_"]: source_of(node["_target_"]) for node in nodes if is_own(node["_target_"])}


def named_nodes(config: Mapping[str, Any], group: str) -> Mapping[str, Any]:
    """Return name -> node of the metrics or figures of a configuration.

    Raises:
        InputError: there is something else.
    """
    given = config.get(group) or {}
    if not isinstance(given, Mapping):
        raise InputError(f"{group}={given}: expected +{group}.NAME._target_=…")
    for name in given:
        if not re.fullmatch(r"[A-Za-z]\w*", str(name)):
            raise InputError(f"{group}.{name}: a name has letters, digits and underscores")
        if group == "metric" and (name == "loss" or known_direction(f"val/{name}") or name in NEITHER):
            raise InputError(f"metric.{name}: linnet has a metric of that name, use another one")
    return cast(Mapping[str, Any], given)


def own_direction(config: Mapping[str, Any]) -> list[str]:
    """Return the override that states the direction of an objective that is a metric of another module, if it is."""
    named, objective = named_nodes(config, "metric"), config.get("objective")
    if not named or not isinstance(objective, Mapping) or objective.get("direction") is not None:
        return []
    node = named.get(str(objective.get("metric")).partition("/")[2])
    if not isinstance(node, Mapping) or "_target_" not in node:
        return []
    return [f"objective.direction={declare('metric', node['_target_']).direction}"]


def own_node(group: str, target: str) -> dict[str, Any]:
    """Return the node of a trusted part: `_target_`, and its options with their defaults, "???" where there is none."""
    options = signature(declare(group, target)).parameters
    defaults = {name: "???" if o.default is Parameter.empty else o.default for name, o in options.items()}
    return {**base_of(group), "_target_": target, **defaults}


def own_declaration(target: str) -> Any:
    """Return what stands for the part of a trusted module; None for another `_target_`."""
    return _declared(target)[1] if is_own(target) else None


def declare(group: str, target: str) -> Any:
    """Return what stands for a trusted part, as `linnet.config.skeleton` does for linnet's: its options and abilities.

    Raises:
        InputError: it is not trusted, or no part of this group.
    """
    kind, found = _declared(target)
    if kind != group:
        what = {
            "loss": "a loss is a class with value(prediction, target)",
            "penalty": "a penalty is a class with value(weight)",
            "metric": 'a metric is a class with value(prediction, target), and direction = "minimize" or "maximize"',
            "figure": "a figure is a class with draw(run)",
            "optimizer": f"an optimizer is a class of {TORCH_OPTIM}.Optimizer, or of linnet's Optimizer",
            "schedule": "a schedule is a class with factor(steps, steps_per_epoch, max_epochs)",
            "data": "a data source is a function that returns examples",
            "callbacks": "a callback is a class of pytorch_lightning.Callback",
        }
        raise InputError(f"{group}={target}: {what[group]}")
    return found


@cache
def _declared(target: str) -> tuple[str, Any]:
    """Return the group that a trusted part fits, and what stands for it."""
    part = trusted_object(target)
    bases = {f"{base.__module__}.{base.__qualname__}" for base in part.__mro__} if isclass(part) else set()
    if target.startswith(f"{TORCH_OPTIM}.") and TORCH_OPTIMIZER not in bases:
        return "", None  # that module is trusted for its optimizers only
    for group, base in BASES.items():
        if base in bases:
            return group, part
    if not isclass(part):
        return "data", _stand_in("data", part)
    if CALLBACK in bases:
        return "callbacks", _stand_in("callbacks", part)
    if TORCH_OPTIMIZER in bases:
        return "optimizer", _stand_in("optimizer", part)
    if callable(getattr(part, "factor", None)):
        return "schedule", _stand_in("schedule", part)
    if callable(getattr(part, "draw", None)):
        return "figure", _stand_in("figure", part)
    value = getattr(part, "value", None)
    if not callable(value):
        return "", None
    if len(signature(value).parameters) == 2:  # self, weight
        return "penalty", _stand_in("penalty", part)
    if hasattr(part, "direction"):
        if part.direction not in DIRECTIONS:
            raise InputError(f"metric {target}: direction={part.direction}, expected one of {', '.join(DIRECTIONS)}")
        return "metric", _stand_in("metric", part)
    if getattr(part, "task", None) not in TASKS:
        raise InputError(f'loss={target}: it lacks a line such as task = "regression", or "classification"')
    return "loss", _stand_in("loss", part)


def _stand_in(group: str, part: Any) -> Any:
    def found() -> None:
        """Stand for the part."""

    if group == "data":
        data_source(getattr(part, "task", None))(found)
    elif group == "loss":
        abilities = {name: getattr(part, name, False) for name in ("shift_invariant", "trains_many")}
        vars(found).update(task=part.task, **abilities)
    elif group == "penalty":
        vars(found).update(needs_proximal_step=hasattr(part, "prox"))
    elif group == "metric":
        vars(found).update(direction=part.direction)
    elif group == "schedule":
        vars(found).update(ends_with_training=False)
    elif group == "optimizer":
        vars(found).update(exact=False, has_proximal_step=False, trains_many=False)
    found.__doc__ = part.__doc__
    vars(found)["__signature__"] = Signature(list(_options(group, part)))
    return found


def _options(group: str, part: Any) -> Iterator[Parameter]:
    """Yield the arguments of a part that are options, with types that `accepts` knows; Any where it states another."""
    try:
        arguments = signature(part, eval_str=True).parameters
    except (NameError, TypeError):
        arguments = signature(part).parameters
    for name, argument in arguments.items():
        given = name == "params" if group == "optimizer" else name in base_of(group)
        if not given and argument.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
            known = argument.annotation if _is_known(argument.annotation) else Any
            known = Positive if group == "optimizer" and name == "lr" else known
            yield Parameter(name, Parameter.KEYWORD_ONLY, default=argument.default, annotation=known)


def _is_known(annotation: Any) -> bool:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _is_known(arguments[0])
    if origin in (Union, UnionType, Sequence, list):
        return all(map(_is_known, arguments))
    return origin is Literal or annotation in (int, float, bool, str, None, type(None))
