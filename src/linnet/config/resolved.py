"""Resolve and check a run's configuration without Hydra, where it has shipped options and plain values only.

The result is that of `compose` and `check`, which a test holds it to; a configuration of anything else is left to them.
"""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from linnet.config.check import check_resolved, plain_hydra
from linnet.config.check_hydra import check_hydra, walk
from linnet.config.compose import PRIMARY, compose_once, session
from linnet.config.inferred import inferred_of
from linnet.config.kept_compositions import chooses_an_option, parse, sets_a_value
from linnet.config.own_parts import own_direction
from linnet.config.project_options import has_options_here
from linnet.system.compat.omegaconf import unresolved

MISSING = "???"


class _LeftToHydra(Exception):
    """A configuration that is more than shipped options and plain values."""


@dataclass(frozen=True)
class _Base:
    """What a set of options is composed to.

    job: everything but the `hydra` node, unresolved, pickled.
    choices: config group -> chosen option.
    references: path of a value -> the key at the top whose value it is.
    """

    job: bytes
    choices: dict[str, Any]
    references: dict[str, str]


_bases: dict[tuple[str, ...], _Base] = {}
MOST = 256


def resolve(overrides: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the checked configuration in plain containers, and config group -> chosen option.

    Args:
        overrides: as on the command line, `${oc.env:…}` replaced.

    Returns:
        None for what is left to Hydra: options of a project, experiments, parts of other modules, mistakes in keys.

    Raises:
        InputError: as of `compose` and `check`.
    """
    if has_options_here():
        return None
    try:
        job, choices = _composed(overrides)
        more = [*inferred_of(overrides, choices, job["data"]), *own_direction(job)]
        if more:
            job, choices = _composed([*overrides, *more])
    except _LeftToHydra:
        return None
    return check_resolved(job, choices), choices


def _composed(overrides: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        parsed = [parse(text) for text in overrides]
        options, values = (list(filter(test, parsed)) for test in (chooses_an_option, sets_a_value))
    except HydraException as error:  # words that Hydra does not read, and names
        raise _LeftToHydra from error
    if len(options) + len(values) < len(parsed):
        raise _LeftToHydra
    base = _base(tuple(str(option.input_line) for option in options))
    job = pickle.loads(base.job)  # of this process
    for override in values:
        _set(job, str(override.key_or_group), override.value())
    for path, name in base.references.items():
        *groups, key = path.split(".")
        node = job
        for group in groups:
            node = node[group]
        if node[key] == f"${{{name}}}":
            node[key] = job[name]
    return job, dict(base.choices)


def _base(chosen: tuple[str, ...]) -> _Base:
    if chosen not in _bases:
        while len(_bases) >= MOST:
            _bases.pop(next(iter(_bases)), None)
        with session():
            try:
                config = compose_once(PRIMARY, overrides=list(chosen), return_hydra_config=True)
            except (ValueError, HydraException, OmegaConfBaseException) as error:  # one group chosen twice
                raise _LeftToHydra from error
        check_hydra(plain_hydra(config))
        job = {key: unresolved(config, key) for key in map(str, config) if key != "hydra"}
        references = {path: value[2:-1] for path, _, value in walk(job) if isinstance(value, str) and "${" in value}
        if not all(name in job and not isinstance(job[name], (dict, list)) for name in references.values()):
            raise _LeftToHydra
        _bases[chosen] = _Base(pickle.dumps(job), dict(config.hydra.runtime.choices), references)
    return _bases[chosen]


def _set(job: dict[str, Any], path: str, value: Any) -> None:
    *groups, key = path.split(".")
    node: Any = job
    for group in groups:
        node = node.get(group) if isinstance(node, dict) else None
    known = isinstance(node, dict) and key in node and not isinstance(node[key], dict)
    if not known or isinstance(value, Mapping) or not _is_plain(value):
        raise _LeftToHydra
    node[key] = value


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(not isinstance(one, (list, Mapping)) and _is_plain(one) for one in value)
    return not isinstance(value, str) or ("${" not in value and value != MISSING)
