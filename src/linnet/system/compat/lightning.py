"""Private parts of Lightning."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytorch_lightning as pl


def leave_signals_alone(trainer: "pl.Trainer") -> None:
    """Keep Lightning from installing its own handlers of signals, for which the Trainer has no option."""
    trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]
