"""Runs and experiments to reproduce, small enough to be run again in half a second."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import linnet
from linnet.cli import main as cli
from linnet.config import groups
from linnet.system.errors import Diverged
from linnet.system.reading import read_json
from linnet.tracking import manifest

Answer = tuple[int, str, str]


@pytest.fixture(scope="module", autouse=True)
def no_checkout() -> Iterator[None]:
    """No commit and no uncommitted changes in manifests: the sources may be edited while the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "git_state", lambda folder: None)
        yield


@pytest.fixture(autouse=True)
def _in_a_workplace(workplace: Path) -> None:
    """Where runs/reproduced and ./experiments belong."""


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As many threads of torch as the runs here have, for commands of this process that compute their metrics again."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """A function of the arguments of `linnet reproduce` that returns exit code, stdout and stderr."""

    def answer_to(*arguments: str | Path) -> Answer:
        code = cli.run(["reproduce", *map(str, arguments)])
        return code, *capsys.readouterr()

    return answer_to


@pytest.fixture
def refusal(answer: Callable[..., Answer]) -> Callable[..., str]:
    """As `answer`, of a command line that is wrong: its one line, once it has left nothing behind."""

    def line_of(*arguments: str | Path) -> str:
        before = sorted(Path.cwd().rglob("*"))
        code, output, errors = answer(*arguments)
        assert (code, output) == (2, "")
        assert errors.startswith("linnet: ") and len(errors.splitlines()) == 1
        assert sorted(Path.cwd().rglob("*")) == before
        return errors

    return line_of


@pytest.fixture(scope="module")
def digits(no_checkout: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A completed run, whose bits are others with two threads than with one."""
    path = tmp_path_factory.mktemp("runs") / "digits"
    linnet.train([f"hydra.run.dir={path}", "threads=1", "figures=false", "trainer.max_epochs=1"])
    return path


@pytest.fixture
def run(digits: Path, tmp_path: Path) -> Path:
    """A copy of it, to be tampered with."""
    return Path(shutil.copytree(digits, tmp_path / "run"))


@pytest.fixture
def wild(tmp_path: Path) -> Path:
    """A run that diverged."""
    path = tmp_path / "wild"
    with pytest.raises(Diverged):
        linnet.train([f"hydra.run.dir={path}", "data=synthetic_regression", "optimizer.lr=1e6", "threads=1"])
    return path


@pytest.fixture
def edit() -> Callable[..., None]:
    """A function that changes keys of a JSON file; those that become None are removed."""

    def change(path: Path, **changes: Any) -> None:
        node = {**read_json(path), **changes}
        path.write_text(json.dumps({key: value for key, value in node.items() if value is not None}), encoding="utf-8")

    return change


YAML = """\
# @package _global_
defaults:
  - override /data: synthetic_regression
data:
  batch_size: 100
trainer:
  max_epochs: 1
threads: 1
optimum: false
"""
ARMS: list[dict[str, Any]] = [
    {"overrides": [], "metrics": {"val/loss": {"tolerance": 0.001}, "parameter/bias_error": {"tolerance": 0.01}}},
    {"overrides": ["optimizer.lr=1e6"], "metrics": {}},
]


@pytest.fixture
def plant() -> Callable[..., Path]:
    """A function that makes an experiment's folder, in ./experiments by default, not yet recorded."""

    def make(
        name: str = "tiny", yaml: str = YAML, arms: Any = None, root: Path = Path("experiments"), seeds: Any = (0, 1)
    ) -> Path:
        folder = root / name
        folder.mkdir(parents=True)
        (folder / "experiment.yaml").write_text(yaml, encoding="utf-8")
        results = {"seeds": list(seeds), "arms": ARMS if arms is None else arms}
        (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def only_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shipped experiments, so that `--all` is those in ./experiments."""
    files = groups.files

    def without_experiments(package: str) -> Any:
        return tmp_path / "no experiments" if package == "linnet.experiments" else files(package)

    monkeypatch.setattr(groups, "files", without_experiments)
