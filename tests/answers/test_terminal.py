"""What users named is printed as it stands, on every terminal, and for as long as somebody reads it."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from linnet.cli import main as cli
from linnet.system.reading import read_json

pytestmark = pytest.mark.usefixtures("workplace")

COLUMNS = ("weight [/kg]", "[bold]size $x^{$", "[/]", ":smile:")
CLASSES = ("[/red]", "[bold]", "a $x^{$ b")
QUICK = ("trainer.max_epochs=2", "data.standardize=true", "optimum=off")


def write_table(file: str, columns: Iterable[str], classes: Iterable[str] | None, target: str) -> None:
    """60 rows: the target is a linear function of the columns, or which third of it a row is in."""
    names, rng = list(columns), np.random.default_rng(0)
    x = rng.normal(size=(60, len(names)))
    y = x @ np.arange(1, len(names) + 1) + 0.1 * rng.normal(size=60)
    labels = None if classes is None else list(classes)
    third = np.argsort(np.argsort(y)) // 20
    with Path(file).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*names, target])
        writer.writerows([*row, y[i] if labels is None else labels[third[i]]] for i, row in enumerate(x.tolist()))


def run_linnet(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "linnet", *arguments]
    return subprocess.run(command, capture_output=True, env={**os.environ, **environment}, check=False)


class TestMarkup:
    """rich's markup, emoji codes and matplotlib's formulas are for those who write them on purpose."""

    def test_columns_and_target_print_as_they_stand(self, capsys: pytest.CaptureFixture[str]) -> None:
        write_table("t.csv", COLUMNS, None, "price [/]")
        given = ("data=table", "data.path=t.csv", "data.target='price [/]'", "optimizer=exact")
        assert cli.run(["train", *given, "hydra.run.dir='[bold]run [/x]'"]) == 0
        printed = capsys.readouterr().out
        for name in (*COLUMNS, "price [/]", "linnet evaluate [bold]run [/x]"):
            assert name in printed
        for command in (
            ["inspect", "[bold]run [/x]", "--csv", "[b]all.csv"],
            ["export", "[bold]run [/x]", "--format", "json", "--output", "[b]out.json"],
        ):
            assert cli.run(command) == 0
            printed = capsys.readouterr().out
            for name in (*COLUMNS, command[-1]):
                assert name in printed
        assert cli.run(["predict", "[bold]run [/x]", "--input", "t.csv", "--output", "[b]p.csv"]) == 0
        assert capsys.readouterr().out == "[b]p.csv: predictions of 60 rows\n"
        assert cli.run(["evaluate", "[bold]run [/x]"]) == 0
        assert "[bold]run [/x], final weights" in capsys.readouterr().out
        assert cli.run(["predict", "[bold]run [/x]", "--input", "[/y].csv", "--output", "q.csv"]) == 2
        assert "[/y].csv" in capsys.readouterr().err

    def test_classes_and_swept_values_print_as_they_stand(self, capsys: pytest.CaptureFixture[str]) -> None:
        write_table("c.csv", COLUMNS, CLASSES, "kind")
        given = ("data=table", "data.path=c.csv", "data.target=kind", *QUICK, "figures=true")
        excluded = "data.exclude=['[/]'],['[bold]size $x^{$']"
        assert cli.run(["train", "-m", *given, excluded, "hydra.sweep.dir='s [/]'"]) == 0
        assert "data.exclude=['[bold]size $x^{$']  val/loss" in capsys.readouterr().out
        assert cli.run(["compare", "s [/]"]) == 0
        printed = capsys.readouterr().out
        assert "['[bold]size $x^{$']" in printed and "linnet board s [/]" in printed
        assert cli.run(["inspect", "s [/]/0"]) == 0
        printed = capsys.readouterr().out
        for name in (*CLASSES, "[bold]size $x^{$"):
            assert name in printed
        assert (Path("s [/]") / "0" / "figures" / "confusion_matrix.png").is_file()


class TestEncoding:
    TABLE = ("data=table", "data.path=t.csv", "data.target=kind", *QUICK, "figures=false")
    WITHOUT = ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})

    @pytest.fixture(autouse=True)
    def table(self, workplace: Path) -> None:
        write_table("t.csv", ("größe", "μ"), ("schön", "élan", "日本"), "kind")

    def test_a_terminal_without_the_characters_gets_others_of_training(self) -> None:
        done = run_linnet("train", *self.TABLE, "hydra.run.dir=run", **self.WITHOUT[0])
        assert (done.returncode, done.stderr) == (0, b"")
        done.stdout.decode("ascii")
        assert b"sch?n 20" in done.stdout and read_json(Path("run/status.json"))["state"] == "completed"

    def test_a_terminal_without_the_characters_gets_others_of_a_run(self) -> None:
        assert cli.run(["train", *self.TABLE, "hydra.run.dir=run"]) == 0
        for environment in self.WITHOUT:
            done = run_linnet("inspect", "run", **environment)
            assert done.returncode == 0 and b"gr??e" in done.stdout
        written = run_linnet("inspect", "run", "--csv", "-", PYTHONIOENCODING="ascii").stdout.decode("utf-8")
        assert "schön,größe," in written  # data on standard output stays whole
        written = run_linnet("predict", "run", "--input", "t.csv", "--output", "-", PYTHONIOENCODING="ascii").stdout
        assert "probability_日本" in written.decode("utf-8")


class TestLetters:
    def test_a_value_beyond_ascii_without_quotes_says_how(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.run(["train", "data=table", "data.path=t.csv", "data.target=größe"]) == 2
        assert """needs quotes: 'data.target="größe"'\n""" in capsys.readouterr().err

    def test_bytes_that_are_no_text_are_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.run(["train", "data=table", 'data.path="caf\udce9.csv"', "data.target=y"]) == 2
        assert "no UTF-8" in capsys.readouterr().err
        assert not list(Path.cwd().iterdir())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_table("t.csv", COLUMNS, None, "y")
        given = ("data=table", "data.path=t.csv", "data.target=y", *QUICK, "figures=false")
        assert cli.run(["train", *given, "hydra.run.dir=run"]) == 0
    return folder


class TestReaderThatHasGone:
    """`linnet … | head`: quietly, with the shell's code for it or none."""

    @pytest.mark.parametrize(("arguments", "both"), [
        (["--help"], False), (["train", "--cfg", "job"], False), (["nonsense"], True), (["inspect", "run"], True),
        (["inspect", "run", "--csv", "-"], False), (["predict", "run", "--input", "t.csv", "--output", "-"], False),
        (["train", "-m", "data=diabetes", "seed=0,1", *QUICK, "hydra.sweep.dir=s"], True),
    ])  # fmt: skip
    def test_exits_quietly(self, arguments: list[str], both: bool, trained: Path, workplace: Path) -> None:
        shutil.copytree(trained, workplace, dirs_exist_ok=True)
        reading, writing = os.pipe()
        os.close(reading)
        to = writing if both else subprocess.PIPE
        process = subprocess.Popen([sys.executable, "-m", "linnet", *arguments], stdout=writing, stderr=to)
        os.close(writing)
        _, said = process.communicate()
        assert process.returncode in (0, 141)
        assert both or said == b""
        if "-m" in arguments:  # what was started is brought to its end
            assert process.returncode == 0
            assert [read_json(Path(f"s/{k}/status.json"))["state"] for k in (0, 1)] == ["completed"] * 2
