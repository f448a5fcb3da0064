"""Expand swept overrides to jobs: every combination of their values, without keys that a chosen option lacks."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override, ValueType
from hydra.errors import HydraException

from linnet.config.groups import EXPERIMENT, experiments, read_experiment, shipped
from linnet.config.project_options import node_of
from linnet.sweeps.words import Condition
from linnet.system.compat.hydra import parse_overrides
from linnet.system.errors import InputError


def parse(overrides: Sequence[str], params: Mapping[str, str], loader: ConfigLoader | None = None) -> list[Override]:
    """Parse overrides, in the order of their keys' first occurrence; a later one replaces an earlier one of its key.

    Args:
        overrides: of the command line.
        params: key -> swept values, as a search names them; the command line overrules them.
        loader: with which `glob` finds options.
    """
    try:
        parsed = parse_overrides([*(f"{key}={value}" for key, value in params.items()), *overrides], loader)
    except HydraException as error:
        raise InputError(" ".join(str(error).split())) from error
    return list({override.get_key_element(): override for override in parsed}.values())


def grids(overrides: Sequence[Override], task: Sequence[str], loader: ConfigLoader) -> list[list[Override]]:
    """Return the grids of a sweep: one, or one per swept experiment if experiments sweep values themselves.

    Args:
        overrides: parsed, of the whole sweep.
        task: the overrides of the command line.
        loader: as for `parse`.
    """
    swept = next((o for o in overrides if o.get_key_element() == EXPERIMENT and o.is_discrete_sweep()), None)
    folders = experiments()
    names = [word.partition("=")[2] for word in choices(swept)] if swept else []
    params = {name: _params(folders[name]) for name in names if name in folders}
    if swept is None or not any(params.values()):
        return [list(overrides)]
    others = [text for text in task if not text.startswith(f"{EXPERIMENT}=")]
    return [parse([f"{EXPERIMENT}={name}", *others], params.get(name, {}), loader) for name in names]


def _params(folder: Path) -> Mapping[str, str]:
    """Return the `hydra.sweeper.params` of an experiment."""
    node: Any = read_experiment(folder)
    for key in ("hydra", "sweeper", "params"):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else {}


def expand(overrides: Sequence[Override], zips: Sequence[Sequence[str]] = ()) -> list[list[str]]:
    """Return each combination of values as a list of plain overrides; the last swept key varies fastest.

    Args:
        overrides: each with one value or many.
        zips: keys whose values go together, the first of each, then the second of each; they vary as one key would.

    Raises:
        InputError: for an interval, which names no finite number of jobs, or keys of a zip that have different numbers
            of values.
    """
    of_key = {override.get_key_element(): choices(override) for override in overrides}
    zip_of = {key: keys for keys in zips for key in keys}
    axes: dict[object, list[tuple[str, ...]]] = {}
    for key, words in of_key.items():
        keys = zip_of.get(key, (key,))
        if len({len(of_key[other]) for other in keys}) > 1:
            counts = ", ".join(f"{other} has {len(of_key[other])}" for other in keys)
            raise InputError(f"zip: {counts} values: give as many of each")
        axes[keys] = (
            list(zip(*(of_key[other] for other in keys), strict=True)) if key in zip_of else [(w,) for w in words]
        )
    return [list(itertools.chain.from_iterable(combination)) for combination in itertools.product(*axes.values())]


def with_conditions(
    jobs: Sequence[Sequence[str]], conditions: Sequence[Condition], loader: ConfigLoader
) -> list[list[str]]:
    """Return the jobs, each as often as the keys have values of which it meets the condition.

    Raises:
        InputError: no job meets a condition.
    """
    found = [list(job) for job in jobs]
    for condition in conditions:
        (holds_for,) = parse([condition.holds_for], {}, loader)
        wanted = set(choices(holds_for))
        if not any(wanted.intersection(job) for job in found):
            raise InputError(f"{condition.text}: no job of this sweep has {' or '.join(sorted(wanted))}")
        more = expand(parse(condition.overrides, {}, loader))
        found = [[*job, *words] for job in found for words in (more if wanted.intersection(job) else [[]])]
    return found


def swept_keys(overrides: Sequence[Override]) -> list[str]:
    """Return the keys that have more than one value."""
    return [override.get_key_element() for override in overrides if override.is_sweep_override()]


def choices(override: Override) -> list[str]:
    """Expand one override to plain overrides."""
    key = override.get_key_element()
    if not override.is_sweep_override():
        return [f"{key}={override.get_value_element_as_str()}"]
    if not override.is_discrete_sweep():
        raise InputError(f"{override.input_line}: an interval needs search=optuna; a grid takes values: {key}=0.01,0.1")
    # Hydra hands out booleans as Python writes them.
    values = [{"True": "true", "False": "false"}.get(value, value) for value in override.sweep_string_iterator()]
    if override.value_type == ValueType.GLOB_CHOICE_SWEEP:
        values = [value for value in values if not value.startswith("_")]  # bases of options
    if not values:
        raise InputError(f"{override.input_line}: there is no such value of {key}")
    return [f"{key}={value}" for value in values]


def swept_options(overrides: Sequence[Override], of_jobs: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return group -> its options, for each group of which several are swept.

    of_jobs: overrides that only some jobs have.
    """
    found: dict[str, list[str]] = {}
    for override in overrides:
        group = override.get_key_element()
        if group in shipped() and override.is_discrete_sweep():
            found[group] = [word.partition("=")[2] for word in choices(override)]
    for text in of_jobs:
        group, _, option = text.partition("=")
        if group in shipped():
            found.setdefault(group, []).append(option)
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
    node: Any = node_of(group, option)
    for name in path.split("."):
        if not isinstance(node, Mapping) or name not in node:
            return False
        node = node[name]
    return True
