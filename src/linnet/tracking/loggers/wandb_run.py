"""`logger=wandb`: a run of Weights & Biases, in the group of its sweep."""

import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from linnet.system.sanitize import printable
from linnet.system.writing import own_folder
from linnet.tracking.loggers.further_logger import (
    Epoch,
    FurtherLogger,
    LoggedRun,
    State,
    quiet,
    refuse_recorded_address,
    unless_set,
)

log = logging.getLogger(__name__)

Mode = Literal["online", "offline", "disabled"]
FOLDER = "wandb"
OF_A_RUN = re.compile(r"(?:offline-)?run-\d{8}_\d{6}-(?P<id>[a-z0-9]{8})")
"""What wandb names the folder of each start of a run."""
EXIT_CODES = {"completed": 0, "interrupted": 130, "failed": 1}
SECONDS_TO_BEGIN, SECONDS_TO_END = 20.0, 30.0


class WandbRun(FurtherLogger):
    """Configuration, metrics of every epoch, final metrics, figures and files, by wandb.

    A run that is resumed is the same run there. Its files lie in the run directory; offline they are written again
    from the beginning.

    Args:
        project: made if there is none.
        entity: None: $WANDB_ENTITY, else your default one.
        mode: None: $WANDB_MODE, else online where there is a login.
    """

    package: ClassVar[str | None] = "wandb"

    def __init__(self, project: str = "linnet", entity: str | None = None, mode: Mode | None = None) -> None:
        self.project, self.entity, self.mode = project, entity, mode

    def open(self, run: LoggedRun) -> int:
        refuse_recorded_address(run, self.entity, "WANDB_ENTITY")
        unless_set({"WANDB_ERROR_REPORTING": "false"})
        import wandb

        quiet("wandb")
        identity = _identity(own_folder(run.path, FOLDER))
        # What an earlier start left is written again, or has been sent; and in a folder that was there before, links
        # may lead anywhere.
        shutil.rmtree(run.path / FOLDER)
        self._path = run.path
        self._run = wandb.init(
            project=self.project, entity=self.entity, mode=self.mode or _mode(wandb.setup().settings.mode),  # type: ignore[arg-type]
            id=identity, resume="allow", reinit="create_new", dir=run.path,
            name=run.name, group=None if run.sweep is None else f"{run.sweep.parent.name}/{run.sweep.name}",
            tags=list(run.tags), notes=run.notes, config=dict(run.params), settings=wandb.Settings(
                console="off", silent=True, init_timeout=SECONDS_TO_BEGIN, finish_timeout=SECONDS_TO_END,
                finish_timeout_raises=True,
            ),
        )  # fmt: skip
        return 0 if self._run.offline else max(0, self._run.starting_step - 1)

    def log_epochs(self, epochs: Sequence[Epoch]) -> None:
        for epoch in epochs:
            self._run.log(dict(epoch.metrics), step=epoch.step)

    def log_result(self, metrics: Mapping[str, float], step: int, files: Sequence[Path]) -> None:
        import wandb

        figures = {str(file.relative_to(self._path)): wandb.Image(str(file)) for file in files if file.suffix == ".png"}
        self._run.log({**metrics, **figures}, step=step)
        artifact = wandb.Artifact(f"run-{self._run.id}", type="run")
        for file in files:
            artifact.add_file(str(file), str(file.relative_to(self._path)))
        self._run.log_artifact(artifact)

    def close(self, state: State) -> None:
        folder = Path(self._run.dir).parent
        self._run.finish(exit_code=EXIT_CODES[state])
        if self._run.offline:
            log.info(printable(f"logger=wandb is offline: wandb sync {folder}"))


def _identity(folder: Path) -> str | None:
    """Return the id of the run whose files are in this folder, if there is one."""
    found = (OF_A_RUN.fullmatch(path.name) for path in sorted(folder.iterdir(), reverse=True))
    return next((match["id"] for match in found if match), None)


def _mode(of_environment: str) -> str:
    """Return the mode of environment and settings, but offline for online where there is no login."""
    import wandb

    return "offline" if of_environment == "online" and not wandb.login(prompt=False) else of_environment
