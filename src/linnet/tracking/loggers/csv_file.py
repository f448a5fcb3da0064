"""`logger=csv`: metrics of every epoch as a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pytorch_lightning.loggers import CSVLogger

from linnet.system.writing import own_folder
from linnet.tracking.loggers.further_logger import Epoch, FurtherLogger, LoggedRun, State

FOLDER = "csv"


class CSVFile(FurtherLogger):
    """Lightning's CSVLogger, into csv/metrics.csv and csv/hparams.yaml of the run directory.

    The last row has the final metrics. A run that is resumed writes the files again from its beginning.
    """

    def open(self, run: LoggedRun) -> int:
        folder = own_folder(run.path, FOLDER)
        for file in folder.glob("*"):
            file.unlink()  # Lightning's would warn of them, and follow links
        self._logger = CSVLogger(run.path, name="", version=FOLDER)
        self._logger.log_hyperparams(dict(run.params))
        return 0

    def log_epochs(self, epochs: Sequence[Epoch]) -> None:
        for epoch in epochs:
            self._logger.experiment.log_metrics(dict(epoch.metrics), epoch.step)
        self._logger.save()

    def log_result(self, metrics: Mapping[str, float], step: int, files: Sequence[Path]) -> None:
        self._logger.experiment.log_metrics(dict(metrics), step)
        self._logger.save()

    def close(self, state: State) -> None:
        self._logger.finalize(state)
