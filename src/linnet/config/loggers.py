"""The `logger` group: the options of TensorBoard, which every run has, and a node for each further logger."""

from collections.abc import Mapping
from typing import Any


def primary(node: Any) -> Any:
    """Return the part of a `logger` node that is TensorBoard's."""
    return (
        {key: value for key, value in node.items() if not isinstance(value, dict)} if isinstance(node, dict) else node
    )


def further(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return name -> node of each logger of a configuration besides TensorBoard."""
    node = config.get("logger")
    return {name: part for name, part in node.items() if isinstance(part, dict)} if isinstance(node, dict) else {}


def with_loggers(choices: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return config group -> chosen option with that of `logger`, which Hydra leaves out where a list was chosen."""
    return {**choices, "logger": choices.get("logger") or ",".join(further(config)) or "tensorboard"}
