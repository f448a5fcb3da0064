"""Cache of optima, shared by all runs and processes of this machine."""

import fcntl
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.system.files import write_atomic
from linnet.system.writing import open_own

MOST, LARGEST = 32, 2**20
"""Analyses that are kept in memory, and bytes of each."""
_recent: OrderedDict[str, bytes] = OrderedDict()


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


def kept_in_memory(folder: Path, problem: Mapping[str, Any], find: Callable[[], ProblemAnalysis]) -> ProblemAnalysis:
    """Return the analysis of a problem: that of the cache, or one that this process found before, or a new one.

    Writes nothing. Arguments as for `kept`.
    """
    path = _path(folder, problem)
    with suppress(OSError, ValueError):
        return ProblemAnalysis.from_bytes(path.read_bytes())
    encoded = _recent.pop(path.name, None)  # at once, as other threads may ask too
    if encoded is None:
        analysis = find()
        encoded = analysis.to_bytes()
    else:
        analysis = ProblemAnalysis.from_bytes(encoded)  # tensors of its own
    if len(encoded) <= LARGEST:
        _recent[path.name] = encoded
        if len(_recent) > MOST:
            _recent.popitem(last=False)
    return analysis


def _path(folder: Path, problem: Mapping[str, Any]) -> Path:
    key = json.dumps(problem, sort_keys=True, separators=(",", ":"))
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()}.safetensors"
