"""Run a job in its directory as Hydra's `run_job` does, without the copies of the configuration that it makes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import configure_log, env_override
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from linnet.system.compat.omegaconf import to_yaml
from linnet.system.files import write_atomic
from linnet.system.writing import own_folder

T = TypeVar("T")


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
        texts = {
            "config": to_yaml(job), "hydra": to_yaml(config.hydra, "hydra"),
            "overrides": to_yaml(config.hydra.overrides.task),
        }  # fmt: skip
        folder = own_folder(directory, ".hydra")
        for name, text in texts.items():
            write_atomic(folder / f"{name}.yaml", text, durable=False)
        with env_override(config.hydra.job.env_set):
            return task(job)
    finally:
        known.cfg = before
