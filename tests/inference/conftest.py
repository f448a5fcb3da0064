"""Trained runs, made once, and the command line that predicts by them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from tables import people, write_csv

import linnet
from linnet.cli import main as cli

QUICK = ("figures=false", "optimum=off", "trainer.max_epochs=2")


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """Runs: `flats` (regression on Parquet, missing=drop), `folk` (classes on CSV), `pixels` (arrays `[N, 2, 2]`), and
    `diabetes` (an array whose columns have names); and the data of the first two.
    """
    folder = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(0)
    part = np.array(["train", "val", "test"])[rng.choice(3, 300, p=(0.6, 0.1, 0.3))]
    table = people(300) | {"part": part.tolist(), "id": [f"p{i}" for i in range(300)]}
    table["kind"] = [
        ("young, free" if age < 40 else 'so "old"' if age < 70 else "é")
        for age in (np.array(table["age"]) + rng.normal(0, 10, 300)).tolist()
    ]
    write_csv(folder / "folk.csv", table)
    sizes = [None if i % 50 == 7 else float(size) for i, size in enumerate(rng.normal(80, 20, 300))]
    flats = pa.table({"size": sizes, "floor": rng.integers(0, 9, 300), "part": part})
    price = pa.array(3 * np.nan_to_num(np.array(sizes, float)) + rng.normal(0, 9, 300))
    parquet.write_table(flats.append_column("price", price), folder / "flats.parquet")
    np.save(folder / "x.npy", rng.integers(0, 256, (200, 2, 2)).astype(np.uint8))
    np.save(folder / "y.npy", rng.integers(0, 3, 200))
    data = {
        "folk": ["data=table", f"data.path={folder}/folk.csv", "data.target=kind", "data.split_column=part",
                 "data.exclude=[id,y]"],
        "flats": ["data=table", f"data.path={folder}/flats.parquet", "data.target=price", "data.split_column=part",
                  "data.missing=drop"],
        "pixels": ["data=arrays", f"data.x={folder}/x.npy", f"data.y={folder}/y.npy"],
        "diabetes": ["data=diabetes", "data.standardize=true"],
    }  # fmt: skip
    for name, overrides in data.items():
        linnet.train([*overrides, *QUICK, f"hydra.run.dir={folder}/{name}"])
    return folder


@pytest.fixture
def predict(home, capsysbinary) -> Callable[..., tuple[int, bytes, str]]:
    """A function of a run's name and further arguments that returns the exit code, stdout and stderr."""

    def answer(run: str, *arguments: object) -> tuple[int, bytes, str]:
        capsysbinary.readouterr()
        code = cli.run(["predict", str(home / run), *map(str, arguments)])
        output, errors = capsysbinary.readouterr()
        return code, output, errors.decode()

    return answer
