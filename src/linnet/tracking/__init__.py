"""Output of a run: TensorBoard events, history, checkpoints, manifest, status, figures."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linnet.tracking.checkpoint import Checkpoint
    from linnet.tracking.history import Curve, read_history
    from linnet.tracking.logger import RunLogger

__all__ = ["Checkpoint", "Curve", "RunLogger", "read_history"]

_MODULES = {"Checkpoint": "checkpoint", "Curve": "history", "RunLogger": "logger", "read_history": "history"}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, so that figures and history need neither torch nor Lightning."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
