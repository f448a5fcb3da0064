"""Hash of a configuration: of everything that the result depends on, and not of names and paths."""

import hashlib
import json
from collections.abc import Mapping
from inspect import Parameter
from typing import Any

from linnet.config.check_resampling import is_resampled
from linnet.config.direction import direction
from linnet.config.loggers import primary
from linnet.config.option_types import options_of
from linnet.config.run_options import Trainer

TRAINER = options_of(Trainer)
NAMES = ("name", "tags", "notes")
"""Keys of a run that no result depends on."""

OF_DATA = ("fold", "outer_folds", "outer_fold")
"""Keys of data that say nothing while they are null."""


def config_hash(config: Mapping[str, Any]) -> str:
    """Return the sha256 of a resolved configuration as canonical JSON: equal for equal settings.

    Names, paths and loggers besides TensorBoard are left out, since they say where things lie and not what they are.
    The objective counts with its direction, stated or not.
    """
    text = json.dumps(_of_the_result(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(config: Mapping[str, Any]) -> str:
    """Return a text that is equal for settings that compute the same: 1 and 1.0 are one number."""
    return json.dumps(_with_whole_numbers(_of_the_result(config)), sort_keys=True)


def _of_the_result(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a configuration that the result depends on."""
    config = {key: value for key, value in config.items() if key not in NAMES}
    if config.get("init_from") is None:  # of runs of before there was such a key, too
        config.pop("init_from", None)
    if not is_resampled(config):  # as runs of before there was such a group
        config.pop("resampling", None)
    if "objective" in config:
        config["objective"] = {**config["objective"], "direction": direction(config["objective"])}
    if "logger" in config:
        config["logger"] = primary(config["logger"])
    config["data"] = {
        key: value
        for key, value in config["data"].items()
        if key != "root" and not (key in OF_DATA and value is None)  # as of runs of before there were such keys
    }
    if "trainer" in config:  # which has more options than that of a run of before
        config["trainer"] = {
            key: value
            for key, value in config["trainer"].items()
            if key not in TRAINER or TRAINER[key].default is Parameter.empty or value != TRAINER[key].default
        }
    return config


def _with_whole_numbers(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _with_whole_numbers(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_whole_numbers(value) for value in node]
    return int(node) if isinstance(node, float) and node.is_integer() else node
