"""Data given in Python: the same numbers give the same weights, whatever they come in."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from scipy import sparse
from torch.utils.data import TensorDataset

import linnet
from linnet.data.sources import table
from linnet.results.trained import TrainedRun
from linnet.system.errors import InputError
from linnet.system.reading import read_json
from linnet.tracking import manifest

pytestmark = pytest.mark.usefixtures("workplace")
QUICK = {"figures": False, "quiet": True, "max_epochs": 1, "penalty": "l2", "lr": 0.1}


def weights_hash(run: TrainedRun) -> str:
    """The hash that the manifest of a tracked run has."""
    return manifest.weights_hash({name: tensor.detach()[0] for name, tensor in run.module.named_parameters()})


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
    tracked = linnet.train(x.to_numpy(), y, **QUICK)
    assert read_json(tracked.directory / "manifest.json")["weights_sha256"] == weights_hash(tracked)
    quick = QUICK | {"tracked": False, "optimum": "off"}
    runs = {
        "tracked": tracked,
        "csv": linnet.train(["data=table", "data.path=t.csv", "data.target=y"], **quick),
        "parquet": linnet.train("data=table data.path=t.parquet data.target=y", **quick),
        "numpy": linnet.train(x.to_numpy(), y, **quick),
        "fortran": linnet.train(np.asfortranarray(x), y[:, None], **quick),
        "lists": linnet.train(x.to_numpy().tolist(), y.tolist(), **quick),
        "pandas": linnet.train(x.set_index(np.arange(len(x)) + 7), pd.Series(y), **quick),
        "polars": linnet.train(pl.DataFrame(table), "y", **quick),
        "arrow": linnet.train(pa.Table.from_pandas(table, preserve_index=False), "y", **quick),
    }
    if kind != "text":
        runs["torch"] = linnet.train(torch.tensor(x.to_numpy()), torch.tensor(y), **quick)
    assert len(set(map(weights_hash, runs.values()))) == 1


IMAGES = np.random.default_rng(2).integers(0, 256, (60, 3, 3)).astype(np.uint8)
X, Y, LABELS = columns().to_numpy(), TARGETS["numbers"](60), TARGETS["whole"](60)


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ((X[:, 0], Y), {}, "X has shape [60], expected [n, D]: of a single feature give X[:, None]"),
        ((X, Y[1:]), {}, "X has 60 rows and y 59: they must have as many"),
        ((X,), {}, "y is missing: give the targets"),
        ((columns(), "price"), {}, "y=price: X has no such column; its columns are x0, x1, x2"),
        ((np.where(X[3, 1] == X, np.nan, X), Y), {}, "x1: row 3 (counted from 0) of the data given in Python"),
        ((X, ["a"] * 60), {}, "target y has one class only, 'a'"),
        ((X[:0], Y[:0]), {}, "X has no rows"),
        ((X + 1j, Y), {}, "X[:, 0] holds complex numbers"),
        (([[1, 2], [3]], [1, 2]), {}, "the rows of a list have different lengths"),
        ((pd.DataFrame(X, columns=list("aab")), Y), {}, "Duplicate column names found: ['a', 'a', 'b']"),
        ((pl.DataFrame(X).lazy(), Y), {}, "X is of type LazyFrame, expected"),
        ((sparse.csr_matrix(X), Y), {}, "X is a sparse matrix"),
        ((X, Y), {"val": (X[:, :2], Y)}, "the val part of the data given in Python lacks x2"),
        ((X, Y), {"sample_weight": -Y}, "data.weight=sample_weight: the weight is negative in rows 0, 1"),
        ((X, Y), {"data": "diabetes"}, "data was given twice"),
        (("seed=1",), {"y": Y}, "y is of data given in Python"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_and_leaves_nothing(given, options, said, workplace):
    with pytest.raises(InputError, match=re.escape(said)):
        linnet.train(*given, **QUICK, **options)
    assert not list(workplace.rglob("*.*"))


def test_types_and_names_of_a_frame_are_carried_over():
    frame = columns().assign(city=["Oslo", "Rome", "Bern"] * 20, code=pd.Categorical([1, 2, 3] * 20), yes=LABELS == 1)
    run = linnet.train(frame, pd.Series(Y, name="price"), min_count=1, **QUICK)
    assert run.data.feature_names[3:] == (
        "city=Bern", "city=Oslo", "city=Rome", "code=1", "code=2", "code=3", "yes",
    )  # fmt: skip
    assert run.data.source.preprocessing.target.name == "price"


def test_given_splits_and_weights_are_kept():
    run = linnet.train(X[:40], Y[:40], val=(X[40:50], Y[40:50]), test=(X[50:], Y[50:]), sample_weight=Y[:40], **QUICK)
    assert [len(part) for part in run.data.splits().values()] == [40, 10, 10]
    assert torch.allclose(run.data.train.weight, torch.tensor(Y[:40] / Y[:40].mean()).float(), rtol=1e-6)


GIVEN = {
    "table": (X, Y),
    "images": (IMAGES, LABELS),
    "targets": (X, np.c_[Y, -Y]),
    "dataset": (TensorDataset(torch.tensor(X), torch.tensor(LABELS)),),
}


@pytest.mark.parametrize("kind", GIVEN)
def test_a_run_that_keeps_its_data_is_evaluated_reproduced_and_resumed(kind, answer):
    run = linnet.train(*GIVEN[kind], save_data=True, run_dir="run", **QUICK)
    assert read_json(run.directory / "manifest.json")["python_data"]["shape"] == [60, 9 if kind == "images" else 3]
    assert answer("evaluate", "run")[0] == 0
    assert "identical" in answer("reproduce", "run")[1]
    assert answer("resume", "run", "trainer.max_epochs=2")[0] == 0
    file = next(run.directory.glob("data/train*"))
    file.write_bytes(file.read_bytes().replace(b"\x00", b"\x01"))
    code, _, said = answer("evaluate", "run")
    assert code == 2 and "linnet: run/data is " in said


def test_a_run_that_does_not_says_what_it_misses_and_takes_it_again(answer):
    linnet.train(X, Y, run_dir="run", **QUICK)
    for command in ("evaluate", "reproduce"):
        code, _, said = answer(command, "run")
        assert code == 2
        assert said.startswith("linnet: trained on arrays given in Python (60 × 3, checksum ")
    with pytest.raises(InputError, match="trained on arrays given in Python"):
        linnet.resume("run", X + 1, Y, max_epochs=2)
    assert len(linnet.resume("run", X, Y, max_epochs=2).curves["val/loss"].step) == 2
    assert answer("inspect", "run")[0] == 0


@pytest.mark.parametrize("kind", TARGETS)
def test_a_matrix_is_read_as_its_columns_are(kind, monkeypatch):
    """All at once, and one by one: constants, copies of the target, weights and splits are found alike."""
    y = TARGETS[kind](60)
    copy = np.unique(y, return_inverse=True)[1] * 3.0 if kind != "numbers" else 2 * y + 1
    x = np.column_stack([X, np.full(60, 7.0), copy, np.arange(60) % 2])
    more = {"val": (x[:9], y[:9]), "test": (x[9:20], y[9:20]), "sample_weight": np.arange(60) % 5}
    for options in ({}, more):
        runs = []
        for simple in (True, False):
            with monkeypatch.context() as patch:
                if not simple:
                    patch.setattr(table, "is_simple", lambda *_: False)
                runs.append(linnet.train(x, y, tracked=False, optimum="off", **QUICK, **options))
        one, other = (run.data.source for run in runs)
        assert one.summary == other.summary
        assert ("warning: column x4" in str(one.summary)) and "column x3 is always 7" in str(one.summary)
        assert (one.preprocessing, one.checksum) == (other.preprocessing, other.checksum)
        assert runs[0].metrics == runs[1].metrics
        assert weights_hash(runs[0]) == weights_hash(runs[1])
