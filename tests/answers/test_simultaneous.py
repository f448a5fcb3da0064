"""Two processes that start in one directory at the same moment: one goes on, the other says who owns it.

LINNET_PAIRS=20 tries so many pairs of each kind; without it there is one.
"""

import hashlib
import json
import os
import time
from pathlib import Path

import pytest
from prepared_process import Started

from linnet.cli import main as cli

PAIRS = int(os.environ.get("LINNET_PAIRS", "1"))
QUICK = ["data=diabetes", "figures=false", "optimum=off", "threads=1"]


def together(first: list[str], second: list[str], cwd: Path) -> list[tuple[int, str, str]]:
    """Exit code and output of two commands that begin at once; the winner comes first."""
    pair = [Started(*arguments, cwd=cwd) for arguments in (first, second)]
    for started in pair:
        started.go()
    return sorted((started.end() for started in pair), key=lambda ended: ended[0])


def assert_one_won(ended: list[tuple[int, str, str]]) -> None:
    (code, _, err), (other, _, line) = ended
    assert (code, other) == (0, 2), ended
    assert err == ""
    assert len(line.splitlines()) == 1, line
    assert "Traceback" not in line


def assert_whole(run: Path) -> None:
    """A completed run whose files have the hashes of its manifest."""
    assert json.loads((run / "status.json").read_text())["state"] == "completed"
    manifest = json.loads((run / "manifest.json").read_text())
    for name, digest in manifest["files_sha256"].items():
        assert hashlib.sha256((run / name).read_bytes()).hexdigest() == digest, name
    assert {path.name for path in (run / ".hydra").iterdir()} == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    assert (run / "train.log").read_text().count("linear_regression on diabetes") == 1


@pytest.mark.parametrize("pair", range(PAIRS))
class TestTwoAtOnce:
    def test_train(self, pair, tmp_path):
        """Of two runs with different seeds the directory holds one, whole."""
        commands = [["train", *QUICK, f"seed={k}", "trainer.max_epochs=30", "hydra.run.dir=run"] for k in (1, 2)]
        ended = together(*commands, tmp_path)
        assert_one_won(ended)
        assert_whole(tmp_path / "run")
        seed = json.loads((tmp_path / "run" / "manifest.json").read_text())["seed"]
        assert f"seed={seed}" in (tmp_path / "run" / ".hydra" / "overrides.yaml").read_text()
        assert [path.name for path in tmp_path.iterdir()] == ["run"]

    @pytest.mark.long
    def test_the_same_command_twice(self, pair, tmp_path):
        """As `srun -n2` would start it, in a directory that is there."""
        (tmp_path / "notes.txt").write_text("mine")
        command = ["train", *QUICK, "trainer.max_epochs=30", "hydra.run.dir=."]
        assert_one_won(together(command, command, tmp_path))
        assert_whole(tmp_path)
        assert (tmp_path / "notes.txt").read_text() == "mine"

    @pytest.mark.long
    def test_a_refused_one_beside_a_good_one(self, pair, tmp_path):
        """A run whose data does not fit its loss is refused late, and removes nothing of the other's."""
        bad = ["train", *QUICK, "loss=poisson_nll", "data.outliers=1", "data.outlier_value=-5", "hydra.run.dir=run"]
        good = ["train", *QUICK, "trainer.max_epochs=30", "hydra.run.dir=run"]
        ended = together(bad, good, tmp_path)
        assert [code for code, _, _ in ended] in ([0, 2], [2, 2]), ended
        if ended[0][0] == 0:
            assert_whole(tmp_path / "run")
        else:  # the bad one came first, and has left nothing
            assert not (tmp_path / "run").exists()

    def test_sweep(self, pair, tmp_path):
        command = ["train", "-m", *QUICK, "seed=0,1", "trainer.max_epochs=5", "hydra.sweep.dir=sweep"]
        assert_one_won(together(command, command, tmp_path))
        for number in "01":
            assert_whole(tmp_path / "sweep" / number)
        assert json.loads((tmp_path / "sweep" / "ledger.json").read_text())["jobs"]

    @pytest.mark.long
    def test_resume(self, pair, tmp_path):
        options = ["trainer.max_epochs=300", "callbacks.checkpoint.every_n_steps=20", "hydra.run.dir=run"]
        started = Started("train", *QUICK, *options, cwd=tmp_path)
        started.go()
        while not (tmp_path / "run" / "checkpoints" / "last.ckpt").exists():
            assert started.process.is_alive()
            time.sleep(0.02)
        started.kill()
        started.end()
        assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "running"
        ended = together(["resume", "run"], ["resume", "run"], tmp_path)
        assert_one_won(ended)
        state = json.loads((tmp_path / "run" / "status.json").read_text())
        assert (state["state"], state["epoch"]) == ("completed", 300)

    @pytest.mark.long
    def test_compare(self, pair, tmp_path):
        if not (tmp_path / "sweep").exists():
            sweep = ["train", "-m", *QUICK, "optimizer.lr=0.01,0.02", "trainer.max_epochs=2", "hydra.sweep.dir=sweep"]
            started = Started(*sweep, cwd=tmp_path)
            started.go()
            assert started.end()[0] == 0
        runs = {path: path.read_bytes() for path in (tmp_path / "sweep").glob("[01]/**/*") if path.is_file()}
        ended = together(["compare", "sweep"], ["compare", "sweep"], tmp_path)
        assert ended[0][0] == 0, ended
        if ended[1][0] != 0:  # else the second began when the first had ended
            assert_one_won(ended)
        assert len((tmp_path / "sweep" / "summary.csv").read_text().splitlines()) == 3
        names = {path.name for path in (tmp_path / "sweep" / "comparison").iterdir()}
        assert {"learning_curves.png", "val_loss_against_optimizer.lr.png"} <= names
        assert {path: path.read_bytes() for path in runs} == runs


@pytest.mark.long
def test_a_killed_start_leaves_no_stale_lock(tmp_path):
    command = ["train", *QUICK, "trainer.max_epochs=3000", "hydra.run.dir=run"]
    started = Started(*command, cwd=tmp_path)
    started.go()
    while not (tmp_path / "run" / ".lock").exists():
        time.sleep(0.002)
    started.kill()
    started.end()
    again = Started("train", *QUICK, "trainer.max_epochs=2", "hydra.run.dir=run", cwd=tmp_path)
    again.go()
    code, _, err = again.end()
    claimed = (tmp_path / "run" / "status.json").exists() and code == 2
    assert code == 0 or (claimed and "linnet resume" in err), err


def test_the_hydra_directory_of_another_program_is_not_overwritten(workplace, capsys):
    (workplace / ".hydra").mkdir()
    (workplace / ".hydra" / "config.yaml").write_text("theirs: 1\n")
    assert cli.run(["train", *QUICK, "hydra.run.dir=."]) == 2
    assert "holds the .hydra/ of another program" in capsys.readouterr().err
    assert {path.name for path in workplace.iterdir()} == {".hydra"}
    assert (workplace / ".hydra" / "config.yaml").read_text() == "theirs: 1\n"
