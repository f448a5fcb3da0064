"""Compose and check all runs of an experiment before the first of them starts. Imports no torch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from omegaconf import OmegaConf

from linnet.config.check import check
from linnet.config.compose import compose, session
from linnet.config.groups import EXPERIMENT
from linnet.config.project_options import announce
from linnet.reproduction.find_experiment import Experiment, as_option
from linnet.reproduction.results import Arm, Results
from linnet.system.errors import InputError
from linnet.system.sanitize import plain

OURS = ("hydra", EXPERIMENT, "seed", "figures")
"""What no arm may override: places of files, and what is given by the experiment and for each run."""


@dataclass(frozen=True)
class Planned:
    """One run of an experiment: its arm and seed, and its configuration, checked and resolved."""

    arm: Arm
    seed: int
    config: dict[str, Any]
    choices: dict[str, Any]


def plan(experiment: Experiment, results: Results, seeds: Sequence[int], threads: int | None) -> list[Planned]:
    """Plan every arm with every seed.

    Args:
        experiment: its configuration, and its arms' overrides, are treated as untrusted.
        results: whose arms.
        seeds: of these.
        threads: of torch; None: as the configuration says.

    Raises:
        InputError: if one of the configurations does not pass; nothing has been run then.
    """
    for arm in results.arms:
        _check_overrides(experiment, arm.overrides)
    with session([]), as_option(experiment) as option:
        planned = [_planned(experiment, option, arm, seed, threads) for arm in results.arms for seed in seeds]
        announce()
        return planned


def _planned(experiment: Experiment, option: str, arm: Arm, seed: int, threads: int | None) -> Planned:
    ours = [f"seed={seed}", "figures=false", *([] if threads is None else [f"threads={threads}"])]
    try:
        composed = compose([f"{EXPERIMENT}={option}", *arm.overrides, *ours])
        config = check(composed)
        choices = cast(dict[str, Any], OmegaConf.to_container(composed.hydra.runtime.choices))
    except InputError as error:
        raise InputError(f"{experiment.name}, arm '{plain(arm.name)}': {error}") from error
    if config["data"].get("root") is not None:
        raise InputError(
            f"{experiment.name}: data.root={plain(config['data']['root'])}: an experiment does not say where files "
            f"lie, set the environment variable LINNET_DATA instead"
        )
    return Planned(arm, seed, config, choices)


def _check_overrides(experiment: Experiment, overrides: Iterable[str]) -> None:
    for text in overrides:
        key = text.strip().lstrip("+~").partition("=")[0].replace("/", ".").replace("@", ".").partition(".")[0]
        if key.strip() in OURS:
            raise InputError(
                f"{experiment.results}: {plain(text)} is no override for an arm: {', '.join(OURS)} are not its to set"
            )
