"""Every command of the README and of its pages is run as it stands there."""

import csv
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sklearn import datasets

from linnet.cli import main as cli
from linnet.data import Source
from linnet.system.reading import read_json

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / name
    for name in ("conf/README.md", "experiments/README.md", "src/linnet/README.md",
                 "src/linnet/comparison/report/README.md",
                 "src/linnet/data/resampling/README.md", "src/linnet/solvers/README.md",
                 "src/linnet/sweeps/README.md", "src/linnet/sweeps/PROBES.md",
                 "src/linnet/tracking/README.md", "src/linnet/training/README.md")
]  # fmt: skip


def commands_of(text: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


SHELL = commands_of(README)
LINNET = [line for line in SHELL if line.startswith("linnet ")]
MAKE = [line for line in SHELL if line.startswith("make ")]
OF_PAGES = [
    command for path in PAGES for command in commands_of(path.read_text(encoding="utf-8")) if command not in LINNET
]


def test_all_commands_are_covered() -> None:
    assert len(LINNET) >= 7 and MAKE == ["make train", "make train", "make test"]
    assert set(SHELL) == {*LINNET, *MAKE}
    assert OF_PAGES and all(command.startswith("linnet ") for command in OF_PAGES)


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda path: str(path.relative_to(ROOT))
)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    assert all((path.parent / link).exists() for link in links if "://" not in link), links


