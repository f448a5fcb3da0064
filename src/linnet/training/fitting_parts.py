"""Check that data, task, loss, outputs and device of a run fit together, once the data is known."""

import math
from collections.abc import Mapping
from typing import Any

from linnet.config.check_options import TARGETS, declared, remedy
from linnet.data import Data, Source
from linnet.data.given import given_name
from linnet.losses import Loss
from linnet.system.errors import InputError


def check_task(config: Mapping[str, Any], source: Source) -> None:
    """Check that the loss is for targets such as these; the task of some sources is only known from their data."""
    expected = declared(config["loss"]).task
    if source.task != expected:
        if declared(config["data"]).is_table:
            found = f"the data.target of data=table holds {TARGETS[source.task]}"
        else:
            kind = {"classification": "whole numbers or text", "regression": "floating point"}[source.task]
            found = f"the targets in data.y are {TARGETS[source.task]} ({kind})"
        raise InputError(
            f"the model predicts {TARGETS[expected]}, but {found}: use {remedy(source.task)}, or data.task={expected}"
        )


def check_device(config: Mapping[str, Any], source: Source) -> None:
    if given_name(config["data"]) is not None and config["trainer"]["devices"] > 1:
        raise InputError("trainer.devices: data given in Python stays in one process, for several give files")
    if source.train.streamed and config["trainer"]["accelerator"] == "gpu":
        raise InputError(
            f"trainer.accelerator=gpu: data larger than memory is trained on the CPU, use trainer=default or more than "
            f"data.max_memory_mb={config['data']['max_memory_mb']}"
        )


def check_outputs(n_outputs: int, source: Source) -> None:
    fits = n_outputs >= source.n_outputs if source.task == "classification" else n_outputs == source.n_outputs
    if not fits:
        what = "classes" if source.task == "classification" else "target columns"
        raise InputError(
            f"model.n_outputs={n_outputs}: the data has {source.n_outputs} {what}, give that number or null"
        )


def check_targets(loss: Loss, data: Data) -> None:
    if math.isinf(loss.lowest_target):
        return
    for name, part in (("training", data.train), ("validation", data.val), ("test", data.test)):
        lowest = math.inf if part is None else min(float(y.min()) for y in part.targets())
        if lowest < loss.lowest_target:
            raise InputError(
                f"{type(loss).__name__} needs targets of at least {loss.lowest_target:g}, but the {name} part has "
                f"{lowest:g}: use loss=squared_error, or other data"
            )
