"""Runs on arrays in files of the current directory, by the command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from linnet.cli import main as cli

SOLVED = ("optimizer=exact", "penalty=l2", "penalty.strength=0.1", "figures=false", "threads=1")
N = 90


def write(**arrays: Any) -> None:
    for name, array in arrays.items():
        np.save(f"{name}.npy", array)


def examples(n: int = N, seed: int = 0, c: int = 3) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Features `[n, 4]` and classes 0 … c − 1 that mostly follow from them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    return x, (x[:, :3] + 0.5 * rng.normal(size=(n, 3)))[:, :c].argmax(axis=1)


def train(*options: str, run: str = "run", y: str = "y.npy") -> int:
    return cli.run(["train", "data=arrays", "data.x=x.npy", f"data.y={y}", f"hydra.run.dir={run}", *SOLVED, *options])


def read(name: str, run: str = "run") -> Any:
    return json.loads((Path(run) / name).read_text())


def weights(run: str = "run") -> "np.ndarray[Any, Any]":
    return load_file(f"{run}/weights.safetensors")["weight"]


def predicted(file: str = "x.npy", run: str = "run") -> list[str]:
    assert cli.run(["predict", run, "--input", file, "--output", "p.csv"]) == 0
    rows = Path("p.csv").read_text().splitlines()
    Path("p.csv").unlink()
    return [row.split(",")[0] for row in rows[1:]]


def refused(capsys: pytest.CaptureFixture[str], *options: str, y: str = "y.npy") -> str:
    capsys.readouterr()
    assert train(*options, run="refused", y=y) == 2
    assert not Path("refused").exists()
    (line,) = capsys.readouterr().err.splitlines()
    return line


def probabilities(file: str) -> "np.ndarray[Any, Any]":
    assert cli.run(["predict", "run", "--input", file, "--output", "p.csv"]) == 0
    rows = [line.split(",") for line in Path("p.csv").read_text().splitlines()]
    columns = [i for i, name in enumerate(rows[0]) if name.startswith("probability_")]
    return np.array([[float(row[i]) for i in columns] for row in rows[1:]])
