"""Describe a run in words before it begins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linnet.config.check_options import declared
from linnet.data import Data


def _length(config: Mapping[str, Any], data: Data) -> str:
    """Return how long training lasts: "20 epochs", or "150 steps" where these end it before."""
    epochs = config["trainer"]["max_epochs"]
    steps = data.max_steps
    if steps is None or steps > epochs * data.chunks.steps_per_epoch:
        return f"{epochs} epochs"
    return "1 step" if steps == 1 else f"{steps} steps"


def describe(choices: Mapping[str, Any], config: Mapping[str, Any], data: Data, path: Path | None) -> str:
    """Return what the data source reports, model, data and training in one line, and the run directory if any."""
    sizes = [
        f"{len(part)} {name}" for name, part in (("train", data.train), ("val", data.val), ("test", data.test)) if part
    ]
    if declared(config["optimizer"]).exact:
        how = "solved exactly"
    else:
        how = (
            f"{_length(config, data)} in batches of {data.batch_size}, "
            f"{choices['optimizer']} lr={config['optimizer']['lr']:g}"
        )
    if config["trainer"]["devices"] > 1:
        how += f", {config['trainer']['devices']} processes"
    if data.resamples is not None:
        how += f", {len(data.resamples)} resamples"
    planned = (
        f"{choices['model']} on {choices['data']}: {' + '.join(sizes)} examples of {data.train.n_features} features, "
        f"{how}, seed {config['seed']}"
    )
    return "\n".join([*data.source.summary, planned, *([] if path is None else [str(path)])])
