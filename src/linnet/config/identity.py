"""The identity of a run: a hash of what it computes, and not of where it lies."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def config_hash(config: Mapping[str, Any]) -> str:
    """Sha256 of a resolved configuration as canonical JSON: equal for equal settings, however they were given.

    Names and paths are left out, since they say where things lie and not what they are.
    """
    config = {key: value for key, value in config.items() if key != "name"}
    if config.get("init_from") is None:  # of runs of before there was such a key, too
        config.pop("init_from", None)
    config["data"] = {key: value for key, value in config["data"].items() if key != "root"}
    return hashlib.sha256(json.dumps(config, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
