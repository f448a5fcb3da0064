"""Runs that are interrupted at a step, and the commands that go on with them."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import linnet
import linnet.training.resume
from linnet.cli import main as cli
from linnet.models import gradient_descent
from linnet.system.errors import Interrupted
from linnet.system.reading import read_json
from linnet.tracking.checkpoint_file import load

N_STEPS, N_EPOCHS = 15, 3
COMMON = (
    "figures=false", "threads=1", f"trainer.max_epochs={N_EPOCHS}", "trainer.log_every_n_steps=2",
    "callbacks.checkpoint.every_n_steps=4",
)  # fmt: skip
BLOBS = ("data=gaussian_blobs", "data.n_train=60", "data.n_val=50", "data.n_test=50", "data.batch_size=4")
NUMBERS = ("data=synthetic_regression", "data.n_train=60", "data.n_val=50", "data.n_test=50", "data.batch_size=4")
FAMILIES = {
    "sgd": BLOBS,
    "momentum": (*BLOBS, "optimizer=momentum", "schedule=step", "schedule.step_epochs=1"),
    "nesterov": (*NUMBERS, "optimizer=momentum", "optimizer.nesterov=true", "loss=huber"),
    "adam": (*BLOBS, "optimizer=adam", "schedule=cosine", "schedule.warmup_epochs=0.5"),
    "adamw": (*BLOBS, "optimizer=adamw", "data.dtype=float64", "data.standardize=true"),
    "adagrad": (*BLOBS, "optimizer=adagrad", "penalty=l1", "penalty.strength=0.01"),
    "rmsprop": (*NUMBERS, "optimizer=rmsprop", "penalty=l2", "penalty.strength=0.1"),
    "torch_sgd": (*BLOBS, "optimizer=torch_sgd", "optimizer.momentum=0.9", "model.gradient=autograd"),
    "torch_adam": (*BLOBS, "optimizer=torch_adam", "loss=torch_cross_entropy"),
    "torch_adamw": (*NUMBERS, "optimizer=torch_adamw", "model.bias=false"),
    "resamples": (*BLOBS, "optimizer=adam", "resampling=kfold", "data.batch_size=4", "data.standardize=true"),
    "lbfgs": (*NUMBERS, "optimizer=torch_lbfgs", "optimizer.max_iter=3"),
}
# Runs whose validation loss is lowest in the second of their epochs.
RESTLESS = (
    "data=gaussian_blobs", "data.outliers=300", "optimizer.lr=2", "trainer.max_epochs=5", "data.n_test=50",
    "trainer.log_every_n_steps=9",
)  # fmt: skip
BEST_STEP = 40
STOPPING = (*RESTLESS, "callbacks=early_stopping", "callbacks.early_stopping.patience=2")
INTERRUPTED, KILLED = 128 + signal.SIGINT, 128 + signal.SIGTERM
Train = Callable[..., Path]


def words(directory: Path, *overrides: str) -> list[str]:
    return [f"hydra.run.dir={directory}", *COMMON, *overrides]


def train(directory: Path, *overrides: str) -> int:
    """By the command, which takes twice as long: it composes the configuration twice."""
    return cli.run(["train", *words(directory, *overrides)])


def resume(directory: Path) -> int:
    return cli.run(["resume", str(directory)])


def status(directory: Path) -> dict[str, Any]:
    return read_json(directory / "status.json")


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr."""
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def at_step(patch: pytest.MonkeyPatch, step: int, act: Callable[[], object]) -> None:
    """Do something in the next run after the update with that number, before anyone asks for signals."""
    original = gradient_descent.train_chunk

    def train_chunk(*arguments: Any) -> Any:
        numbers = iter(next(argument for argument in arguments if isinstance(argument, range)))
        interrupted = arguments[-1]

        def asked() -> bool:
            if next(numbers) == step:
                act()
            return interrupted()

        return original(*arguments[:-1], asked)

    patch.setattr(gradient_descent, "train_chunk", train_chunk)


def interrupt(directory: Path, step: int, *overrides: str, signum: int = signal.SIGTERM) -> None:
    """Train until a signal comes in the update with that number; go on instead, if there is a run."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted) as caught:
        at_step(patch, step, lambda: signal.raise_signal(signum))
        if directory.exists():
            linnet.training.resume.resume(directory)
        else:
            linnet.train(words(directory, *overrides))
    assert caught.value.exit_code == 128 + signum
    assert status(directory)["state"] == "interrupted"
    assert load(directory / "checkpoints" / "last.ckpt")["linnet"]["steps_done"] == step


def flipped(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]
