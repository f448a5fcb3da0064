"""Composition by Hydra, with its errors turned into one line each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from linnet.config.groups import EXPERIMENT, GROUPS, SEARCH, refuse_unreadable, register_experiments, shipped
from linnet.config.inferred import decides, inferred
from linnet.config.own_parts import own_direction, register
from linnet.config.project_options import added, complete, refuse_unusable, registered
from linnet.config.resampled_defaults import resampled_defaults
from linnet.config.unknown_key import nearest, unknown_key
from linnet.system.compat.hydra import parse_overrides
from linnet.system.errors import InputError

PRIMARY = "train"
"""Hydra's name of the configuration that every run begins with."""
VECTORIZED = {"_target_": "linnet.sweeps.vectorized.launch", "max_models": 256, "processes": None}
"""Hydra's launcher node for training side by side; read by `linnet.sweeps.launch`."""
OPTUNA = {
    "_target_": "linnet.sweeps.search.search", "n_trials": 20, "n_jobs": 1, "seed": 0, "params": {},
    "sampler": "tpe", "storage": None, "n_startup_trials": None, "n_ei_candidates": None, "multivariate": None,
    "deterministic_objective": None, "scramble": None,
}  # fmt: skip
"""Hydra's sweeper node for a search; read by `linnet.sweeps.multirun`, samplers by `linnet.sweeps.samplers`."""
PATH = {"_target_": "linnet.sweeps.path.swept_strengths", "n_strengths": 20, "ratio": None, "params": {}}
"""Hydra's sweeper node for a path of strengths; read by `linnet.sweeps.path`."""

CHOSEN_BY = {EXPERIMENT: GROUPS, "data": ("data", "model", "loss")}
"""The groups whose option may follow from that of another."""


@contextmanager
def session(folders: Sequence[Path] | None = None) -> Iterator[None]:
    """Initialise Hydra on linnet's configuration, and restore its former state afterwards.

    `${first:a,b}` in the configuration is the first of its arguments that is not null.

    Args:
        folders: whose files are options, besides ./conf; None: linnet's options only.
    """
    register_experiments()
    ConfigStore.instance().store("optuna_tpe", OPTUNA, group="hydra/sweeper", provider="linnet")
    ConfigStore.instance().store("strength_path", PATH, group="hydra/sweeper", provider="linnet")
    ConfigStore.instance().store("vectorized", VECTORIZED, group="hydra/launcher", provider="linnet")
    OmegaConf.register_new_resolver("first", lambda *names: next(name for name in names if name), replace=True)
    options = nullcontext() if folders is None else registered(folders)
    with options, hydra.initialize_config_module("linnet.conf", job_name="linnet", version_base="1.3"):
        yield


def compose(overrides: Sequence[str]) -> DictConfig:
    """Return one run's configuration with its `hydra` node, inside a `session`.

    Raises:
        InputError: naming the override that could not be applied, and the nearest name that exists.
    """
    register(overrides)
    complete(overrides)
    with errors_in_one_line(overrides):
        config = hydra.compose(PRIMARY, overrides=list(overrides), return_hydra_config=True)
        refuse_bases(config)
        more = [*inferred(overrides, config), *own_direction(config)]
        if more:
            config = hydra.compose(PRIMARY, overrides=[*overrides, *more], return_hydra_config=True)
        _ = config.hydra.run.dir  # resolved here, so that a mistake in it is found with the others
        return config


def compose_sweep(overrides: Sequence[str], of_jobs: Sequence[str] = ()) -> DictConfig:
    """Return a sweep's configuration: swept keys at their defaults, all overrides listed in `hydra.overrides`.

    Values of a group may be of options that only the jobs choose. They are left to the jobs where a group is swept.

    Args:
        overrides: those that all jobs have.
        of_jobs: those that only some have.

    Raises:
        InputError: as `compose`.
    """
    register([*overrides, *of_jobs])
    complete([*overrides, *of_jobs])
    with errors_in_one_line(overrides):
        session_hydra = GlobalHydra.instance().hydra
        assert session_hydra is not None
        keys = {text: text.lstrip("+~").partition("=")[0] for text in overrides}
        parsed = zip(overrides, parse_overrides(overrides), strict=True)
        left = [text.lstrip("+").partition("=")[0] for text in of_jobs]
        swept = [*left, *(keys[text] for text, override in parsed if override.is_sweep_override())]
        open_groups = {group for key in swept for group in CHOSEN_BY.get(key, (key,))}
        own = [text for text in overrides if keys[text].partition(".")[0] not in open_groups or "." not in keys[text]]
        config = session_hydra.compose_config(PRIMARY, list(own), RunMode.MULTIRUN, from_shell=False)
        refuse_bases(config)
        job_looks = any(map(decides, swept)) or not {"model", "loss"}.isdisjoint(left)
        more = [*([] if job_looks else inferred(overrides, config)), *own_direction(config)]
        if job_looks and not {"resampling", EXPERIMENT} & {*swept}:
            more += resampled_defaults(overrides, config.hydra.runtime.choices, None)  # what chooses the best job
        if more:
            config = session_hydra.compose_config(PRIMARY, [*own, *more], RunMode.MULTIRUN, from_shell=False)
        if len(own) < len(overrides):
            task = [text for text in overrides if not keys[text].startswith(("hydra.", "hydra/"))]
            config.hydra.overrides.task = [*task, *more]
        _ = config.hydra.sweep.dir
        return config


