"""Runs of every kind that can be exported, and new data for them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from tables import write_csv

import linnet
from linnet.data.table.read import read
from linnet.inference.predictor import Predictor, load_predictor

QUICK = ("figures=false", "optimum=off", "trainer.max_epochs=2")
TABLE = ("data=table", "data.missing=mean", "data.categorical=[zip]", *QUICK)


class Exported(NamedTuple):
    """A run, and 1000 new examples with what it predicts of them.

    inputs: path of a CSV file, or an array `[N, …]`.
    expected: `[N, C]`.
    """

    directory: Path
    predictor: Predictor
    inputs: Path | np.ndarray
    expected: np.ndarray


def mixed(n_rows: int, seed: int, *, unseen: bool = False) -> dict[str, list]:
    """A table with columns of every kind, all with missing values, and levels that are rare, or unseen."""
    rng = np.random.default_rng(seed)
    rare = [f"village {i}" for i in range(20)]
    columns = {
        "age": rng.integers(18, 90, n_rows).astype(object),
        "income": rng.lognormal(10, 1, n_rows).round(2).astype(object),
        "smoker": rng.choice(["true", "false"], n_rows).astype(object),
        "city": rng.choice(["Oslo", "Rome", "São Tomé", *rare], n_rows, p=[0.3, 0.3, 0.2] + [0.01] * 20).astype(object),
        "zip": rng.choice([3, 4, 50], n_rows).astype(object),
    }
    if unseen:
        columns["city"][:50], columns["zip"][50:100] = "Atlantis", 7
    signal = columns["age"].astype(float) / 30 + (columns["smoker"] == "true") - (columns["city"] == "Rome")
    for values in columns.values():
        values[rng.random(n_rows) < 0.1] = None
    columns["amount"] = (signal + rng.normal(size=n_rows)).round(6)
    columns["count"] = rng.poisson(np.exp(signal / 2))
    columns["kind"] = np.array(["low", "middle", "high"])[np.digitize(signal, [1, 2.5])]
    columns["above"] = np.where(signal > 1.8, "yes", "no")
    return {name: values.tolist() for name, values in columns.items()}


TARGETS = {
    "regression": ("amount", ()),
    "three classes": ("kind", ()),
    "two classes": ("above", ("data.standardize=false", "optimizer.lr=1e-9")),
    "rates": ("count", ("data.task=regression", "loss=poisson_nll", "optimizer.lr=0.01")),
    "complete": ("amount", ("data.missing=drop", "model.bias=false")),
    "categories": ("kind", ("data.features=[city,zip]",)),
    "numbers": ("amount", ("data.features=[age,income]",)),
}


def of_table(folder: Path, name: str) -> Exported:
    target, more = TARGETS[name]
    others = [column for column in ("amount", "count", "kind", "above") if column != target]
    path = write_csv(folder / "train.csv", mixed(600, 0))
    exclude = () if any("features" in option for option in more) else (f"data.exclude=[{','.join(others)}]",)
    if "data.features=[age,income]" in more:
        exclude += ("data.categorical=[]",)
    run = linnet.train([
        *TABLE, f"data.path={path}", f"data.target={target}", *exclude, *more, f"hydra.run.dir={folder / 'run'}"
    ])  # fmt: skip
    new = mixed(1000, 1, unseen=True)
    if "data.missing=drop" in more:
        rows = [i for i in range(1000) if all(values[i] is not None for values in new.values())]
        new = {name: [values[i] for i in rows] for name, values in new.items()}
    write_csv(folder / "new.csv", new)
    predictor = load_predictor(run.directory)
    assert predictor.table is not None
    expected = predictor.outputs(predictor.table.apply(read("given", str(folder / "new.csv")).table).x)
    return Exported(run.directory, predictor, folder / "new.csv", expected)


def of_array(folder: Path, name: str) -> Exported:
    rng = np.random.default_rng(0)
    options = ["data=digits"]
    if name != "digits":
        x = rng.normal(3, 2, (200, 4)).astype(np.float32)
        y = rng.poisson(np.exp(x[:, :2] / 4)).astype(np.float32)
        np.save(folder / "x.npy", x)
        np.save(folder / "y.npy", y[:, :1] if name == "one rate" else y)
        options = [f"data.x={folder}/x.npy", f"data.y={folder}/y.npy", "data=arrays", "model=linear_regression"]
        options += ["loss=poisson_nll" if name.endswith(("rate", "rates")) else "loss=squared_error"]
        options += ["optimizer.lr=0.01"]
    run = linnet.train([*QUICK, *options, "data.standardize=true", f"hydra.run.dir={folder / 'run'}"])
    predictor = load_predictor(run.directory)
    x = rng.random((1000, predictor.n_features))
    return Exported(run.directory, predictor, x, predictor.outputs(predictor.features(x)))


KINDS = (*TARGETS, "digits", "one rate", "two rates", "two targets")


def train(folder: Path, name: str) -> Exported:
    """Train one of `KINDS` in this folder."""
    return (of_table if name in TARGETS else of_array)(folder, name)
