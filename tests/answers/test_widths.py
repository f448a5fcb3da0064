"""What every command prints on terminals of 80, 100 and 160 columns: no column is empty, and no word is broken."""

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from linnet.cli import board, main as cli
from linnet.cli.commands import COMMANDS

WIDTHS = (80, 100, 160)
ENDLESS = 1000
QUICK = ("figures=false", "threads=1")
COMMAND_LINES = {
    "train": ["train", *QUICK, "trainer.max_epochs=1", "hydra.run.dir=new"],
    "train, solved": ["train", "data=diabetes", "optimizer=exact", *QUICK, "hydra.run.dir=new"],
    "train, with folds": ["train", "data=diabetes", "resampling=kfold", "trainer.max_epochs=1", *QUICK,
                          "hydra.run.dir=new"],
    "train, a sweep": ["train", "-m", "data=diabetes", "optimizer.lr=0.1,1e6", "penalty=l2,none", *QUICK,
                       "trainer.max_epochs=1", "hydra.sweep.dir=new"],
    "resume": ["resume", "runs/digits"],
    "evaluate": ["evaluate", "runs/digits"],
    "evaluate, solved": ["evaluate", "runs/exact"],
    "predict": ["predict", "runs/exact", "--input", "rows.npy", "--output", "predicted.csv"],
    "inspect": ["inspect", "runs/exact"],
    "inspect, classes": ["inspect", "runs/digits", "--top", "2"],
    "export": ["export", "runs/exact", "--format", "json", "--output", "exact.json"],
    "reproduce, a run": ["reproduce", "runs/exact", "--dir", "again"],
    "reproduce, an experiment": ["reproduce", "analytic_solution", "--seeds", "first"],
    "compare": ["compare", "runs/sweep", "--no-figures"],
    "compare, all": ["compare", "runs", "--no-figures", "--test"],
    "board": ["board", "runs"],
    "new": ["new", "my_project"],
    "help": ["--help"],
    "help on an option": ["train", "optimizer=adam", "--help"],
    **{f"help on {command}": [command, "--help"] for command in COMMANDS},
}  # fmt: skip

LIVE = re.compile(r"\x1b\[\?25l.*?\x1b\[\?25h(\x1b\[1A\x1b\[2K)?", re.DOTALL)
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CHANGING = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(-\d+)?|\d+\.\d s\b|\b0x\w+")
WORD = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)|\w+")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of classification, one that is solved, and a sweep two of whose jobs diverged."""
    folder = tmp_path_factory.mktemp("widths")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (
            ["trainer.max_epochs=2", "hydra.run.dir=runs/digits"],
            ["data=diabetes", "optimizer=exact", "hydra.run.dir=runs/exact"],
            ["-m", "data=diabetes", "optimizer.lr=0.1,1e6", "seed=0,1", "trainer.max_epochs=2",
             "hydra.sweep.dir=runs/sweep"],
        ):  # fmt: skip
            assert cli.run(["train", *QUICK, *words]) == ("-m" in words)
        np.save("rows.npy", np.zeros((3, 10)))
    return folder


@pytest.fixture(autouse=True)
def _a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(board, "serve", lambda *_: "http://localhost:6006/")

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(board, "wait", interrupted)


def printed(
    arguments: list[str], width: int, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """Return what a command prints in a copy of the runs, without what is drawn while it works."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.chdir(place)
    with suppress(SystemExit):  # of argparse's help
        cli.run(arguments)
    said = capsys.readouterr()
    return CODES.sub("", LIVE.sub("", said.out))


@pytest.mark.parametrize("name", COMMAND_LINES)
def test_fits(
    name: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {}
    for width in (ENDLESS, *WIDTHS):
        place = Path(shutil.copytree(trained, tmp_path / "w"))
        found[width] = printed(COMMAND_LINES[name], width, place, monkeypatch, capsys)
        shutil.rmtree(place)
    whole = words(found[ENDLESS])
    assert len(whole) > 3
    for width in WIDTHS:
        text = found[width]
        wide = [line for line in text.splitlines() if len(line) > width and len(line.split()) > 1]
        assert not wide, f"lines of more than {width} characters"
        assert words(text) == whole, f"words that are broken at {width} columns, or lost"
        for table in tables(text):
            assert all(any(row[i] for row in table) for i in range(len(table[0]))), (
                f"an empty column at {width} columns"
            )


def words(text: str) -> set[str]:
    return set(WORD.findall(CHANGING.sub(" ", text)))


def tables(text: str) -> Iterator[list[list[str]]]:
    """Yield the cells of each table, line by line."""
    table: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line[:1] in ("┃", "│"):
            table.append([cell.strip() for cell in re.split("[┃│]", line)[1:-1]])
        elif line[:1] not in ("┡", "├") and table:
            yield table
            table = []


def test_breaking_is_noticed() -> None:
    assert words("condit\nion") != words("condition") and words("3.05e\n-132") != words("3.05e-132")
    assert words("optimum/\nscaled_\ncondition") != words("optimum/scaled_condition")  # a key is one word ...
    (table,) = tables("┏━┳━┓\n┃a┃ ┃\n┡━╇━┩\n│1│ │\n└─┴─┘\n")
    assert table == [["a", ""], ["1", ""]]
