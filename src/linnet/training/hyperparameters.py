"""The hyperparameters of a run, as its loggers show them."""

import json
from collections.abc import Mapping
from typing import Any

from linnet.config.compose import flat
from linnet.config.groups import EXPERIMENT, GROUPS
from linnet.config.loggers import primary

OF_NO_RESULT = ("name", "tags", "notes", "figures", "data.root", "data.download")
"""Keys that hyperparameters leave out: names and places, and what is drawn."""


def hyperparameters(choices: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hyperparameters: every key that may be swept.

    Numbers stay numbers, for axes of figures; all else is a text. Where files lie and what is drawn is left out.
    """
    found: dict[str, Any] = {group: str(choices[group]) for group in (*GROUPS, EXPERIMENT) if choices.get(group)}
    for key, value in flat({**config, "logger": primary(config["logger"])}).items():
        if key not in OF_NO_RESULT and not key.endswith("_target_"):
            plain = isinstance(value, (int, float, str)) and not isinstance(value, bool)
            found[key] = value if plain else json.dumps(value, ensure_ascii=False)
    return found
