"""Cache of optima, shared by all runs and processes of this machine."""

import fcntl
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.system.files import write_atomic
from linnet.system.writing import open_own


def kept(folder: Path, problem: Mapping[str, Any], find: Callable[[], ProblemAnalysis]) -> tuple[ProblemAnalysis, bool]:
    """Return the analysis of a problem, computed on first use, and whether it was cached.

    Processes that ask for the same one at the same time wait for the first of them. A damaged file is replaced, and a
    folder that cannot be read or written to, or is full, costs each run its own search.

    Args:
        folder: of the cache, made if absent.
        problem: all that the result depends on, in plain containers.
        find: solves the problem.
    """
    path = _path(folder, problem)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open_own(path.with_suffix(".lock"), "w")
    except OSError:
        return find(), False
    with lock:  # the system releases it however the process ends
        with suppress(OSError):  # a file system that has no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(OSError, ValueError):  # it is not there, or damaged
            return ProblemAnalysis.from_bytes(path.read_bytes()), True
        analysis = find()
        with suppress(OSError):
            write_atomic(path, analysis.to_bytes())
        return analysis, False


def look_up(folder: Path, problem: Mapping[str, Any]) -> ProblemAnalysis | None:
    """Return the cached analysis of a problem, if there is one; writes nothing. Arguments as for `kept`."""
    path = _path(folder, problem)
    with suppress(OSError, ValueError):
        return ProblemAnalysis.from_bytes(path.read_bytes())
    return None


def _path(folder: Path, problem: Mapping[str, Any]) -> Path:
    key = json.dumps(problem, sort_keys=True, separators=(",", ":"))
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()}.safetensors"
