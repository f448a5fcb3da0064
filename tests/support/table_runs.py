"""Runs on a table in the current directory, solved exactly, by the command line."""

import csv
from pathlib import Path

from linnet.cli import main as cli

EXACT = ("optimizer=exact", "data.test_fraction=0", "data.val_fraction=0", "figures=false")
VALUES = [round(5.25 + 411.5 * i, 2) for i in range(40)]
"""5.25 … 16053.75: most are above a thousand."""


def write(path: str, columns: dict[str, list]) -> None:
    with Path(path).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def train(*options: str, run: str = "run") -> int:
    return cli.run(["train", "data=table", "data.target=y", f"hydra.run.dir={run}", *EXACT, *options])


def refusal(capsys, *options: str) -> str:
    capsys.readouterr()
    assert train("data.path=f.csv", *options) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert not Path("run").exists()
    return lines[0]


def predicted(path: str, run: str = "run") -> list[str]:
    assert cli.run(["predict", run, "--input", path, "--output", "p.csv"]) == 0
    with Path("p.csv").open(newline="") as file:
        return [row["prediction"] for row in csv.DictReader(file)]
