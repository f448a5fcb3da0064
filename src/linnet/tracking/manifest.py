"""manifest.json: what a run came from, in enough detail to run it again and to explain a difference."""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import linnet
from linnet.config import config_hash

PACKAGES = ("torch", "torchvision", "pytorch-lightning", "hydra-core", "tensorboard", "numpy", "scikit-learn")


def manifest(config: Mapping[str, Any], choices: Mapping[str, Any], data_checksum: str) -> dict[str, Any]:
    """All that is known before training; the hash of the final weights is added after it.

    Args:
        config: the job's configuration, resolved to plain containers.
        choices: config group -> chosen option.
        data_checksum: what `Source.checksum` says.
    """
    return {
        "linnet": linnet.__version__,
        "config_sha256": config_hash(config),
        "choices": {group: option for group, option in choices.items() if not group.startswith("hydra/")},
        "config": config,
        "seed": config["seed"],
        "command": sys.argv,
        "directory": str(Path.cwd()),
        "git": git_state(Path(linnet.__file__).parent) or git_state(Path.cwd()),
        "data_checksum": data_checksum,
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cpu_count": os.cpu_count(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def weights_hash(weights: Mapping[str, torch.Tensor]) -> str:
    """Sha256 over names, shapes, dtypes and bytes of the tensors, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        digest.update(f"{name}{list(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit and dirty flag of the checkout that tracks the folder's contents; None where none does."""

    def git(*words: str) -> str | None:
        try:
            answer = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return answer.stdout.strip() if answer.returncode == 0 else None

    if not git("ls-files", "."):  # an installation below someone's unrelated checkout is not tracked by it
        return None
    commit, changes = git("rev-parse", "HEAD"), git("status", "--porcelain", "--untracked-files=no")
    return None if commit is None else {"commit": commit, "dirty": bool(changes)}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
