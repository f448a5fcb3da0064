"""Every command of the README is run as it stands there."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from linnet import cli
from linnet.data import Source

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = [
    line.partition("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines() if line.strip()
]  # fmt: skip
LINNET = [line for line in SHELL if line.startswith("linnet ")]
MAKE = [line for line in SHELL if line.startswith("make ")]


def test_all_commands_are_covered() -> None:
    assert len(LINNET) >= 7 and MAKE == ["make train", "make test"]
    assert set(SHELL) == {*LINNET, *MAKE}


@pytest.mark.parametrize("command", LINNET)
def test_linnet_command(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if "softmax_scratch" in command or command.startswith("linnet compare"):
        request.getfixturevalue("fashion_mnist")
    monkeypatch.chdir(tmp_path)
    place = re.search(r"(?:compare|resume|reproduce|inspect|export) (runs/\w+)", command)
    if place is not None:  # what makes that run stands above
        (before,) = [line for line in LINNET if line.endswith(f".dir={place[1]}")]
        assert cli.run(shlex.split(before)[1:]) == 0
    assert cli.run(shlex.split(command)[1:]) == 0


def test_the_optimum_is_what_training_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (command,) = [line for line in LINNET if "optimum=always" in line]
    assert cli.run([*shlex.split(command)[1:], "figures=false", "trainer.max_epochs=1"]) == 0
    printed = capsys.readouterr().out.splitlines()
    promised = [line for line in README.splitlines() if line.startswith(("best possible", "condition number"))]
    assert len(promised) == 2
    assert all(line in printed for line in promised)


def test_the_table_of_the_sweep_is_what_compare_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fashion_mnist: Source
) -> None:
    monkeypatch.chdir(tmp_path)
    (compare,) = [command for command in LINNET if command.startswith("linnet compare")]
    for command in (LINNET[LINNET.index(compare) - 1], compare):
        assert cli.run(shlex.split(command)[1:]) == 0
    printed = capsys.readouterr().out
    promised = [line for line in README.splitlines() if re.match(r"│ \d │|chosen by", line)]
    shown = [line for line in printed.splitlines() if re.match(r"│ \d │|chosen by", line)]
    assert len(promised) == len(shown) == 5
    for promise, line in zip(promised, shown, strict=True):
        # Figures with their spread over seeds: other processors round otherwise, and a high learning rate is unstable.
        figure = r"([\d.]+) ± ([\d.]+) \(3\)"
        assert (
            re.split(figure, promise.rpartition("completed")[0])[::3]
            == re.split(figure, line.rpartition("completed")[0])[::3]
        )
        for (mean, spread), (other, others) in zip(re.findall(figure, promise), re.findall(figure, line), strict=True):
            assert abs(float(mean) - float(other)) <= float(spread) + float(others)


def planned_by_make(target: str) -> list[str]:
    """The commands that `make` would run. The test may itself be run by `make`, which says so in the environment."""
    make = shutil.which("make")
    if make is None or not (ROOT / ".venv" / ".installed").exists():
        pytest.skip("this checkout was not installed by `make install`")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        [make, "--dry-run", target], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_make_train_trains_and_a_second_call_installs_nothing() -> None:
    assert [line.split() for line in planned_by_make("train")] == [[".venv/bin/linnet", "train"]]


def test_make_test_runs_linters_types_and_tests() -> None:
    assert [line.split()[0] for line in planned_by_make("test")] == [
        ".venv/bin/ruff", ".venv/bin/ruff", ".venv/bin/mypy", ".venv/bin/python",
    ]  # fmt: skip


def test_python_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(block, names)
    assert 0.2 < float(capsys.readouterr().out.splitlines()[-1].split()[0]) < 0.6
    assert len(names["steps"]) == len(names["losses"]) > 100  # type: ignore[arg-type]


def test_example_output_is_what_make_train_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["train", "figures=false"]) == 0
    printed = capsys.readouterr().out
    promised = re.search(r"`make train` prints.*?```text\n(.*?)```", README, re.DOTALL)
    assert promised is not None
    for line in promised[1].splitlines():
        if line.startswith(("│", "┃", "softmax_regression")):
            assert line in printed
