"""Commands that read a run's numbers, and every refusal, answer without torch, which takes seconds to import."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import linnet

HEAVY = ("torch", "pytorch_lightning", "torchvision", "matplotlib", "scipy.stats")
COMMANDS = (
    "inspect regression", "inspect classes --csv coefficients.csv", "predict table --input houses.csv --output out.csv",
    "export table --format json --output table.json", "export classes --format json --output classes.json",
    "export arrays --format json --output arrays.json",
    "compare regression classes", "resume regression",
)  # fmt: skip
REFUSED = (
    "inspect nothing", "predict nothing --input x.csv", "export nothing --format json", "evaluate nothing",
    "resume nothing", "reproduce nothing", "compare nothing", "evaluate regression --json --encoding latin-9",
    "resume regression optimizer.lr=1", "train optimizer.lr=-1",
)  # fmt: skip
HELP = ("train", "resume", "evaluate", "predict", "inspect", "export", "reproduce", "compare", "board")
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


def answer(folder: Path, command: str) -> tuple[int, set[str]]:
    """Return the exit code of a command in a new process, and which of the heavy modules it imported."""
    code = (
        "import sys; from linnet.cli.main import run; code = run(sys.argv[1:]);"
        f"print('imported:', *[name for name in {HEAVY} if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command.split()], cwd=folder, capture_output=True, text=True)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("imported:")] or ["imported:"]
    return done.returncode, set(line.split()[1:])


@pytest.mark.parametrize("command", COMMANDS)
def test_of_a_run(place, command):
    assert answer(place, command) == (0, set())


@pytest.mark.parametrize("command", REFUSED)
def test_refused(place, command):
    assert answer(place, command) == (2, set())


@pytest.mark.parametrize("command", HELP)
def test_help(place, command):
    code = f"import sys, atexit; atexit.register(lambda: print('imported:', *[n for n in {HEAVY} if n in sys.modules]))"
    run = f"{code}; from linnet.cli.main import run; sys.exit(run(['{command}', '--help']))"
    done = subprocess.run([sys.executable, "-c", run], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "imported:"
