"""What a run leaves behind: TensorBoard events, history, checkpoints, manifest, status, figures."""

from linnet.tracking.checkpoint import Checkpoint
from linnet.tracking.history import Curve, read_history
from linnet.tracking.logger import RunLogger

__all__ = ["Checkpoint", "Curve", "RunLogger", "read_history"]
