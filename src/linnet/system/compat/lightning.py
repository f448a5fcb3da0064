"""Private parts of Lightning."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import EarlyStopping


def leave_signals_alone(trainer: "pl.Trainer") -> None:
    """Keep Lightning from installing its own handlers of signals, for which the Trainer has no option."""
    trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]


def count_step(trainer: "pl.Trainer", step: int) -> None:
    """Make `trainer.global_step` the number of updates, which Lightning counts by optimizers and linnet has none."""
    trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress.total.completed = step


def stops_early(callback: "EarlyStopping", value: float, n: int) -> bool:
    """Return whether the callback ends training after an epoch, and count the epoch, where there is no Trainer.

    Args:
        callback: keeps its own state.
        value: of the metric that it monitors.
        n: validation examples; a Trainer has `self.log` average the metric over them, with float32's rounding.
    """
    import torch

    logged = torch.tensor(value, dtype=torch.get_default_dtype())
    stops, reason = callback._evaluate_stopping_criteria(logged * n / n)
    if stops:
        callback.stopping_reason_message = reason
    return stops
