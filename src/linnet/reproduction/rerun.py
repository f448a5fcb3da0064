"""Re-run a recorded run in a new directory."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

from linnet.config.compose import compose, session
from linnet.reproduction.saved_config import SavedConfig
from linnet.system.errors import Diverged, InputError
from linnet.system.files import write_atomic
from linnet.system.log import log_only_to
from linnet.system.terminal import Terminal
from linnet.tracking.directory import RunDirectory
from linnet.training.context import RunRequest
from linnet.training.finalize import FinishedRun
from linnet.training.run import run_to_end

PLACE = Path("runs") / "reproduced"


def run_again(saved: SavedConfig, directory: Path) -> FinishedRun | None:
    """Train in a directory that is empty; None if the run diverged, as its status says."""
    write_hydra(saved, directory)
    try:
        with as_many_threads_afterwards(), log_to(directory / "train.log"):
            job = RunRequest(
                RunDirectory(directory), saved.config, saved.choices, Terminal(quiet=True),
                initial_weights=saved.initial_weights, recorded=True, only_tensorboard=True,
            )  # fmt: skip
            return run_to_end(job)
    except Diverged:
        return None


@contextmanager
def new_directory(run: Path, place: Path | None) -> Iterator[Path]:
    """Make the directory of the new run: `place`, or runs/reproduced/<time> below the current directory.

    It is removed again if the run cannot begin, that is, on InputError.

    Raises:
        InputError: if it is in use, or within the run that is being checked.
    """
    directory = (place or PLACE / f"{datetime.now():%Y-%m-%d_%H-%M-%S-%f}").absolute()
    if directory.resolve().is_relative_to(run.resolve()):
        raise InputError(f"{directory} lies in {run}, which is to stay as it is: choose another place by --dir DIR")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(f"{directory} is in use: choose a new directory for --dir")
    made = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    directory.mkdir(parents=True, exist_ok=place is not None)
    try:
        yield directory
    except InputError:
        shutil.rmtree(directory)
        for folder in made[1:]:
            if not any(folder.iterdir()):
                folder.rmdir()
        if directory not in made:
            directory.mkdir()
        raise


def write_hydra(saved: SavedConfig, directory: Path) -> None:
    """Write `.hydra` as Hydra does, from the checked values and nothing else of the saved run."""
    with session():
        composed = compose([])
        node: Any = OmegaConf.to_container(composed.hydra, resolve=False)
    node["run"]["dir"] = str(directory)
    node["mode"] = "RUN"
    node["overrides"] = {"hydra": [], "task": list(saved.overrides)}
    node["runtime"] |= {"cwd": str(Path.cwd()), "output_dir": str(directory), "choices": dict(saved.choices)}
    contents: dict[str, Any] = {"config": saved.config, "hydra": {"hydra": node}, "overrides": list(saved.overrides)}
    (directory / ".hydra").mkdir()
    for name, content in contents.items():
        write_atomic(directory / ".hydra" / f"{name}.yaml", OmegaConf.to_yaml(OmegaConf.create(content)))


@contextmanager
def as_many_threads_afterwards() -> Iterator[None]:
    """Restore torch's number of threads after the block, since a run sets it."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def log_to(path: Path) -> AbstractContextManager[None]:
    """Send linnet's log to a file only, since the terminal is for the comparison."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("[%(asctime)s][%(name)s][%(levelname)s] - %(message)s"))
    return log_only_to(handler)
