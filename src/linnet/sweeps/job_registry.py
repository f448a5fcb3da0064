"""Registry of the jobs of a sweep directory, kept across restarts and changed grids.

A job is identified by the hash of its resolved configuration, so it is recognised wherever it stands in a later grid.
Its number, which names its directory, is given once and never again. Its state is what its own status.json says.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from linnet.system.errors import InputError
from linnet.system.files import write_json
from linnet.system.reading import read_json
from linnet.tracking.directory import is_owned
from linnet.tracking.lock import Lock, Owned

FINISHED = ("completed", "diverged")
"""States that trying again would not change: a diverged job diverges each time."""


@dataclass(frozen=True)
class Job:
    """One job: its number, the hash of its configuration, and the overrides that make it."""

    number: int
    identity: str
    overrides: tuple[str, ...]


class JobRegistry:
    """The jobs of one sweep directory, for the one process that may run them.

    A context manager: it holds a lock, which the system releases however the process ends.

    Args:
        folder: the sweep directory, made if absent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jobs: dict[str, Job] = {}

    def __enter__(self) -> "JobRegistry":
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock = Lock(self.folder)
        except Owned as error:
            raise InputError(f"{self.folder}: {error} is running this sweep: wait for it, or stop it first") from None
        path = self.folder / "ledger.json"
        if path.exists():
            try:
                entries = [
                    Job(**{**entry, "overrides": tuple(entry["overrides"])}) for entry in read_json(path)["jobs"]
                ]
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{path} is damaged: choose another hydra.sweep.dir, or mend it") from error
            self.jobs = {job.identity: job for job in entries}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.close()

    def enter(self, entries: Sequence[tuple[str, Sequence[str]]]) -> list[Job]:
        """Return the jobs of the given (identity, overrides), each once; new ones get the next free numbers."""
        free = max((job.number for job in self.jobs.values()), default=-1) + 1
        # A directory that some other run made here is not ours to use.
        free = max([free, *(int(path.name) + 1 for path in self.folder.iterdir() if path.name.isdecimal())])
        for identity, overrides in entries:
            if identity not in self.jobs:
                self.jobs[identity] = Job(free, identity, tuple(overrides))
                free += 1
        write_json(self.folder / "ledger.json", {"jobs": [asdict(job) for job in self.jobs.values()]})
        return [self.jobs[identity] for identity in dict.fromkeys(identity for identity, _ in entries)]

    def directory(self, job: Job) -> Path:
        return self.folder / str(job.number)

    def status(self, job: Job) -> dict[str, Any]:
        """Return the job's status.json; state "new" if it is missing or unreadable."""
        try:
            status = read_json(self.directory(job) / "status.json")
            return status if isinstance(status, dict) and "state" in status else {"state": "new"}
        except (OSError, json.JSONDecodeError):
            return {"state": "new"}

    def metrics(self, job: Job) -> dict[str, float]:
        """Return the final metrics of a completed job."""
        metrics: dict[str, float] = read_json(self.directory(job) / "metrics.json")
        return metrics

    def clear(self, job: Job) -> None:
        """Remove the files of an earlier, unfinished attempt at the job.

        Raises:
            InputError: that attempt is not over: the process that began the sweep has ended, its workers have not.
        """
        if is_owned(self.directory(job)):
            raise InputError(f"{self.directory(job)}: another process is at work on this job; wait for it, or stop it")
        shutil.rmtree(self.directory(job), ignore_errors=True)
