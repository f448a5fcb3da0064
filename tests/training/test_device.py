"""The device that trainer.accelerator=auto chooses, and what a machine with an unused GPU prints."""

import warnings
from pathlib import Path

import pytest
import torch
from pytorch_lightning.accelerators import CUDAAccelerator

from linnet.data import Data, Examples, Source
from linnet.models import LinearRegression
from linnet.training.device import WORTH_A_GPU, accelerator
from linnet.training.fit import make_trainer
from linnet.training.loop import LoopOptions, train_loop

D, N = 16, 1024


@pytest.fixture
def with_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


def data(n: int = N) -> Data:
    examples = Examples(torch.zeros(n, D), torch.zeros(n, 1))
    return Data(Source("regression", examples, None, ""), examples, None, None, batch_size=32, seed=0)


def chosen(epochs: int, asked: str = "auto", n_models: int = 1, **limits: int) -> str:
    prepared = data()
    for name, limit in limits.items():
        setattr(prepared, name, limit)
    return accelerator({"accelerator": asked, "max_epochs": epochs}, LinearRegression(D, n_models=n_models), prepared)


def test_takes_a_gpu_for_large_problems(with_gpu):
    enough = WORTH_A_GPU // (N * D)
    assert (chosen(enough), chosen(enough - 1)) == ("gpu", "cpu")
    assert (chosen(enough // 4, n_models=4), chosen(enough // 4)) == ("gpu", "cpu")
    assert chosen(enough, max_steps=N // 32 * (enough - 1)) == "cpu"
    assert chosen(enough, limit_batches=1) == "cpu"


def test_takes_what_is_asked_for(with_gpu):
    assert (chosen(1, "gpu"), chosen(10**9, "cpu")) == ("gpu", "cpu")


def test_takes_the_processor_where_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen(10**9) == "cpu"
    train_loop(LinearRegression(D), data(64), LoopOptions(max_epochs=1, accelerator="auto"))


def test_examples_that_cannot_move_stay(with_gpu, monkeypatch):
    monkeypatch.setattr(Examples, "can_move", False)
    assert chosen(10**9) == "cpu"


def test_says_nothing_of_a_gpu_that_is_not_used(with_gpu, monkeypatch, capfd):
    monkeypatch.setattr(CUDAAccelerator, "is_available", staticmethod(lambda: True))
    options = {
        "_target_": "pytorch_lightning.Trainer", "accelerator": "cpu", "devices": 1, "strategy": "auto",
        "max_epochs": 1, "log_every_n_steps": 1, "overfit_batches": 0,
    }  # fmt: skip
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        make_trainer(options, data(), [], Path())
    assert not shown
    assert capfd.readouterr() == ("", "")