def test_every_experiment_is_in_the_index() -> None:
    index = (ROOT / "experiments" / "README.md").read_text(encoding="utf-8")
    for folder in (path.parent for path in (ROOT / "experiments").glob("*/experiment.yaml")):
        text = (folder / "README.md").read_text(encoding="utf-8")
        (question,) = re.findall(r"\*\*Question\.\*\*\s+(.*?)\n\n", text, re.DOTALL)
        assert f"| [{folder.name}]({folder.name}/README.md) | {' '.join(question.split())} |" in index


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function of a command that returns where it was run, after the one that makes the run that it names."""

    @cache
    def directory(command: str) -> Path:
        folder = tmp_path_factory.mktemp("ran")
        named = re.search(
            r"(?:compare |report |resume |reproduce |predict |inspect |export |evaluate |init_from=)(runs/\w+)", command
        )
        if named is not None:
            (before,) = [line for line in [*LINNET, *OF_PAGES] if line.endswith(f".dir={named[1]}")]
            shutil.copytree(directory(before), folder, dirs_exist_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("LINNET_TRUST", "")
            write_flowers()
            (parts,) = re.findall(r"```python\n# my_parts.py\n(.*?)```", README, re.DOTALL)
            Path("my_parts.py").write_text(parts)
            assert cli.run(shlex.split(command)[1:]) == 0
        return folder

    return directory


LAUNCHER = re.compile(r"hydra/launcher=(joblib|ray|submitit_local) ")


@pytest.mark.parametrize("command", [*LINNET, *OF_PAGES])
def test_linnet_command(
    command: str,
    ran: Callable[[str], Path],
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "softmax_scratch" in command or command.startswith("linnet compare"):
        request.getfixturevalue("fashion_mnist")
    folder = ran(command)
    if LAUNCHER.search(command):
        assert sum(line.startswith("job ") for line in capsys.readouterr().out.splitlines()) == 2
        assert_same_jobs(folder, ran(LAUNCHER.sub("", command)))


def assert_same_jobs(folder: Path, one_after_the_other: Path) -> None:
    """Weights of both jobs are equal, bit for bit, to those of jobs run in this process, by as many threads."""
    found = [
        [(manifest["seed"], manifest["weights_sha256"], manifest["threads"])
         for manifest in map(read_json, sorted(place.glob("runs/*/*/[01]/manifest.json")))]
        for place in (folder, one_after_the_other)
    ]  # fmt: skip
    assert found[0] == found[1] and len(found[0]) == 2


def write_flowers() -> None:
    """The files of a stranger: flowers whose species is known, and five of which it is not, with columns elsewhere."""
    bunch = datasets.load_iris(as_frame=True)
    table = bunch.data.set_axis(["sepal_length", "sepal_width", "petal_length", "petal_width"], axis=1)
    table["species"] = bunch.target_names[bunch.target]
    table.to_csv("flowers.csv", index_label="id")
    new = table[::30].drop(columns="species")
    new[new.columns[::-1]].to_csv("new.csv", index_label="id")


def test_from_a_table_to_predictions_in_two_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_flowers()
    (section,) = re.findall(r"^## Your data\n(.*?)^## ", README, re.DOTALL | re.MULTILINE)
    commands, promised = re.findall(r"```\w+\n(.*?)```", section, re.DOTALL)[:2]
    first, second = commands.splitlines()
    assert cli.run(shlex.split(first)[1:]) == 0
    assert cli.run(shlex.split(second)[1:]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert all(line in printed for line in promised.splitlines() if line != "...")
    rows = list(csv.DictReader(Path("predictions.csv").read_text().splitlines()))
    assert [row["id"] for row in rows] == ["0", "30", "60", "90", "120"]
    assert [row["prediction"] for row in rows] == ["setosa", "setosa", "versicolor", "versicolor", "virginica"]
    assert all(
        sum(float(row[key]) for key in row if key.startswith("probability_")) == pytest.approx(1) for row in rows
    )


def test_the_optimum_is_what_training_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (command,) = [line for line in OF_PAGES if "optimum=always" in line]
    page = (ROOT / "src/linnet/solvers/README.md").read_text(encoding="utf-8")
    assert cli.run([*shlex.split(command)[1:], "figures=false", "trainer.max_epochs=1"]) == 0
    printed = capsys.readouterr().out.splitlines()
    promised = [line for line in page.splitlines() if line.startswith(("best possible", "condition number"))]
    assert len(promised) == 2
    objective, bound = promised[0].split(", proven to ")  # how near it is proven differs between processors
    assert float(bound) <= 1e-8 and any(line.startswith(f"{objective}, proven to ") for line in printed)
    assert promised[1] in printed


def test_the_table_of_the_sweep_is_what_compare_prints(
    ran: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fashion_mnist: Source,
) -> None:
    (compare,) = [command for command in LINNET if command.startswith("linnet compare")]
    monkeypatch.chdir(ran(LINNET[LINNET.index(compare) - 1]))
    capsys.readouterr()
    assert cli.run(shlex.split(compare)[1:]) == 0
    printed = capsys.readouterr().out
    promised = [line for line in README.splitlines() if re.match(r"│ \d │|chosen by", line)]
    shown = [line for line in printed.splitlines() if re.match(r"│ \d │|chosen by", line)]
    assert len(promised) == len(shown) == 4
    for promise, line in zip(promised, shown, strict=True):
        # Figures with their spread over seeds: other processors round otherwise.
        figure = r"([\d.]+) ± ([\d.]+) \(3\)"
        assert (
            re.split(figure, promise.rpartition("completed")[0])[::3]
            == re.split(figure, line.rpartition("completed")[0])[::3]
        )
        for (mean, spread), (other, others) in zip(re.findall(figure, promise), re.findall(figure, line), strict=True):
            assert abs(float(mean) - float(other)) <= float(spread) + float(others)


def planned_by_make(*arguments: str) -> list[str]:
    """The commands that `make` would run. The test may itself be run by `make`, which says so in the environment."""
    make = shutil.which("make")
    if make is None or not (ROOT / ".venv" / ".installed-dev").exists():
        pytest.skip("this checkout was not installed by `make install-dev`")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        [make, "--dry-run", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_make_train_trains_and_a_second_call_installs_nothing() -> None:
    assert [line.split() for line in planned_by_make("train")] == [[".venv/bin/linnet", "train"]]


def test_make_train_installs_no_development_tools() -> None:
    def installed(target: str) -> list[str]:
        return [line.rpartition(" -r ")[2] for line in planned_by_make("--always-make", target) if " -r " in line]

    assert installed("train") == ["requirements.lock"]
    assert installed("test") == ["requirements.lock", "requirements-dev.lock"]


def test_make_test_runs_linters_types_and_tests() -> None:
    assert [line.split()[0] for line in planned_by_make("test")] == [
        ".venv/bin/ruff", ".venv/bin/ruff", ".venv/bin/lint-imports", ".venv/bin/mypy", ".venv/bin/python",
    ]  # fmt: skip


def test_ci_leaves_no_test_out() -> None:
    (usual,), (long,) = ([line for line in planned_by_make(name) if "pytest" in line] for name in ("test", "test-long"))
    assert ' -m "not long" ' in usual and " -m long " in long
    assert re.findall(r"^make (\S+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE) == [
        "test", "test-long", "test-processors",
    ]  # fmt: skip


def test_python_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(?!# my_parts.py)(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert len(blocks) == 2
    assert 0.2 < names["run"].metrics["test/r2"] < 0.6 and len(names["sweep"].frame) == 6
    assert names["loss"].isfinite() and names["loss"].requires_grad


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
