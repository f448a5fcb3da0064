"""A run in words and numbers: for the person who started it, and for TensorBoard's HPARAMS page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linnet.data import Data


def describe(choices: Mapping[str, Any], config: Mapping[str, Any], data: Data, path: Path) -> str:
    """What is about to be trained on what, in two lines, after what the source found in its data."""
    sizes = [
        f"{len(part)} {name}" for name, part in (("train", data.train), ("val", data.val), ("test", data.test)) if part
    ]
    if config["optimizer"]["_target_"] == "linnet.optimizers.Exact":
        how = "solved exactly"
    else:
        how = (
            f"{config['trainer']['max_epochs']} epochs in batches of {data.batch_size}, "
            f"{choices['optimizer']} lr={config['optimizer']['lr']:g}"
        )
    if config["trainer"]["devices"] > 1:
        how += f", {config['trainer']['devices']} processes"
    planned = (
        f"{choices['model']} on {choices['data']}: {' + '.join(sizes)} examples of {data.train.n_features} features, "
        f"{how}, seed {config['seed']}"
    )
    return "\n".join([*data.source.summary, planned, str(path)])


def hyperparameters(choices: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """What HPARAMS shows: the chosen options, and their numbers."""
    groups = ("data", "model", "loss", "penalty", "optimizer", "schedule")
    found: dict[str, Any] = {group: choices[group] for group in groups}
    found |= {"seed": config["seed"], "trainer.max_epochs": config["trainer"]["max_epochs"]}
    for group in groups:
        for key, value in config[group].items():
            if isinstance(value, (bool, int, float)) and f"{group}.{key}" not in ("data.download", "data.seed"):
                found[f"{group}.{key}"] = str(value).lower() if isinstance(value, bool) else value
    return found
