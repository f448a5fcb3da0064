"""Jobs of a sweep, planned and registered; the registry is kept across restarts and changed grids.

A job is identified by the hash of its resolved configuration, so it is recognised wherever it stands in a later grid.
Its number, which names its directory, is given once and never again. Its state is what its own status.json says.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig

from linnet.config.option_types import CountOrZero, accepts
from linnet.system.errors import InputError
from linnet.system.files import write_json
from linnet.system.reading import read_json
from linnet.tracking.directory import is_owned
from linnet.tracking.lock import Lock, Owned
from linnet.tracking.manifest_file import is_unchanged

FINISHED = ("completed", "diverged")
"""States that trying again would not change: a diverged job diverges each time."""
CHECKSUM = "jobs_sha256"
"""Key of the registry's own checksum, over its jobs. Earlier versions wrote none."""


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
                content = read_json(path)
                entries = [_job(**entry) for entry in content["jobs"]]
                if content.get(CHECKSUM, _checksum(content["jobs"])) != _checksum(content["jobs"]):
                    raise ValueError("it is not as a sweep wrote it")
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{path} is damaged: choose another hydra.sweep.dir, or mend it") from error
            self.jobs = {job.identity: job for job in entries}
        return self

    def __exit__(self, *_: object) -> None:
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
        jobs = [asdict(job) for job in self.jobs.values()]
        write_json(self.folder / "ledger.json", {"jobs": jobs, CHECKSUM: _checksum(jobs)})
        return [self.jobs[identity] for identity in dict.fromkeys(identity for identity, _ in entries)]

    def directory(self, job: Job) -> Path:
        return self.folder / str(job.number)

    def status(self, job: Job) -> dict[str, Any]:
        """Return the job's status.json; state "new" if it is missing or unreadable."""
        try:
            status = read_json(self.directory(job) / "status.json")
            return status if isinstance(status, dict) and isinstance(status.get("state"), str) else {"state": "new"}
        except (OSError, ValueError):
            return {"state": "new"}

    def metrics(self, job: Job) -> dict[str, float | None]:
        """Return the final metrics of a completed job, None for one that is undefined; empty if they were changed."""
        run = self.directory(job)
        try:
            metrics, manifest = read_json(run / "metrics.json"), read_json(run / "manifest.json")
        except (OSError, ValueError):
            return {}
        whole = isinstance(metrics, dict) and isinstance(manifest, dict) and is_unchanged(run, "metrics.json", manifest)
        return {key: value if accepts(float, value) else None for key, value in metrics.items()} if whole else {}

    def clear(self, job: Job) -> None:
        """Remove the files of an earlier, unfinished attempt at the job.

        Raises:
            InputError: that attempt is not over: the process that began the sweep has ended, its workers have not.
        """
        if is_owned(self.directory(job)):
            raise InputError(f"{self.directory(job)}: another process is at work on this job; wait for it, or stop it")
        shutil.rmtree(self.directory(job), ignore_errors=True)


def _checksum(jobs: Any) -> str:
    return hashlib.sha256(json.dumps(jobs, sort_keys=True).encode()).hexdigest()


def _job(number: Any, identity: Any, overrides: Any) -> Job:
    """Return an entry of the registry. Raises ValueError unless it has the types that are written."""
    if not accepts(CountOrZero, number) or not isinstance(identity, str) or not accepts(Sequence[str], overrides):
        raise ValueError(f"job {number!r:.40} is no entry of a registry")
    return Job(number, identity, tuple(overrides))


class Planned(NamedTuple):
    """A job before it has a number.

    identity: hash of its resolved configuration.
    words: the overrides that make it.
    config: with its `hydra` node.
    resolved: the same without that node, checked, in plain containers.
    hydra: that node in plain containers, but for what differs from job to job.
    """

    identity: str
    words: Sequence[str]
    config: DictConfig
    resolved: dict[str, Any]
    hydra: dict[str, Any]


class VectorizedOptions(NamedTuple):
    """Options of `hydra/launcher=vectorized`.

    max_models: trained at once, in all processes.
    processes: among which they are divided; None: as many as there are threads, if that pays.
    """

    max_models: int
    processes: int | None
