"""Commands that read a run's numbers, and every refusal, answer without torch, which takes seconds to import."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import linnet

HEAVY = ("torch", "pytorch_lightning", "torchvision", "matplotlib", "scipy.stats")
COMMANDS = (
    "inspect regression", "inspect classes --csv coefficients.csv", "predict table --input houses.csv --output out.csv",
    "export table --format json --output table.json", "export classes --format json --output classes.json",
    "export arrays --format json --output arrays.json",
    "compare regression classes", "report regression", "report regression classes", "report weight_decay",
    "resume regression", "new my_project",
)  # fmt: skip
REFUSED = (
    "inspect nothing", "predict nothing --input x.csv", "export nothing --format json", "evaluate nothing",
    "resume nothing", "reproduce nothing", "report nothing", "compare nothing",
    "evaluate regression --json --encoding latin-9",
    "resume regression optimizer.lr=1", "train optimizer.lr=-1", "new torch",
)  # fmt: skip
HELP = tuple(
    f"{name} --help"
    for name in (
        "train",
        "resume",
        "evaluate",
        "predict",
        "inspect",
        "export",
        "reproduce",
        "compare",
        "report",
        "board",
        "new",
    )
)
HOUSES = Path(__file__).parents[1] / "fixtures" / "format_1" / "houses.csv"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a run of numbers that is exact, one of classes, one of a table, and one of arrays."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "houses.csv").write_bytes(HOUSES.read_bytes())
    short = ["figures=false", "trainer.max_epochs=1"]
    linnet.train(["data=diabetes", "optimizer=exact", *short, f"hydra.run.dir={folder / 'regression'}"])
    linnet.train([*short, f"hydra.run.dir={folder / 'classes'}"])
    table = ["data=table", f"data.path={folder / 'houses.csv'}", "data.target=price"]
    linnet.train([*table, *short, f"hydra.run.dir={folder / 'table'}"])
    rng = np.random.default_rng(0)
    np.save(folder / "x.npy", rng.normal(size=(50, 3)))
    np.save(folder / "y.npy", rng.normal(size=50))
    arrays = ["data=arrays", f"data.x={folder / 'x.npy'}", f"data.y={folder / 'y.npy'}"]
    linnet.train([*arrays, *short, f"hydra.run.dir={folder / 'arrays'}"])
    return folder


PROGRAM = f"""
import json, sys
from linnet.cli.main import run

def code_of(command):
    try:
        return run(command.split())
    except SystemExit as end:
        return end.code

found, before = {{}}, set()
for command in sys.argv[1:]:
    code = code_of(command)
    loaded = {{name for name in {HEAVY} if name in sys.modules}}
    found[command], before = [code, *sorted(loaded - before)], loaded
print()
print(json.dumps(found))
"""


def answers(folder: Path, commands: Sequence[str]) -> dict[str, list[object]]:
    """Command -> its exit code and which heavy modules it imported, of commands that one new process runs in turn."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *commands], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_commands_on_a_run_import_nothing_heavy(place: Path) -> None:
    assert answers(place, COMMANDS) == {command: [0] for command in COMMANDS}


def test_refusals_import_nothing_heavy(place: Path) -> None:
    assert answers(place, REFUSED) == {command: [2] for command in REFUSED}


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert answers(tmp_path, HELP) == {command: [0] for command in HELP}