def refuse_bases(config: DictConfig) -> None:
    """Raise InputError where a file that others are based on was chosen as an option, or one that cannot be used."""
    refuse_unusable(config.hydra.runtime.choices)
    for group in GROUPS:
        option = str(config.hydra.runtime.choices.get(group))
        if option.startswith("_") and "." not in option:  # a part of `__main__` has a dot
            raise InputError(
                f"{group}={option}: no such option; choose from: {', '.join([*shipped()[group], *added(group)])}"
            )


@contextmanager
def errors_in_one_line(overrides: Sequence[str]) -> Iterator[None]:
    """Turn Hydra's errors about these overrides into an InputError that names the one at fault."""
    try:
        yield
    except MissingConfigException as error:
        raise InputError(_missing_option(error)) from error
    except ConfigCompositionException as error:
        raise InputError(_not_overridable(error, overrides)) from error
    except OverrideParseException as error:
        key, _, value = error.override.partition("=")
        if not value.isascii() and not any(mark in value for mark in "'\"{}"):
            quoted = re.sub(r"[^\[\],]*[^\x00-\x7f\[\],][^\[\],]*", r'"\g<0>"', value)
            raise InputError(
                f"{error.override}: a value with letters beyond ASCII needs quotes: '{key}={quoted}'"
            ) from error
        raise InputError(
            f"{error.override}: not of the form key=value ({_one_line(error).split(' See http')[0]})"
        ) from error
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(_one_line(error)) from error
    except ValueError as error:  # Hydra's answer to `data=null`
        groups = [text for text in overrides if text.partition("=")[0] in GROUPS and text.endswith("=null")]
        raise InputError(f"{' '.join(groups)}: expected an option, see `linnet train --help`") from error


def _missing_option(error: MissingConfigException) -> str:
    group, _, option = (error.missing_cfg_file or "").rpartition("/")
    options = error.options or list(shipped().get(group, ()))  # Hydra gives none where a list was chosen
    if not group or not options:
        return _one_line(error)
    if group == "hydra/launcher" and (launcher := option.partition("_")[0]) in ("joblib", "ray", "submitit"):
        return f"{group}={option} is not installed: pip install hydra-{launcher}-launcher"
    if group == EXPERIMENT:
        refuse_unreadable(option)
    refuse_unusable({group: option})
    known = sorted(name for name in options if not name.startswith("_"))
    return f"{group}={option}: no such option{nearest(option, known)}; choose from: {', '.join(known)}"


def _not_overridable(error: ConfigCompositionException, overrides: Sequence[str]) -> str:
    found = re.search(r"[Cc]ould not override '([^']+)'", str(error))
    if found is None:
        return _one_line(error)
    key = found[1].split("@")[0]
    valid = [text for text in overrides if text.lstrip("+~").split("=")[0].split("@")[0] != key]
    if len(valid) == len(overrides):  # the fault lies in a config file, not on the command line
        return _one_line(error)
    parsed = zip(valid, parse_overrides(valid), strict=True)
    single = [text for text, override in parsed if not override.is_sweep_override()]
    return unknown_key(key, [*GROUPS, SEARCH, EXPERIMENT, *flat_keys(compose(single))])


def flat_keys(config: DictConfig) -> list[str]:
    """Return the dotted names of all values; interpolations are left as they are."""
    return list(flat(cast(dict[str, Any], OmegaConf.to_container(config, resolve=False))))


def flat(node: object, prefix: str = "") -> dict[str, Any]:
    """Return dotted name -> value of everything in nested dicts; an empty dict is a value."""
    if not isinstance(node, Mapping) or not node:
        return {prefix: node}
    found: dict[str, Any] = {}
    for key, value in node.items():
        found |= flat(value, f"{prefix}.{key}" if prefix else str(key))
    return found


def _one_line(error: Exception) -> str:
    message = str(error) or str(error.__cause__)  # Hydra wraps some errors without a word
    return " ".join(line.strip() for line in message.splitlines() if line.strip())
