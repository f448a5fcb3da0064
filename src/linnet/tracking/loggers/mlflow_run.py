"""`logger=mlflow`: a run of MLflow, one of a sweep below a run for the sweep."""

import getpass
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from linnet.system.errors import InputError
from linnet.system.files import write_atomic
from linnet.system.reading import read_text
from linnet.system.sanitize import printable
from linnet.system.writing import own_folder
from linnet.tracking.lock import Lock, Owned
from linnet.tracking.loggers.further_logger import (
    Epoch,
    FurtherLogger,
    LoggedRun,
    State,
    quiet,
    refuse_recorded_address,
    unless_set,
)

if TYPE_CHECKING:
    from mlflow.entities import Run

log = logging.getLogger(__name__)

DIRECTORY, SWEEP = "linnet.directory", "linnet.sweep"
"""Tags by which a run is found again: where it lies."""
STATUS = {"completed": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
AT_ONCE = {"metrics": 1000, "params": 100}
"""What MLflow takes in one request."""
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}  # fmt: skip
"""Where the environment does not say otherwise: report nothing to MLflow's makers; a server that is gone is given up
after seconds and not after minutes."""


class MLflowRun(FurtherLogger):
    """Parameters, metrics of every epoch, final metrics and files, by MLflow's client.

    Lightning's MLFlowLogger cuts parameters off after 250 characters, and takes one epoch per request.

    Args:
        tracking_uri: of the store; None: $MLFLOW_TRACKING_URI, else what MLflow takes in the current directory.
        experiment_name: made if there is none.
    """

    package: ClassVar[str | None] = "mlflow"

    def __init__(self, tracking_uri: str | None = None, experiment_name: str = "linnet") -> None:
        self.tracking_uri, self.experiment_name = tracking_uri, experiment_name

    def open(self, run: LoggedRun) -> int:
        refuse_recorded_address(run, self.tracking_uri, "MLFLOW_TRACKING_URI")
        unless_set(ENVIRONMENT)
        from mlflow.entities import Param
        from mlflow.tracking import MlflowClient

        quiet("mlflow", "alembic", "urllib3")
        self._client = MlflowClient(self.tracking_uri)
        self._parent: str | None = None
        if run.sweep is None:
            self._experiment = self._experiment_id()
        else:
            with _alone(run.sweep) as folder:
                self._experiment = self._experiment_id()
                self._parent = self._sweep(run.sweep, folder / "parent")
        self._path = run.path
        tags = {
            DIRECTORY: str(run.path), "tags": ",".join(run.tags), "mlflow.note.content": run.notes or "",
            "mlflow.parentRunId": self._parent or "",
        }  # fmt: skip
        found = self._newest(str(run.path)) if run.recorded else None
        if found is None:
            found = self._create(run.name, tags)
        self._run_id = found.info.run_id
        self._client.update_run(self._run_id, status="RUNNING")
        # One that is there cannot be changed, such as the number of epochs of a run that has more now.
        new = [Param(name, str(value)) for name, value in run.params.items() if name not in found.data.params]
        self._log_batch("params", new)
        steps = [self._client.get_metric_history(self._run_id, name) for name in found.data.metrics]
        return max((metric.step for history in steps for metric in history), default=0)

    def log_epochs(self, epochs: Sequence[Epoch]) -> None:
        from mlflow.entities import Metric

        points = [
            Metric(name, value, epoch.milliseconds, epoch.step)
            for epoch in epochs
            for name, value in epoch.metrics.items()
        ]
        self._log_batch("metrics", points)

    def log_result(self, metrics: Mapping[str, float], step: int, files: Sequence[Path]) -> None:
        self.log_epochs([Epoch(step, metrics, int(time.time() * 1000))])
        for file in files:
            folder = file.parent.relative_to(self._path)
            self._client.log_artifact(self._run_id, str(file), None if folder == Path() else str(folder))

    def close(self, state: State) -> None:
        if not self._client.tracking_uri.startswith("http"):
            log.info(printable(f"logger=mlflow: mlflow ui --backend-store-uri {self._client.tracking_uri}"))
        self._client.set_terminated(self._run_id, STATUS[state])
        if self._parent is not None:  # of jobs that run at once, the last one to end says it last
            self._client.set_terminated(self._parent, "FINISHED")

    def _experiment_id(self) -> str:
        found = self._client.get_experiment_by_name(self.experiment_name)
        if found is None:
            return str(self._client.create_experiment(self.experiment_name))
        if found.lifecycle_stage == "deleted":
            raise InputError(f"the experiment {self.experiment_name} was deleted: restore it, or use another name")
        return str(found.experiment_id)

    def _sweep(self, sweep: Path, record: Path) -> str:
        """Return the id of the run for a sweep; the first job makes one, and records it for the others."""
        known = read_text(record).strip() if record.is_file() else ""
        for run in self._search(SWEEP, str(sweep)):  # those of sweeps of before lay in the same place
            if run.info.run_id == known:
                break
        else:
            run = self._create(f"{sweep.parent.name}/{sweep.name}", {SWEEP: str(sweep)})
            write_atomic(record, run.info.run_id)
        self._client.update_run(run.info.run_id, status="RUNNING")
        return str(run.info.run_id)

    def _newest(self, directory: str) -> "Run | None":
        """Return the run in a directory that is gone on with: those of before lay in the same place."""
        return next(iter(self._search(DIRECTORY, directory)), None)

    def _search(self, tag: str, value: str) -> "Sequence[Run]":
        escaped = value.replace("'", "''")
        found = f"tags.`{tag}` = '{escaped}'"
        return self._client.search_runs([self._experiment], found, order_by=["attributes.start_time DESC"])

    def _create(self, name: str, tags: Mapping[str, str]) -> "Run":
        shown = {"mlflow.user": _user(), "mlflow.source.name": "linnet", **tags}
        given = {key: value for key, value in shown.items() if value}
        return self._client.create_run(self._experiment, tags=given, run_name=name)

    def _log_batch(self, kind: str, items: Sequence[Any]) -> None:
        for first in range(0, len(items), AT_ONCE[kind]):
            batch: dict[str, Any] = {kind: items[first : first + AT_ONCE[kind]]}
            self._client.log_batch(self._run_id, **batch)


def _user() -> str:
    """Return who runs this; empty for a number without a name, as in a container."""
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return ""


@contextmanager
def _alone(sweep: Path) -> Iterator[Path]:
    """Wait until no other job of the sweep makes what they share; yield a folder for that, which stays behind."""
    folder = own_folder(sweep, ".mlflow")
    while True:
        try:
            lock = Lock(folder)
        except Owned:
            time.sleep(0.1)
        else:
            break
    with lock:
        yield folder
