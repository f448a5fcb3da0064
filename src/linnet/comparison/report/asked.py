"""What was asked of a run: how its configuration differs from linnet's defaults. Imports neither torch nor Hydra."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from linnet.comparison.report.blocks import Table
from linnet.comparison.runs import SavedRun
from linnet.config.groups import GROUPS, file_of, options, primary
from linnet.system.sanitize import plain

DESCRIBED = ("name", "tags", "notes", "seed", "figures")
"""Keys of the configuration that are shown beside the differences, or say nothing of the result."""
TARGET = "_target_"
LONGEST = 160


def differences(run: SavedRun) -> dict[str, tuple[Any, Any]]:
    """Return key -> (value, default) of all that differs from the defaults of the chosen options, groups first.

    The default of a group is its option in `linnet train` without overrides; that of a key is what the chosen option of
    its group says; None where there is no default, as in a part of the user's own.

    Args:
        run: whose configuration and choices are untrusted.
    """
    top, chosen = primary()
    found: dict[str, tuple[Any, Any]] = {}
    for group in GROUPS:
        option = run.choices.get(group)
        if option is not None and option != chosen.get(group):
            found[group] = (option, chosen.get(group))
    if run.choices.get("experiment") is not None:
        found = {"experiment": (run.choices["experiment"], None), **found}
    for key, value in run.config.items():
        if key in GROUPS:
            option = run.choices.get(key)
            shipped = _option(key, option if isinstance(option, str) else "")
            for name, (one, default) in _different(value, shipped, run.config).items():
                found[f"{key}.{name}"] = (one, default)
        elif key not in DESCRIBED and key != "hydra":
            for name, pair in _different({key: value}, top, run.config).items():
                found[name] = pair
    return found


def differences_table(found: Mapping[str, tuple[Any, Any]], caption: str) -> Table | None:
    """Return one row per difference; None without any."""
    rows = [[key, _text(value), "–" if default is None else _text(default)] for key, (value, default) in found.items()]
    return Table(["option", "value", "default"], rows, caption, texts=(0, 1, 2)) if rows else None


def common(runs: Sequence[SavedRun], varying: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    """Return the differences that all runs share; `varying` keys are left out."""
    first, *others = (differences(run) for run in runs if run.config)
    return {
        key: pair
        for key, pair in first.items()
        if key not in varying and all(key in other and other[key] == pair for other in others)
    }


def _text(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return plain(str(value), LONGEST)
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else plain(value, LONGEST)


def _different(node: Any, default: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the dotted keys below a node whose value is not the default."""
    if not isinstance(node, Mapping):
        return {}
    given, before = _flat(node), _flat(default)
    found = {}
    for key, value in given.items():
        usual = _resolved(before.get(key), config)
        if key.rpartition(".")[2] != TARGET and (key not in before or usual != value):
            found[key] = (value, usual)
    return found


def _resolved(value: Any, config: Mapping[str, Any]) -> Any:
    """Return a default with `${seed}` replaced by what this run has there."""
    if isinstance(value, str) and value.startswith("${") and value[2:-1] in config:
        return config[value[2:-1]]
    return value


def _flat(node: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.items():
        name = f"{prefix}{key}"
        found |= _flat(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
    return found


@lru_cache(maxsize=1024)
def _option(group: str, option: str) -> dict[str, Any]:
    """Return what a shipped option says; of another name nothing, but for what is in every run."""
    base = file_of(group, "_base") if group == "logger" else None  # TensorBoard's keys, beside those of another logger
    return {**(base or {}), **((file_of(group, option) if option in options(group) else None) or {})}
