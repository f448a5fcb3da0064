"""Run a job in its directory as Hydra's `run_job` does, without the copies of the configuration that it makes."""

import logging.config
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import configure_log, env_override
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from linnet.config.resolved import Resolved
from linnet.system.compat.omegaconf import plain_to_yaml, to_yaml
from linnet.system.files import write_atomic
from linnet.system.log import fold_on_a_terminal
from linnet.system.writing import own_folder

T = TypeVar("T")

OUTPUT_DIR = "${hydra:runtime.output_dir}"


def run_in(directory: Path, config: DictConfig, task: Callable[[DictConfig], T]) -> T:
    """Write `.hydra` into a directory, log into it, and return what the task returns of the job's configuration.

    Args:
        directory: absolute, made before.
        config: checked, with its `hydra` node.
        task: called with everything but that node, while `HydraConfig` knows it.
    """
    known: Any = HydraConfig.instance()
    before = known.cfg
    with read_write(config.hydra.runtime), open_dict(config.hydra.runtime):
        config.hydra.runtime.output_dir = str(directory)
    job = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    known.cfg = config
    try:
        configure_log(config.hydra.job_logging, config.hydra.verbose)
        fold_on_a_terminal()
        _write(directory, to_yaml(job), to_yaml(config.hydra, "hydra"), to_yaml(config.hydra.overrides.task))
        with env_override(config.hydra.job.env_set):
            return task(job)
    finally:
        known.cfg = before


def begin_in(directory: Path, found: Resolved) -> None:
    """Do what `run_in` does before the task, for a configuration in plain containers.

    Args:
        directory: absolute, made before.
        found: its `hydra` node is completed by the directory.
    """
    found.hydra["runtime"]["output_dir"] = str(directory)
    logging.config.dictConfig(_with_directory(found.hydra["job_logging"], directory))
    fold_on_a_terminal()
    _write(
        directory, plain_to_yaml(found.composed), plain_to_yaml({"hydra": found.hydra}),
        plain_to_yaml(found.hydra["overrides"]["task"]),
    )  # fmt: skip


def _with_directory(node: Any, directory: Path) -> Any:
    if isinstance(node, dict):
        return {key: _with_directory(value, directory) for key, value in node.items()}
    return node.replace(OUTPUT_DIR, str(directory)) if isinstance(node, str) else node


def _write(directory: Path, config: str, hydra: str, overrides: str) -> None:
    folder = own_folder(directory, ".hydra")
    for name, text in {"config": config, "hydra": hydra, "overrides": overrides}.items():
        write_atomic(folder / f"{name}.yaml", text, durable=False)
