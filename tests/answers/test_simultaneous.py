"""Two processes that start in one directory at the same moment: one owns it, the other says who does, nothing is lost.

`LINNET_PAIRS=20` runs twenty pairs of each kind instead of the few of every test run.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linnet.files import read_json
from linnet.tracking.claim import Claim

PAIRS = range(int(os.environ.get("LINNET_PAIRS", "2")))
JOB = ("data=diabetes", "trainer.max_epochs=1", "figures=false", "optimum=off")
# Imports what takes seconds, says so, and waits: both processes then set off within a millisecond.
START = """
import os, sys, time
from linnet import cli
import linnet.life, linnet.resume, linnet.sweeps.compare, linnet.sweeps.tensorboard_overview
print("ready", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.0005)
sys.exit(cli.run(sys.argv[2:]))
"""
USED = "another process is at work here (pid "


def start(flag: Path, folder: Path, *words: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", START, str(flag), *words], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def pair(tmp_path: Path, *words: str) -> list[tuple[int, str]]:
    """Exit code and standard error of two processes with the same command line, the lower code first."""
    flag = tmp_path / "start"
    (tmp_path / "work").mkdir(exist_ok=True)
    both = [start(flag, tmp_path / "work", *words) for _ in range(2)]
    for process in both:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    flag.touch()
    answers = [process.communicate(timeout=120)[1] for process in both]
    flag.unlink()
    return sorted((process.returncode, text) for process, text in zip(both, answers, strict=True))


def assert_one_refused(answers: list[tuple[int, str]]) -> None:
    (won, _), (lost, line) = answers
    assert (won, lost) == (0, 2), answers
    assert line.startswith("linnet: ") and len(line.splitlines()) == 1
    # The winner of a short race has finished by the time at which the other looks.
    assert USED in line or "belongs to another run" in line or "completed" in line or "just now" in line


def assert_whole(run: Path) -> None:
    assert read_json(run / "status.json")["state"] == "completed"
    for name in (".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml", "train.log", "metrics.json"):
        assert (run / name).stat().st_size > 0
    pid = read_json(run / "status.json")["pid"]
    (events,) = run.glob("events.out.tfevents.*")
    assert f".{pid}." in events.name


@pytest.mark.parametrize("number", PAIRS)
@pytest.mark.parametrize("directory", [".", "new/run"])
def test_trainings(directory, number, tmp_path):
    assert_one_refused(pair(tmp_path, "train", *JOB, f"hydra.run.dir={directory}"))
    assert_whole(tmp_path / "work" / directory)


@pytest.mark.parametrize("number", PAIRS)
def test_sweeps(number, tmp_path):
    answers = pair(tmp_path, "train", "-m", *JOB, "seed=0,1", "hydra.sweep.dir=sweep")
    assert sorted(code for code, _ in answers) in ([0, 2], [0, 0])  # the second may find it all done
    assert all(USED in line for code, line in answers if code == 2)
    for job in ("0", "1"):
        assert_whole(tmp_path / "work" / "sweep" / job)


@pytest.mark.parametrize("number", PAIRS)
def test_resumes(number, tmp_path):
    flag, run = tmp_path / "go", tmp_path / "work" / "run"
    (tmp_path / "work").mkdir()
    flag.touch()
    long = [word if "epochs" not in word else "trainer.max_epochs=300" for word in JOB]
    first = start(flag, tmp_path / "work", "train", *long, "hydra.run.dir=run")
    until = time.monotonic() + 60
    while not (run / "checkpoints" / "last.ckpt").exists() and time.monotonic() < until and first.poll() is None:
        time.sleep(0.001)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert read_json(run / "status.json")["state"] == "running"
    answers = pair(tmp_path, "resume", "run")
    assert answers[0][0] == 0
    if answers[1][0] == 2:
        assert_one_refused(answers)
    else:  # the first had ended before the second looked
        assert answers[1][0] == 0
    assert read_json(run / "status.json")["state"] == "completed"


@pytest.mark.parametrize("number", PAIRS)
def test_comparisons(number, tmp_path, finished_sweep):
    before = {path: path.read_bytes() for path in finished_sweep.rglob("*") if path.is_file()}
    out = tmp_path / "out"
    answers = pair(tmp_path, "compare", str(finished_sweep), "--output", str(out))
    assert answers[0][0] == 0 and answers[1][0] in (0, 2)
    assert all(USED in line for code, line in answers if code == 2)
    assert len((out / "summary.csv").read_text(encoding="utf-8").splitlines()) >= 2
    assert all(path.read_bytes().endswith(b"IEND\xaeB`\x82") for path in (out / "comparison").glob("*.png"))
    assert {path: path.read_bytes() for path in finished_sweep.rglob("*") if path.is_file()} == before


@pytest.fixture(scope="module")
def finished_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    flag = folder / "flag"
    flag.touch()
    process = start(flag, folder, "train", "-m", *JOB, "seed=0,1", "hydra.sweep.dir=sweep")
    process.communicate(timeout=120)
    assert process.returncode == 0
    return folder / "sweep"


def test_a_refused_configuration_leaves_what_lay_there(tmp_path):
    work = tmp_path / "work"
    (work / "figures").mkdir(parents=True)
    (work / "figures" / "mine.png").write_text("mine")
    words = ["data.val_fraction=0", "callbacks=early_stopping", "hydra.run.dir=."]
    answers = pair(tmp_path, "train", *JOB, *words)
    assert [code for code, _ in answers] == [2, 2]
    assert [str(path.relative_to(work)) for path in sorted(work.rglob("*"))] == ["figures", "figures/mine.png"]


def test_files_of_others_that_came_meanwhile_stay(tmp_path):
    with Claim(tmp_path / "run") as claim:
        (claim.path / "train.log").write_text("ours")
        (claim.path / "notes.txt").write_text("of another process")
        claim.remove_run()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["notes.txt"]


def test_a_killed_owner_owns_nothing(tmp_path):
    code = f"from linnet.tracking.claim import Claim\nfrom pathlib import Path\nimport time\nc = Claim(Path({str(tmp_path / 'run')!r}))\nprint('held', flush=True)\ntime.sleep(60)"  # noqa: E501
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    holder.kill()
    holder.communicate()
    with Claim(tmp_path / "run"):
        pass
