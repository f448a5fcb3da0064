"""Private parts of Lightning."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytorch_lightning as pl


def leave_signals_alone(trainer: "pl.Trainer") -> None:
    """Keep Lightning from installing its own handlers of signals, for which the Trainer has no option."""
    trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]


def count_step(trainer: "pl.Trainer", step: int) -> None:
    """Make `trainer.global_step` the number of updates, which Lightning counts by optimizers and linnet has none."""
    trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress.total.completed = step
