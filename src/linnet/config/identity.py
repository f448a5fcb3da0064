"""The identity of a run: a hash of what it computes, and not of where it lies."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from linnet.config.direction import direction


def config_hash(config: Mapping[str, Any]) -> str:
    """Sha256 of a resolved configuration as canonical JSON: equal for equal settings, however they were given.

    Names and paths are left out, since they say where things lie and not what they are. The objective counts with its
    direction, stated or not.
    """
    config = {key: value for key, value in config.items() if key != "name"}
    if "objective" in config:
        config["objective"] = {**config["objective"], "direction": direction(config["objective"])}
    config["data"] = {key: value for key, value in config["data"].items() if key != "root"}
    return hashlib.sha256(json.dumps(config, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
