"""Keys that some of the swept options of a group lack: `penalty=none,l2 penalty.strength=0.1`."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import Override

from linnet.config.groups import shipped
from linnet.sweeps.grid import choices


def swept_options(overrides: Sequence[Override]) -> dict[str, list[str]]:
    """Return group -> its options, for each group of which several are swept."""
    found = {}
    for override in overrides:
        group = override.get_key_element()
        if group in shipped() and override.is_discrete_sweep():
            found[group] = [word.partition("=")[2] for word in choices(override)]
    return found


def without_lacking(words: Sequence[str], swept: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Return (the overrides that a job can have, those left out, each as "penalty.strength of penalty=none").

    A key is left out where another of the swept options has it. One that none of them has stays, and is refused.

    Args:
        words: a job's overrides, each with one value.
        swept: group -> its swept options.
    """
    chosen = {group: word.partition("=")[2] for word in words if (group := word.partition("=")[0]) in swept}
    kept, left_out = [], []
    for word in words:
        key = word.partition("=")[0]
        group, _, path = key.partition(".")
        lacking = path and group in chosen and not _has(group, chosen[group], path)
        if lacking and any(_has(group, option, path) for option in swept[group]):
            left_out.append(f"{key} of {group}={chosen[group]}")
        else:
            kept.append(word)
    return kept, left_out


def _has(group: str, option: str, path: str) -> bool:
    node: Any = shipped()[group].get(option)
    for name in path.split("."):
        if not isinstance(node, Mapping) or name not in node:
            return False
        node = node[name]
    return True
