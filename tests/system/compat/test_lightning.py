"""Private parts of Lightning do what linnet uses them for."""

import signal
from datetime import timedelta

import pytest
import pytorch_lightning as pl
import torch
import torch.distributed as dist
from pytorch_lightning.accelerators import CPUAccelerator
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.trainer.connectors.signal_connector import _SignalConnector

from linnet.system.compat.ddp_strategy import PlainDDPStrategy
from linnet.system.compat.lightning import count_step, leave_signals_alone, stops_early


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


@pytest.mark.parametrize(("mode", "values", "stops"), [("min", [2.0, 1.0, 1.0], 3), ("max", [0.1, 0.2, 0.15, 0.3], 0)])
def test_early_stopping_counts_without_a_trainer(mode, values, stops):
    callback = EarlyStopping("val/loss", patience=1, mode=mode, min_delta=0.0)
    stopped = [stops_early(callback, value, 7) for value in values]
    assert stopped == [number + 1 == (stops or 3) for number in range(len(values))]


@pytest.mark.parametrize(
    "name", ["_configure_launcher", "_get_process_group_backend", "setup_distributed", "configure_ddp"]
)
def test_lightning_calls_the_methods_of_ddp_strategy_that_linnet_replaces(name):
    assert callable(getattr(DDPStrategy, name))


def test_lightning_strategy_meets_at_the_given_store_and_neither_starts_processes_nor_wraps_the_model():
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    strategy = PlainDDPStrategy(LightningEnvironment(), store, timedelta(seconds=60))
    strategy.accelerator = CPUAccelerator()
    strategy.parallel_devices = [torch.device("cpu")]
    strategy._configure_launcher()
    assert strategy.launcher is None
    strategy.setup_distributed()
    try:
        assert (strategy.process_group_backend, dist.get_rank(), dist.get_world_size()) == ("gloo", 0, 1)
        assert store.num_keys() > 0
        model = pl.LightningModule()
        strategy.connect(model)
        strategy.configure_ddp()
        assert strategy.model is model
    finally:
        dist.destroy_process_group()
    strategy.teardown()
    assert not hasattr(strategy, "_store")
