"""`linnet resume RUN trainer.max_epochs=N` and the refusal of a finished directory, through the command line.

The reference is a run that was started with N epochs: its files must be the same, byte for byte.
"""

import csv
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from interrupted_run import BLOBS, FAMILIES, RESTLESS, STOPPING, at_step, one_line, resume, status, words

from linnet.cli import main as cli
from linnet.system.reading import read_json
from linnet.training import continuation

SHORT, LONG = "trainer.max_epochs=2", "trainer.max_epochs=4"
RESULTS = ("weights.safetensors", "metrics.json", "history.csv", "preprocessing.json", ".hydra/config.yaml")


def train(directory: Path, *overrides: str) -> int:
    return cli.run(["train", *words(directory, *overrides)])


def more(directory: Path, change: str = LONG) -> int:
    return cli.run(["resume", str(directory), change])


def contents(directory: Path) -> dict[str, bytes]:
    """All files but the log, which says what was tried, and the lock."""
    paths = [path for path in directory.rglob("*") if path.is_file() and path.name not in ("train.log", ".lock")]
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}


def assert_same(found: Path, expected: Path) -> None:
    for name in RESULTS:
        assert (found / name).read_bytes() == (expected / name).read_bytes(), name
    assert {key: status(found)[key] for key in ("state", "epoch", "step", "kept_epoch")} == {
        key: status(expected)[key] for key in ("state", "epoch", "step", "kept_epoch")
    }


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function of overrides that gives a run started with all epochs."""
    made: dict[tuple[str, ...], Path] = {}

    def directory(*overrides: str) -> Path:
        if overrides not in made:
            made[overrides] = tmp_path_factory.mktemp("at_once") / "run"
            assert train(made[overrides], *overrides, LONG) == 0
        return made[overrides]

    return directory


class TestEqualsARunOfThatLength:
    @pytest.mark.parametrize("family", ["sgd", "momentum", "adamw", "torch_adam", "lbfgs"])
    def test_with_every_kind_of_optimizer(self, family, at_once, tmp_path):
        assert train(tmp_path / "run", *FAMILIES[family], SHORT) == 0
        assert more(tmp_path / "run") == 0
        assert_same(tmp_path / "run", at_once(*FAMILIES[family]))

    def test_where_the_best_epoch_came_before(self, at_once, tmp_path):
        assert train(tmp_path / "run", *RESTLESS, "trainer.max_epochs=3") == 0
        assert status(tmp_path / "run")["kept_epoch"] == 2
        assert more(tmp_path / "run") == 0
        assert_same(tmp_path / "run", at_once(*RESTLESS))

    def test_where_early_stopping_has_not_stopped(self, at_once, tmp_path):
        stopping = (*RESTLESS, "callbacks=early_stopping", "callbacks.early_stopping.patience=1")
        assert train(tmp_path / "run", *stopping, SHORT) == 0
        assert more(tmp_path / "run") == 0
        assert_same(tmp_path / "run", at_once(*stopping))
        assert status(tmp_path / "run")["epoch"] == 3  # of its patience

    def test_twice(self, at_once, tmp_path):
        assert train(tmp_path / "run", *BLOBS, "trainer.max_epochs=1") == 0
        assert more(tmp_path / "run", SHORT) == more(tmp_path / "run") == 0
        assert_same(tmp_path / "run", at_once(*BLOBS))
        entries = read_json(tmp_path / "run" / "manifest.json")["continued"]
        assert [entry["changes"] for entry in entries] == [
            {"trainer.max_epochs": [1, 2]},
            {"trainer.max_epochs": [2, 4]},
        ]

    def test_of_an_interrupted_run(self, at_once, tmp_path):
        with pytest.MonkeyPatch.context() as patch:
            at_step(patch, 22, lambda: signal.raise_signal(signal.SIGTERM))
            assert train(tmp_path / "run", *BLOBS, SHORT) == 143
        assert more(tmp_path / "run") == 0
        assert_same(tmp_path / "run", at_once(*BLOBS))

    @pytest.mark.parametrize("by", [(), (LONG,)], ids=["resume", "the same command"])
    def test_after_an_interruption_of_the_continuation(self, by, at_once, tmp_path):
        assert train(tmp_path / "run", *BLOBS, SHORT) == 0
        with pytest.MonkeyPatch.context() as patch:
            at_step(patch, 37, lambda: signal.raise_signal(signal.SIGTERM))
            assert more(tmp_path / "run") == 143
        assert status(tmp_path / "run")["state"] == "interrupted"
        assert cli.run(["resume", str(tmp_path / "run"), *by]) == 0
        assert_same(tmp_path / "run", at_once(*BLOBS))

    # A search for the optimum that only the longer run is worth would log its distance from the middle on.
    def test_with_the_optimum_that_the_short_run_did_not_look_for(self, at_once, tmp_path, monkeypatch):
        monkeypatch.setattr("linnet.training.optimality._why_not", lambda config, data, model: _unless(config, 4))
        assert train(tmp_path / "run", *BLOBS, SHORT) == 0
        assert more(tmp_path / "run") == 0
        assert cli.run(["reproduce", str(tmp_path / "run"), "--dir", str(tmp_path / "again")]) == 0
        assert status(tmp_path / "run")["state"] == "completed"


def _unless(config: Any, epochs: int) -> str | None:
    if config["optimum"] == "off":
        return ""
    return None if config["trainer"]["max_epochs"] >= epochs else "training is too short"


class TestKilledWhileTheDirectoryChanges:
    """A process killed between two files leaves what `linnet resume` goes on with, to one end or the other."""

    @pytest.mark.parametrize(
        ("function", "call", "epochs"),
        [("write_manifest", 1, 2), ("write_atomic", 1, 4), ("write_atomic", 2, 4)],
        ids=["before the manifest", "before the overrides", "before the configuration"],
    )
    def test_at(self, function, call, epochs, at_once, tmp_path, monkeypatch):
        run = tmp_path / "run"
        assert train(run, *BLOBS, SHORT) == 0
        original, calls = getattr(continuation, function), []

        def killed(*arguments: Any) -> None:
            calls.append(arguments)
            if len(calls) == call:
                raise KeyboardInterrupt
            original(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(continuation, function, killed)
            assert more(run) == 130
        assert resume(run) == 0
        assert status(run)["epoch"] == epochs
        assert more(run) == (0 if epochs == 2 else 2)
        assert_same(run, at_once(*BLOBS))
        assert read_json(run / "manifest.json")["config"]["trainer"]["max_epochs"] == 4


class TestRecord:
    @pytest.fixture
    def run(self, tmp_path: Path) -> Path:
        assert train(tmp_path / "run", *BLOBS, SHORT) == 0
        return tmp_path / "run"

    def test_manifest_says_from_where(self, run):
        before = read_json(run / "manifest.json")
        assert more(run) == 0
        after = read_json(run / "manifest.json")
        (entry,) = after["continued"]
        assert (entry["from_epoch"], entry["from_step"]) == (2, 30)
        assert entry["changes"] == {"trainer.max_epochs": [2, 4]}
        assert entry["previous_weights_sha256"] == before["weights_sha256"] != after["weights_sha256"]
        assert entry["previous_command"] == before["command"]
        assert after["config"]["trainer"]["max_epochs"] == 4
        assert (run / ".hydra" / "overrides.yaml").read_text().count("trainer.max_epochs=4") == 1
        assert "trainer.max_epochs=2" not in (run / ".hydra" / "overrides.yaml").read_text()

    def test_can_be_reproduced(self, run, tmp_path, capsys):
        assert more(run) == 0
        assert cli.run(["reproduce", str(run), "--dir", str(tmp_path / "again")]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "identical"

    def test_finished_directory_names_three_ways(self, run, capsys):
        before = contents(run)
        assert train(run, *BLOBS) == 2
        message = one_line(capsys)
        for way in ("another hydra.run.dir", f"linnet resume {run} trainer.max_epochs=", f"init_from={run}"):
            assert way in message
        assert contents(run) == before


class TestRefused:
    """In one line, with exit code 2, and the run stays completed, byte for byte."""

    @pytest.mark.parametrize(
        ("overrides", "change", "said"),
        [
            (BLOBS, "trainer.max_epochs=2", "trainer.max_epochs=2: "),
            (BLOBS, "trainer.max_epochs=1", "has trainer.max_epochs=2 already"),
            (BLOBS, "trainer.max_epochs=0", "expected a whole number in [1, inf)"),
            (BLOBS, "trainer.max_epochs=2.5", "expected a whole number in [1, inf)"),
            (BLOBS, "optimizer.lr=1", "resume can change trainer.max_epochs only"),
            ((*BLOBS, "schedule=cosine"), LONG, "depend on trainer.max_epochs"),
            (
                (*BLOBS, "schedule=step", "schedule.step_epochs=${trainer.max_epochs}"), LONG,
                "schedule.step_epochs follows from trainer.max_epochs",
            ),
            ((*BLOBS, "optimizer=exact", "penalty=l2", "penalty.strength=0.1"), LONG, "optimizer=exact"),
        ],
        ids=["as many", "fewer", "none", "half", "another key", "cosine", "interpolation", "exact"],
    )  # fmt: skip
    def test(self, overrides, change, said, tmp_path, capsys):
        assert train(tmp_path / "run", *overrides, SHORT) == 0
        capsys.readouterr()
        before = contents(tmp_path / "run")
        assert more(tmp_path / "run", change) == 2
        assert said in one_line(capsys)
        assert contents(tmp_path / "run") == before

    def test_stopped_early(self, tmp_path, capsys):
        assert train(tmp_path / "run", *STOPPING) == 0
        capsys.readouterr()
        before = contents(tmp_path / "run")
        assert more(tmp_path / "run", "trainer.max_epochs=9") == 2
        assert "ended this run after step" in one_line(capsys)
        assert contents(tmp_path / "run") == before

    def test_job_of_a_sweep(self, tmp_path, capsys):
        """A later run of the sweep would take it for the job with the former settings."""
        sweep = ["-m", f"hydra.sweep.dir={tmp_path / 'sweep'}", *words(tmp_path, *BLOBS)[1:], SHORT]
        assert cli.run(["train", *sweep, "optimizer.lr=0.1,0.2"]) == 0
        capsys.readouterr()
        before = contents(tmp_path / "sweep" / "0")
        assert more(tmp_path / "sweep" / "0") == 2
        assert "the ledger of its sweep" in one_line(capsys)
        assert contents(tmp_path / "sweep" / "0") == before

    def test_on_other_data(self, tmp_path, capsys):
        table = tmp_path / "t.csv"
        rows = [[i, 2 * i + i % 3] for i in range(40)]
        for stretch in (1, 3):
            with table.open("w", newline="") as file:
                csv.writer(file).writerows([["x", "y"], *([x, stretch * y] for x, y in rows)])
            if stretch == 1:
                assert train(tmp_path / "run", "data=table", f"data.path={table}", "data.target=y", SHORT) == 0
                before = contents(tmp_path / "run")
        capsys.readouterr()
        assert more(tmp_path / "run") == 2
        assert "the data is not what the run began with" in one_line(capsys)
        assert contents(tmp_path / "run") == before
