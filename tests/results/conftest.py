"""Two runs that were trained once: classes of a table with names that are markup, and an exact regression."""

from pathlib import Path

import numpy as np
import pytest

import linnet
from linnet.results.trained import TrainedRun

SCRIPT = "<script>alert(1)</script>"
NAMES = [f"name='{SCRIPT}'", f"tags=['{SCRIPT}','<img src=x onerror=alert(1)>']"]


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    """Softmax regression on a table; run, tags, a class and a feature have the name `SCRIPT`."""
    folder = tmp_path_factory.mktemp("classes")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 2))
    rows = [f"{a:.6f},{b:.6f},{SCRIPT if a + b / 4 > 0 else 'good & plain'}" for a, b in x]
    (folder / "data.csv").write_text("\n".join([f"{SCRIPT},b,kind", *rows]) + "\n")
    table = ["data=table", f"data.path={folder / 'data.csv'}", "data.target=kind"]
    short = ["trainer.max_epochs=3", "figures=false"]
    return linnet.train([*table, *short, *NAMES, f"hydra.run.dir={folder / 'run'}"])


@pytest.fixture(scope="session")
def regression(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    """Least squares on diabetes, solved exactly."""
    folder: Path = tmp_path_factory.mktemp("regression") / "run"
    return linnet.train(["data=diabetes", "optimizer=exact", f"hydra.run.dir={folder}"])
