"""Runs and sweeps that `stop.py` stops: their command lines, when each is stopped, and what they must end with."""

import random
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from killed_process import Broken
from safetensors.numpy import load_file

from linnet.system.reading import read_json
from linnet.tracking.directory import read_status

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
RUN = (
    "figures=false", "data=gaussian_blobs", "data.n_train=400", "data.n_test=50", "data.batch_size=4", "optimizer=adam",
    "trainer.max_epochs=12", "callbacks.checkpoint.every_n_steps=50",
)  # fmt: skip
SWEEP = (*RUN, "optimizer.lr=0.01,0.02,0.05,0.1")
VECTORIZED = (*SWEEP, "hydra/launcher=vectorized", "trainer.max_epochs=30")
JOBLIB = (*SWEEP, "hydra/launcher=joblib")
SCENARIOS: dict[str, tuple[str, ...]] = {
    "train": (*RUN, "threads=1"),
    "train, 2 threads": (*RUN, "threads=2"),
    "train, 2 processes": (*RUN, "threads=1", "trainer=ddp", "trainer.devices=2"),
    "resume": (*RUN, "threads=1"),
    "resume, 2 threads": (*RUN, "threads=2"),
    "basic": (*SWEEP, "threads=1"),
    "basic, 2 threads": (*SWEEP, "threads=2"),
    "joblib, 2 processes": (*JOBLIB, "threads=1", "hydra.launcher.n_jobs=2"),
    "joblib, 2 processes, 2 threads": (*JOBLIB, "threads=2", "hydra.launcher.n_jobs=2"),
    "submitit, on this machine": (*SWEEP, "hydra/launcher=submitit_local", "threads=1"),
    "ray, on this machine": (*SWEEP, "hydra/launcher=ray", "threads=1"),
    "vectorized, 1 process": (*VECTORIZED, "threads=1", "hydra.launcher.processes=1"),
    "vectorized, 1 process, 2 threads": (*VECTORIZED, "threads=2", "hydra.launcher.processes=1"),
    "vectorized, 2 processes": (*VECTORIZED, "threads=1", "hydra.launcher.processes=2"),
    "vectorized, 2 processes, 2 threads": (*VECTORIZED, "threads=2", "hydra.launcher.processes=2"),
}
CLEAN_UP = ("joblib", "submitit", "ray")
"""Launchers that clean up as Python exits, which a fork does not."""
LEFT_OUT = {("submitit, on this machine", signal.SIGKILL), ("ray, on this machine", signal.SIGKILL)}
"""Jobs of submitit import for seconds before they can look after the sweep, and there is no other way to end them.
Ray's own processes notice the end of a sweep that was killed after half a minute."""


def is_sweep(scenario: str) -> bool:
    return not scenario.startswith(("train", "resume"))


def command(scenario: str, folder: Path) -> list[str]:
    """Return the command line that begins it; a sweep goes on by the same."""
    words = SCENARIOS[scenario]
    if is_sweep(scenario):
        return ["train", "-m", *words, f"hydra.sweep.dir={folder}"]
    return ["train", *words, f"hydra.run.dir={folder}"]


def schedule(stops: int, scenarios: Sequence[str], rng: random.Random) -> list[tuple[str, signal.Signals]]:
    """Return scenario and signal of each stop: every scenario, and every pair, before any comes again."""
    pairs: list[tuple[str, signal.Signals]] = []
    while len(pairs) < stops:
        names, signals = rng.sample(scenarios, len(scenarios)), rng.sample(SIGNALS, len(SIGNALS))
        every = [
            (name, signals[(k + turn) % len(signals)]) for turn in range(len(signals)) for k, name in enumerate(names)
        ]
        pairs += [pair for pair in every if pair not in LEFT_OUT]
    return pairs[:stops]


def runs(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.rglob("status.json"))


def compare(folder: Path, undisturbed: Path) -> None:
    """Raise Broken unless all runs ended with the same weights."""
    for run in runs(undisturbed):
        name = run.relative_to(undisturbed)
        if read_status(folder / name).get("state") != "completed":
            raise Broken(f"{name} is {read_status(folder / name)}")
        here, there = (read_json(path / "manifest.json") for path in (folder / name, run))
        if here["weights_sha256"] == there["weights_sha256"]:
            continue
        a, b = (load_file(path / "weights.safetensors") for path in (folder / name, run))
        alike = all(np.allclose(a[key], b[key], rtol=1e-4, atol=1e-6) for key in b)
        if here.get("side_by_side") == there.get("side_by_side") or not alike:
            raise Broken(f"{name} has other weights")
