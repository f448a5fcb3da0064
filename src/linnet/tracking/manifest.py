"""manifest.json: the origin of a run, in enough detail to re-run it and to explain a difference."""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from linnet.config.identity import config_hash
from linnet.config.own_parts import own_sources
from linnet.system.files import write_atomic
from linnet.system.reading import read_bytes
from linnet.system.version import VERSION
from linnet.tracking.directory import FORMAT

ENVIRONMENT = ("linnet", "threads", "cpu_capability", "cpu", "data_checksum", "python", "platform")
"""Keys of the manifest, besides commit and packages, that say in which environment a run took place."""
OF_PROCESS = (
    "command", "directory", "git", "devices", "threads", "cpu_capability", "cpu", "cpu_count", "python", "platform",
    "packages",
)  # fmt: skip
CHANGES = "uncommitted.diff"
PACKAGES = (
    "torch", "torchvision", "pytorch-lightning", "hydra-core", "tensorboard", "numpy", "scikit-learn", "pyarrow",
)  # fmt: skip


def manifest(
    config: Mapping[str, Any], choices: Mapping[str, Any], data_checksum: str, like: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """All that is known before training; the hash of the final weights is added after it.

    Args:
        config: the job's configuration, resolved to plain containers.
        choices: config group -> chosen option.
        data_checksum: what `Source.checksum` says.
        like: the manifest of a job that was prepared in this process just before: its environment is this one's.
    """
    own = own_sources(config)
    environment = _environment(config) if like is None else {key: like[key] for key in OF_PROCESS}
    return {
        "linnet": VERSION,
        "format": FORMAT,
        "config_sha256": config_hash(config),
        "choices": {group: option for group, option in choices.items() if not group.startswith("hydra/")},
        "config": config,
        "seed": config["seed"],
        "data_checksum": data_checksum,
        **({"own_parts": own} if own else {}),
        **environment,
    }


def weights_hash(weights: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 of names, shapes, dtypes and bytes of the tensors, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        digest.update(f"{name}{list(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def git_state(folder: Path) -> dict[str, Any] | None:
    """Return commit and dirty flag of the Git checkout that tracks the folder's contents, None if none does."""
    tracked = _package_is_tracked() if folder == _PACKAGE else _git(folder, "ls-files", ".")
    if not tracked:  # an installation below someone's unrelated checkout is not tracked by it
        return None
    lines = (_git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no") or "").splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), None)
    return None if commit is None else {"commit": commit, "dirty": any(not line.startswith("#") for line in lines)}


def write_changes(path: Path, record: Mapping[str, Any], like: Path | None = None) -> None:
    """Write uncommitted.diff, what `git apply` would add to the commit in the manifest, if there is any such change.

    Args:
        path: the run directory.
        record: its manifest.
        like: the directory of a run that has the same.
    """
    if not record["git"] or not record["git"]["dirty"]:
        return
    if like is not None:
        write_atomic(path / CHANGES, read_bytes(like / CHANGES))
        return
    folder = next(folder for folder in _checkouts() if git_state(folder))
    diff = _git(folder, "diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv") or ""
    write_atomic(path / CHANGES, diff + "\n")


def environment_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Map key to [before, now] for differences of two manifests in versions, machine, data and code."""
    flat = [
        {
            **{key: manifest.get(key) for key in ENVIRONMENT},
            "format": manifest.get("format", 1),
            **{f"git.{key}": (manifest.get("git") or {}).get(key) for key in ("commit", "dirty")},
            **(manifest.get("packages") or {}),
            **{name: dict(part).get("sha256") for name, part in (manifest.get("own_parts") or {}).items()},
        }
        for manifest in (before, now)
    ]
    keys = dict.fromkeys([*flat[0], *flat[1]])
    return {key: [flat[0].get(key), flat[1].get(key)] for key in keys if flat[0].get(key) != flat[1].get(key)}


def _environment(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values shared by all jobs that a process runs at one time; their keys are OF_PROCESS."""
    return {
        "command": sys.argv,
        "directory": str(Path.cwd()),
        "git": next(filter(None, map(git_state, _checkouts())), None),
        "devices": config["trainer"]["devices"],
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cpu": cpu_name(),
        "cpu_count": os.cpu_count(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


_PACKAGE = Path(__file__).parent


def _checkouts() -> list[Path]:
    return [_PACKAGE, Path.cwd()]


@cache
def _package_is_tracked() -> bool:
    """Return whether linnet itself is part of a checkout, which does not change while it runs."""
    return bool(_git(_PACKAGE, "ls-files", "."))


def _git(folder: Path, *words: str) -> str | None:
    try:
        # The checkout may be untrusted: its Git settings must not run anything.
        safe = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
        answer = subprocess.run(["git", "-C", str(folder), *safe, *words], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return answer.stdout.rstrip("\n") if answer.returncode == 0 else None


@cache
def cpu_name() -> str:
    """Return the processor's name: a library may treat two of equal capability differently."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@cache
def _version(package: str) -> str | None:
    """Return the version of an installed package: it is looked for in many files, and what is imported stays."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
