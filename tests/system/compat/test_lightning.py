"""Private parts of Lightning do what linnet uses them for."""

import signal

import pytorch_lightning as pl
from pytorch_lightning.trainer.connectors.signal_connector import _SignalConnector

from linnet.system.compat.lightning import count_step, leave_signals_alone


def test_lightning_registers_no_signal_handlers_when_told_so():
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    assert isinstance(trainer._signal_connector, _SignalConnector)
    assert callable(_SignalConnector.register_signal_handlers)
    before = signal.getsignal(signal.SIGTERM)
    leave_signals_alone(trainer)
    trainer._signal_connector.register_signal_handlers()
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_number_of_updates_is_the_global_step():
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    trainer.strategy.connect(pl.LightningModule())
    trainer.lightning_module.automatic_optimization = False
    count_step(trainer, 7)
    assert trainer.global_step == 7
