"""A run in words and numbers: for the person who started it, TensorBoard's HPARAMS page, and `linnet predict`."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linnet.config import EXPERIMENT, GROUPS
from linnet.config.compose import flat
from linnet.data import Data
from linnet.data.examples import Pictures, Task
from linnet.losses import Loss, PoissonNLL, TorchPoissonNLL
from linnet.predictor import VERSION, Link

OF_NO_RESULT = ("name", "figures", "data.root", "data.download")
"""Keys that HPARAMS leaves out: names and places, and what is drawn."""


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
    """What HPARAMS shows: every key that may be swept, and so may be all that two runs differ in.

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


def of_predictor(data: Data, loss: Loss, *, solved: bool = False) -> str:
    """What `linnet.predictor` reads beside the weights, as JSON.

    Args:
        solved: whether the run's weights are the optimum whose coefficients optimum.safetensors holds.
    """
    source, scaling = data.source, data.scaling
    node = {
        "version": VERSION,
        "task": source.task,
        "link": link_of(source.task, loss),
        "class_names": source.class_names,
        "feature_names": source.feature_names,
        "image_shape": source.image_shape or (),
        "byte_scale": Pictures.SCALE if isinstance(source.train, Pictures) else 1.0,
        "row_norm": source.row_norm,
        "mean": None if scaling is None else scaling.mean.tolist(),
        "deviation": None if scaling is None else [_finite(number) for number in scaling.deviation.tolist()],
        "target_offset": None if data.offset is None else data.offset.tolist(),
        "solved": solved,
        "table": None if source.preprocessing is None else source.preprocessing.to_node(),
    }
    return json.dumps(node, indent=None if source.preprocessing is None else 2, ensure_ascii=False) + "\n"


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None  # JSON has no infinity


def link_of(task: Task, loss: Loss) -> Link:
    if task == "classification":
        return "softmax"
    return "exp" if isinstance(loss, (PoissonNLL, TorchPoissonNLL)) else "identity"
