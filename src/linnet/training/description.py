"""Describe a run: in two lines for the terminal, and as hyperparameters for TensorBoard."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linnet.config.check_options import declared
from linnet.config.compose import flat
from linnet.config.groups import EXPERIMENT, GROUPS
from linnet.data import Data

OF_NO_RESULT = ("name", "tags", "notes", "figures", "data.root", "data.download")
"""Keys that HPARAMS leaves out: names and places, and what is drawn."""


def describe(choices: Mapping[str, Any], config: Mapping[str, Any], data: Data, path: Path) -> str:
    """Return what the data source reports, model, data and training in one line, and the run directory."""
    sizes = [
        f"{len(part)} {name}" for name, part in (("train", data.train), ("val", data.val), ("test", data.test)) if part
    ]
    if declared(config["optimizer"]).exact:
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
    """Return the hyperparameters for TensorBoard: every key that may be swept.

    Numbers stay numbers, for its axes; all else is a text. Where files lie and what is drawn is left out.
    """
    found: dict[str, Any] = {group: str(choices[group]) for group in (*GROUPS, EXPERIMENT) if choices.get(group)}
    for key, value in flat(config).items():
        if key not in OF_NO_RESULT and not key.endswith("_target_"):
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            found[key] = (
                value if is_number else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            )
    return found
