"""What every test may rely on: a place of its own to write to, and the data of this machine."""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import settings

from linnet.cli import main as cli
from linnet.config import resolved
from linnet.config.check import check
from linnet.config.compose import compose, session
from linnet.data import Source, image_classes
from linnet.system.errors import InputError
from linnet.tracking import manifest

# How long an example takes depends on who else uses the machine; whether it passes must not.
# In CI the examples follow from the test alone, so that a change lands or not for its own sake; everywhere else each
# run looks for new ones.
settings.register_profile("linnet", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("linnet")


# What one process runs where several run the tests: tests of files or folders that share trained runs, which are then
# trained once, and, one after the other, tests that start, stop or time processes of their own.
GROUPS = {
    "processes": (
        "answers/test_simultaneous.py", "faults/test_kill.py", "faults/test_machine.py", "faults/test_signals.py",
        "faults/test_stop.py", "sweeps/test_processes.py", "sweeps/test_processes_stuck.py",
    ),
    "distributed": ("training/distributed",), "fuzz": ("fuzz",),
    "resume": ("faults/resume",), "export": ("inference/export",), "inference": ("inference",),
    "training": ("training",), "board": ("cli/test_board.py", "cli/test_board_command.py"), "wheel": ("test_wheel.py",),
    "readme": ("test_readme.py",),
}  # fmt: skip


# Tests of processes of their own, of files damaged in any way, of pages in a browser and of the README's commands, and
# single ones of many seconds beside shorter ones of the same code. A change inside one room seldom breaks them: `make
# test` leaves them out, `make test-long` runs them.
LONG = (
    "answers/test_coverage.py::test_bca_of_coefficients", "answers/test_heavy_tails.py::test_solved",
    "answers/test_nist_answers.py::test_reaches",
    "answers/test_section_a.py::test_heavy", "answers/test_simultaneous.py", "answers/test_terminal.py",
    "cli/test_board.py", "cli/test_board_of_sweeps.py",
    "comparison/report/test_browser.py",
    "comparison/report/test_asked.py::test_an_option_differs_in_its_name_only[1",
    "cli/test_main.py::TestImports::test_of_training",
    "data/test_arrays.py::TestRuns::test_larger_than_memory", "data/test_arrays.py::TestRuns::test_several_processes",
    "estimators/test_check_minibatches.py", "estimators/test_minibatches.py::test_solving_exactly", "faults/test_",
    "fuzz/test_runs.py", "models/test_training.py::TestTwins::test_softmax",
    "optimizers/test_proximal.py::test_ends_at", "own_parts/test_parts.py::TestRun::test_of_several_processes",
    "own_parts/test_trust.py::test_nothing", "own_parts/test_whole_path.py", "reproduction/test_experiment.py",
    "reproduction/test_book.py::test_the_api",
    "results/test_notebook.py", "results/test_public_types.py",
    "solvers/test_preconditioner.py::test_fashion", "sweeps/test_multirun.py::TestRestart::test_sigkill",
    "sweeps/test_processes", "sweeps/test_search.py::TestCommand::test_samplers_by_name",
    "test_readme.py::test_linnet_command", "test_wheel.py", "tracking/test_mlflow.py::test_jobs_in_processes",
    "training/distributed",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests in `LONG`."""
    for item in items:
        if item.nodeid.startswith(tuple(f"tests/{place}" for place in LONG)):
            item.add_marker(pytest.mark.long)


MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30


def pytest_configure() -> None:
    """Put temporary files in memory where there is room: a run waits for a disk some twenty times, 5 to 20 ms each."""
    if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # looked up before


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return a scheduler that gives all tests of a group to one process; marks of groups do nothing in pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling

    group_of = {f"tests/{place}": name for name, places in GROUPS.items() for place in places}

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            path = PurePosixPath(nodeid.partition("::")[0])
            places = map(str, (path, *path.parents))
            return next((group_of[place] for place in places if place in group_of), nodeid)

    return ByGroup(config, log)


@pytest.fixture(scope="session", autouse=True)
def linnet_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """$LINNET_DATA for the session, so that nothing is written to the home directory."""
    folder = tmp_path_factory.mktemp("linnet-data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINNET_DATA", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def git_asked_once() -> Iterator[None]:
    """Ask Git once for the state of linnet's own sources, which two processes of each run would do."""
    with pytest.MonkeyPatch.context() as patch:
        ask, sources = manifest.git_state, Path(manifest.__file__).parent
        asked = cache(ask)
        patch.setattr(manifest, "git_state", lambda folder: (asked if folder == sources else ask)(folder))
        yield


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """A run configures logging for its process: its handlers hold an open file, and the test's captured stdout."""
    loggers = [logging.getLogger(name) for name in (None, "linnet.traceback")]
    before = [(list(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        for handler in [handler for handler in logger.handlers if handler not in handlers]:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, where ./runs and ./experiments of a test belong."""
    folder = tmp_path / "workplace"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """A function of a command line that returns its exit code, stdout and stderr."""

    def answer_to(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(arguments)
        return code, *capsys.readouterr()

    return answer_to


@pytest.fixture
def refusal(answer: Callable[..., tuple[int, str, str]]) -> Callable[..., str]:
    """A function of a command line that is wrong: its one line, once it has left nothing else behind."""

    def line_of(*arguments: str) -> str:
        before = sorted(Path.cwd().rglob("*"))
        code, output, errors = answer(*arguments)
        assert (code, output) == (2, ""), errors
        assert errors.startswith("linnet: ") and len(errors.splitlines()) == 1
        assert sorted(Path.cwd().rglob("*")) == before
        return errors.rstrip("\n")

    return line_of


@pytest.fixture
def checked() -> Callable[..., dict[str, Any]]:
    """A function of overrides that composes and checks them, as `linnet train` does before it imports torch."""

    def compose_and_check(*overrides: str) -> dict[str, Any]:
        found = resolved.resolve(overrides)
        if found is not None:
            return found.config
        with session():
            return check(compose(overrides))

    return compose_and_check


@pytest.fixture(scope="session")
def fashion_mnist() -> Source:
    """Fashion-MNIST in float32. Skips where it is not installed; on CI, where it must be, fails instead."""
    try:
        return image_classes("FashionMNIST", root=None, download=False, dtype="float32", seed=0)
    except InputError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutations", type=int, default=300, help="files of runs that tests/fuzz changes")
    parser.addoption("--fuzz-seed", type=int, default=0, help="of all that is drawn there")
