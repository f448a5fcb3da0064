"""Data given in Python: the same numbers give the same weights, whatever they come in."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

import linnet
from linnet.results.trained import TrainedRun
from linnet.system.reading import read_json

pytestmark = pytest.mark.usefixtures("workplace")
QUICK = {"figures": False, "max_epochs": 1, "penalty": "l2", "lr": 0.1}


def weights_hash(run: TrainedRun) -> str:
    return str(read_json(run.directory / "manifest.json")["weights_sha256"])


def columns(n: int = 60) -> pd.DataFrame:
    """Features with large offsets, which float32 would round to nothing."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3)) * (1.0, 1e-3, 1e3) + (1e8, 3.0, -1e6)
    return pd.DataFrame(x, columns=["x0", "x1", "x2"])


TARGETS = {
    "numbers": lambda n: np.random.default_rng(1).normal(size=n) + 1e7,
    "whole": lambda n: np.arange(n) % 3,
    "text": lambda n: np.array(["setosa", "versicolor"])[np.arange(n) % 2],
    "boolean": lambda n: np.arange(n) % 3 == 0,
}


@pytest.mark.parametrize("kind", TARGETS)
def test_equal_weights_from_every_container(kind):
    x = columns()
    y = TARGETS[kind](len(x))
    table = x.assign(y=y)
    table.to_csv("t.csv", index=False)
    table.to_parquet("t.parquet")
    hashes = {
        "csv": linnet.train(["data=table", "data.path=t.csv", "data.target=y"], **QUICK),
        "parquet": linnet.train("data=table data.path=t.parquet data.target=y", **QUICK),
        "numpy": linnet.train(x.to_numpy(), y, **QUICK),
        "fortran": linnet.train(np.asfortranarray(x), y[:, None], **QUICK),
        "lists": linnet.train(x.to_numpy().tolist(), y.tolist(), **QUICK),
        "pandas": linnet.train(x.set_index(np.arange(len(x)) + 7), pd.Series(y), **QUICK),
        "polars": linnet.train(pl.DataFrame(table), "y", **QUICK),
        "arrow": linnet.train(pa.Table.from_pandas(table, preserve_index=False), "y", **QUICK),
    }
    if kind != "text":
        hashes["torch"] = linnet.train(torch.tensor(x.to_numpy()), torch.tensor(y), **QUICK)
    assert len(set(map(weights_hash, hashes.values()))) == 1
