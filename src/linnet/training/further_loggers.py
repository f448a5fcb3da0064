"""Start a run's loggers besides TensorBoard before training, and give them the result after it."""

from collections.abc import Mapping

from linnet.config.loggers import further
from linnet.system.interrupts import Interrupts
from linnet.tracking.history import History
from linnet.tracking.loggers.fan_out import FurtherLoggers
from linnet.tracking.loggers.further_logger import LoggedRun
from linnet.training.components import make
from linnet.training.context import RunRequest, TrainingContext
from linnet.training.hyperparameters import hyperparameters

FILES = ("weights.safetensors", "metrics.json", ".hydra/config.yaml")
"""Files of a run directory that loggers are given, besides figures."""


def build_further_loggers(
    request: RunRequest, history: History, steps_per_epoch: int, interrupts: Interrupts
) -> FurtherLoggers:
    """Return the further loggers that the configuration names, started."""
    config = request.config
    nodes = {} if request.only_tensorboard else further(config)
    loggers = FurtherLoggers({name: make(node) for name, node in nodes.items()}, history, steps_per_epoch, interrupts)
    params = hyperparameters(request.choices, config)
    tags, notes = config.get("tags") or (), config.get("notes")
    loggers.open(LoggedRun(request.path, params, tags, notes, request.recorded))
    return loggers


def log_result(context: TrainingContext, metrics: Mapping[str, float]) -> None:
    """Give the final metrics and the files to the further loggers, all metrics but those of single coefficients."""
    path = context.request.path
    names = [*FILES, *(f"figures/{file.name}" for file in sorted((path / "figures").glob("*.png")))]
    shown = {key: value for key, value in metrics.items() if key.count("/") == 1}
    files = [path / name for name in names if (path / name).is_file()]
    context.further_loggers.log_result(context.logger.final_names(shown), context.model.steps_done, files)
