"""Resolve and check a run's configuration, where it has shipped options and plain values only.

Hydra composes the options, once for all runs of a process that choose the same; values are set on a copy. The result is
that of `compose` and `check`, which a test holds it to; a configuration of anything else is left to them.
"""

import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import hydra
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from linnet.config.check import check_resolved, plain_hydra
from linnet.config.check_hydra import check_hydra, walk
from linnet.config.compose import PRIMARY, session
from linnet.config.groups import GROUPS, shipped
from linnet.config.inferred import inferred_of
from linnet.config.own_parts import own_direction
from linnet.config.project_options import has_options_here
from linnet.system.compat.hydra import parse_overrides
from linnet.system.compat.omegaconf import unresolved

MISSING = "???"
TOP = ("seed", "threads", "figures", "name", "optimum", "init_from")
PLACE = re.compile(r"hydra\.run\.dir=(?!(?i:null|true|false|nan|inf)$)([a-zA-Z][\w.-]*|[\w.-]*/[\w./-]*)", re.ASCII)
MOST = 256
"""Compositions that are kept, some 40 kB each; overrides whose parse is kept, sixteen times as many."""


class _LeftToHydra(Exception):
    """A configuration that is more than shipped options and plain values."""


@dataclass(frozen=True)
class Resolved:
    """A run's configuration in plain containers.

    config: checked, without its `hydra` node.
    choices: config group -> chosen option.
    composed: the configuration with its interpolations as written.
    hydra: the `hydra` node with its interpolations as written; its output directory is not known yet.
    """

    config: dict[str, Any]
    choices: dict[str, Any]
    composed: dict[str, Any]
    hydra: dict[str, Any]

    def run_dir(self) -> Path:
        """Return the directory that the run is to have; called twice, two where its name is the time."""
        given = self.hydra["run"]["dir"]
        if "${" not in given:
            return Path(given).absolute()
        known = {"name": self.config["name"], "hydra": {"runtime": {"choices": self.choices}, "run": {"dir": given}}}
        return Path(OmegaConf.create(known).hydra.run.dir).absolute()  # with the resolvers of a `session` before


@dataclass(frozen=True)
class _Base:
    """What a set of options is composed to.

    composed: everything with its `hydra` node, unresolved, pickled.
    references: path of a value -> the key at the top whose value it is.
    """

    composed: bytes
    references: dict[str, str]


_bases: dict[tuple[str, ...], _Base] = {}


def resolve(overrides: Sequence[str]) -> Resolved | None:
    """Return the checked configuration of overrides as on the command line, `${oc.env:…}` replaced.

    Returns:
        None for what is left to Hydra: options of a project, experiments, parts of other modules, mistakes in keys.

    Raises:
        InputError: as of `compose` and `check`.
    """
    if has_options_here():
        return None
    try:
        found = _composed(overrides)
        more = [*inferred_of(overrides, found.choices, found.config["data"]), *own_direction(found.config)]
        if more:
            found = _composed([*overrides, *more])
    except _LeftToHydra:
        return None
    return replace(found, config=check_resolved(found.config, found.choices))


def _composed(overrides: Sequence[str]) -> Resolved:
    """Return what Hydra composes, not checked yet."""
    places = [found[1] for text in overrides if (found := PLACE.fullmatch(text))]
    task = [text for text in overrides if not PLACE.fullmatch(text)]
    try:
        parsed = [_parse(text) for text in task]
        options, values = (list(filter(test, parsed)) for test in (_chooses_an_option, _sets_a_value))
    except HydraException as error:  # words that Hydra does not read, and names
        raise _LeftToHydra from error
    if len(options) + len(values) < len(parsed):
        raise _LeftToHydra
    base = _base(tuple(str(option.input_line) for option in options))
    composed, node = pickle.loads(base.composed)  # of this process
    for override in values:
        _set(composed, str(override.key_or_group), override.value())
    node["overrides"] = {"hydra": [text for text in overrides if PLACE.fullmatch(text)], "task": task}
    node["job"]["override_dirname"] = ",".join(sorted(task))
    node["runtime"]["cwd"] = str(Path.cwd())
    if places:
        node["run"]["dir"] = places[-1]
    job = pickle.loads(pickle.dumps(composed)) if base.references else composed
    for path, name in base.references.items():
        *groups, key = path.split(".")
        part = reduce(getitem, groups, job)
        if part[key] == f"${{{name}}}":
            part[key] = job[name]
    return Resolved(job, dict(node["runtime"]["choices"]), composed, node)


def _base(chosen: tuple[str, ...]) -> _Base:
    if chosen not in _bases:
        while len(_bases) >= MOST:
            _bases.pop(next(iter(_bases)), None)
        with session():
            try:
                config = hydra.compose(PRIMARY, overrides=list(chosen), return_hydra_config=True)
            except (ValueError, HydraException, OmegaConfBaseException) as error:  # one group chosen twice
                raise _LeftToHydra from error
        check_hydra(plain_hydra(config))
        job = {key: unresolved(config, key) for key in map(str, config) if key != "hydra"}
        references = {path: value[2:-1] for path, _, value in walk(job) if isinstance(value, str) and "${" in value}
        if not all(name in job and not isinstance(job[name], (dict, list)) for name in references.values()):
            raise _LeftToHydra
        node = OmegaConf.to_container(config.hydra, resolve=False, enum_to_str=True)
        _bases[chosen] = _Base(pickle.dumps((job, node)), references)
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


@lru_cache(maxsize=16 * MOST)
def _parse(text: str) -> Override:
    (override,) = parse_overrides([text])
    return override


def _chooses_an_option(override: Override) -> bool:
    """Return whether it chooses an option that is shipped with linnet; those of users may change."""
    value = override.value()
    return _has_plain_form(override) and isinstance(value, str) and value in shipped().get(override.key_or_group, ())


def _sets_a_value(override: Override) -> bool:
    key = override.key_or_group
    in_a_group = key.partition(".")[0] in (*GROUPS, "objective") and "." in key
    return _has_plain_form(override) and (in_a_group or key in TOP)


def _has_plain_form(override: Override) -> bool:
    changes = override.is_add() or override.is_delete() or override.is_force_add()
    return not (changes or override.package or override.is_sweep_override())
