"""Files of a finished run, changed in any way: every command refuses in one line, notices, or answers as before.

    pytest tests/fuzz --mutations 20000      by hand

A verdict is read off what a command prints and returns. Anything else is a failure: a traceback, an answer that
differs without a word, a command that does not end within 10 s, a byte changed outside.
"""

import contextlib
import hashlib
import io
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from mutations import mutate

import linnet
from linnet.cli import main as cli

SECONDS = 10
COMMANDS = (
    "inspect run", "inspect run --csv -", "predict run --input new.csv --output -",
    "export run --format json --output out.json",
    "evaluate run --json", "evaluate run --input houses.csv --json", "compare run",
)  # fmt: skip
HOUSES = Path(__file__).parents[1] / "fixtures" / "format_1" / "houses.csv"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "houses.csv").write_bytes(HOUSES.read_bytes())
    (folder / "new.csv").write_text("area,rooms\n50,2\n80,3\n")
    (folder / "decoys").mkdir()
    (folder / "decoys" / "precious").write_text("precious")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        words = ["data=table", "data.path=houses.csv", "data.target=price", "figures=false", "trainer.max_epochs=2"]
        linnet.train([*words, "hydra.run.dir=run"])
    return folder


def answer(command: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a command in this process."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), time_limit():
        code = cli.run(command.split())
    out.flush()
    text = out.buffer.getvalue().decode()
    return code, text + (Path("out.json").read_text() if Path("out.json").exists() else ""), err.getvalue()


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    def expired(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not ended after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def contents(folder: Path) -> dict[str, str]:
    """Hash of every file outside the run."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "run" not in path.relative_to(folder).parts and path.name != "out.json"
    }


def test_changed_files_are_refused_noticed_or_without_effect(
    trained: Path, workplace: Path, request: pytest.FixtureRequest
) -> None:
    shutil.copytree(trained, workplace, dirs_exist_ok=True)
    expected = {}
    for command in COMMANDS:
        expected[command] = answer(command)
        assert expected[command][0] == 0, expected[command]
        Path("out.json").unlink(missing_ok=True)
    files = sorted(path.relative_to("run") for path in Path("run").rglob("*") if path.is_file())
    outside = contents(workplace)
    rng, faults = random.Random(request.config.getoption("--mutations")), []
    for number in range(request.config.getoption("--mutations")):
        shutil.rmtree("run")
        shutil.copytree(trained / "run", "run")
        command = COMMANDS[(number // len(files)) % len(COMMANDS)]
        if command.startswith("compare") and files[number % len(files)].name == "status.json":
            continue  # what is possible is believed there: this file changes after the manifest is written
        changed = mutate(Path("run") / files[number % len(files)], rng)
        try:
            code, out, err = answer(command)
        except (Exception, SystemExit) as error:
            faults.append(f"{command}, {changed}: {type(error).__name__}: {error}")
            continue
        finally:
            Path("out.json").unlink(missing_ok=True)
        refused = code == 2 and err.startswith("linnet: ") and err.count("\n") == 1
        _, out_before, err_before = expected[command]
        notices = [("note: ", err, err_before), ("changed", out, out_before), ("unknown", out, out_before)]
        noticed = code == 0 and any(text.count(word) > before.count(word) for word, text, before in notices)
        same = code == 0 and out == out_before
        if not (refused or noticed or same):
            faults.append(f"{command}, {changed}: exit code {code}, {err.strip()[-300:]!r} {out[-200:]!r}")
    assert contents(workplace) == outside
    assert not faults, "\n".join(faults)
