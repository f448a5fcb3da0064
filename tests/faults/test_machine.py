"""A machine that refuses: full and read-only disks, missing permissions, too little memory.

Each run is made in a fork, so that limits, users and mounts end with it; it uses one thread, which a fork may.
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import linnet
import linnet.training.resume
from linnet.cli import main as cli
from linnet.system.errors import Interrupted
from linnet.system.reading import read_json
from linnet.tracking.checkpoint_file import load
from linnet.training import components as build, finalize

COMMON = ("figures=false", "threads=1", "data=gaussian_blobs", "data.n_test=50", "data.batch_size=4")
# Some 2.5 MB of history and events.
LARGE = (
    *COMMON, "data.n_train=2000", "trainer.max_epochs=30", "trainer.log_every_n_steps=1",
    "callbacks.checkpoint.every_n_steps=200",
)  # fmt: skip
NOBODY = 65534


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, and what it printed to stdout and stderr."""

    code: int
    out: str
    errors: str

    @property
    def line(self) -> str:
        """The one line on stderr."""
        assert len(self.errors.splitlines()) == 1, self.errors
        return self.errors


@pytest.fixture
def apart() -> Callable[..., Ended]:
    """A function that carries out `linnet ARGUMENTS` in a fork, after a preparation of that process."""

    def carry_out(*arguments: str, prepare: Callable[[], object] = lambda: None) -> Ended:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            pid = os.fork()
            if pid == 0:
                code = 99
                try:
                    os.dup2(out.fileno(), 1)
                    os.dup2(errors.fileno(), 2)
                    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
                    signal.alarm(120)
                    prepare()
                    code = cli.run(arguments)
                except BaseException:
                    traceback.print_exc()
                finally:
                    sys.stdout.flush()
                    sys.stderr.flush()
                    os._exit(code)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            texts = []
            for file in (out, errors):
                file.seek(0)
                texts.append(file.read().decode())
            return Ended(code, *texts)

    return carry_out


def mount(folder: Path, options: str) -> None:
    """Mount a tmpfs, or skip the test where that is not permitted; on CI as root, it must be."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The mount point of an empty tmpfs of 2 MB."""
    if os.getuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount(folder, "size=2m")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that any user may reach; pytest's own are for one user only."""
    folder = Path(tempfile.mkdtemp(prefix="linnet-machine-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was interrupted in evaluation. To be copied."""
    directory = tmp_path_factory.mktemp("interrupted") / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(finalize, "evaluate_parts", lambda *_, **__: signal.raise_signal(signal.SIGTERM))
        linnet.train([*COMMON, "data.n_train=60", "trainer.max_epochs=1", f"hydra.run.dir={directory}"])
    return directory


class TestFullDisk:
    def test_in_mid_run_fails_and_goes_on_once_there_is_room(self, small_disk, apart, compare, tmp_path):
        run, uninterrupted = small_disk / "run", tmp_path / "uninterrupted"
        linnet.train([*LARGE, f"hydra.run.dir={uninterrupted}"])
        ended = apart("train", *LARGE, f"hydra.run.dir={run}")
        assert ended.code == 1
        assert "No space left on device" in ended.line
        status = read_json(run / "status.json")
        assert status["state"] == "failed"
        assert "No space left on device" in status["error"]
        step = load(run / "checkpoints" / "last.ckpt")["linnet"]["steps_done"]
        assert 200 <= step < read_json(uninterrupted / "status.json")["step"]

        # Still full: it says so again, and loses nothing.
        again = apart("resume", str(run))
        assert again.code == 1
        assert "No space left on device" in again.line
        assert read_json(run / "status.json")["state"] == "failed"
        assert load(run / "checkpoints" / "last.ckpt")["linnet"]["steps_done"] >= step

        subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
        resumed = apart("resume", str(run))
        assert resumed.code == 0, resumed.errors
        compare(run, uninterrupted)

    def test_from_the_beginning(self, small_disk, apart):
        with (small_disk / "others").open("wb") as file:
            file.write(bytes(2**21 - 4096 * 4))
        ended = apart("train", *COMMON, f"hydra.run.dir={small_disk / 'run'}")
        assert ended.code == 1
        assert "No space left on device" in ended.line


class TestRefusedByTheFileSystem:
    def test_read_only_disk(self, small_disk, interrupted, apart):
        shutil.copytree(interrupted, small_disk / "run")
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
        before = contents(small_disk)
        for words in (["train", *COMMON, f"hydra.run.dir={small_disk / 'new'}"], ["resume", f"{small_disk / 'run'}"]):
            ended = apart(*words)
            assert ended.code == 1
            assert "Read-only file system" in ended.line
            assert str(small_disk) in ended.line
        assert contents(small_disk) == before

    def test_no_permission(self, open_place, interrupted, apart):
        shutil.copytree(interrupted, open_place / "run")
        for path in (open_place, *open_place.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = contents(open_place)

        def become_nobody() -> None:
            os.chdir(open_place)
            if os.geteuid() == 0:  # whom no permission stops
                os.seteuid(NOBODY)

        for words in (["train", *COMMON, f"hydra.run.dir={open_place / 'new'}"], ["resume", f"{open_place / 'run'}"]):
            ended = apart(*words, prepare=become_nobody)
            assert ended.code == 1
            assert "Permission denied" in ended.line
            assert str(open_place) in ended.line
        assert contents(open_place) == before


class TestTooLittleMemory:
    # More than there is, more than can be counted in bytes, and more than torch can count at all.
    @pytest.mark.parametrize("n_train", [10**12, 10**18, 10**25])
    def test_for_the_examples(self, n_train, apart, tmp_path):
        run = tmp_path / "run"
        ended = apart("train", *COMMON, "data=synthetic_regression", f"data.n_train={n_train}", f"hydra.run.dir={run}")
        assert ended.code == 1
        assert "MemoryError: the examples of synthetic_regression do not fit into memory" in ended.line
        assert ("16000000000000 bytes" in ended.line) == (n_train == 10**12)
        status = read_json(run / "status.json")
        assert status["state"] == "failed"
        assert "do not fit into memory" in status["error"]

    def test_by_a_limit_of_the_process(self, apart, tmp_path):
        def limit() -> None:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, resource.RLIM_INFINITY))

        words = ["data.n_train=20000000", f"hydra.run.dir={tmp_path / 'run'}"]
        ended = apart("train", *COMMON, *words, prepare=limit)
        assert ended.code == 1
        assert "MemoryError: the examples of gaussian_blobs do not fit into memory" in ended.line
        assert read_json(tmp_path / "run" / "status.json")["state"] == "failed"

    def test_is_not_blamed_for_other_errors(self, checked, monkeypatch):
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("of another kind")

        monkeypatch.setattr(build, "prepare", broken)
        with pytest.raises(RuntimeError, match="of another kind"):
            build.build_data(checked(*COMMON))


def contents(folder: Path) -> dict[Path, bytes]:
    """Of all files below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
