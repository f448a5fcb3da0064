"""Carry out a command on a changed file, and judge the answer."""

import contextlib
import io
import logging
import random
import threading
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mutations import mutate
from subjects import OF_THE_RUN, ON_INPUTS, ON_RUNS, Command, World, results, root, signature

from linnet.cli import main as cli
from linnet.tracking.manifest_file import ACCEPT

MEMORY = 2 * 10**9
"""Bytes by which a command may let the process grow."""
READ_ONLY = ("inspect", "predict", "export", "evaluate", "evaluate --input", "compare", "report", "reproduce")

SAID = ("changed", "unknown", "to go", "is missing", "is damaged")
"""Words that say of a change that it was seen; "to go": a job of a sweep is run again."""


class Answer(NamedTuple):
    """What a command returned, printed and wrote."""

    code: int
    out: str
    err: str
    written: str


class Case(NamedTuple):
    """A command, the file that is changed before it, the kind of that file, and whether changes are accepted."""

    command: Command
    file: str
    kind: str
    accept: bool = False

    @property
    def is_of_the_run(self) -> bool:
        return self.command.input is None


def cells(trained: Path) -> list[list[Case]]:
    """Return the pairs of commands and kinds of file, each with all commands and files that it stands for."""
    found: dict[tuple[str, str], list[Case]] = {}
    for command in (*ON_RUNS, *ON_INPUTS):
        folder = trained / command.subject / root(command.subject)
        names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
        for file in names if command.input is None else [command.input]:
            kind = _kind(command, file)
            found.setdefault((command.name, kind), []).append(Case(command, file, kind))
    return list(found.values())


def _kind(command: Command, file: str) -> str:
    """Return a file's name without what differs from run to run."""
    if command.input is not None:
        return f"{'data' if command.name in OF_THE_RUN else 'input'} {''.join(Path(file).suffixes)}"
    name = file.removeprefix("0/").removeprefix("1/")
    return "events" if name.startswith("events.") else name


def draw(pairs: Sequence[Sequence[Case]], seed: int, number: int) -> tuple[Case, random.Random]:
    """Return a case and the generator that its mutation is drawn by: pairs in turn, so that each gets as many."""
    order = list(range(len(pairs)))
    random.Random(seed).shuffle(order)
    rng = random.Random(f"{seed} {number}")
    case = rng.choice(pairs[order[number % len(pairs)]])
    return case._replace(accept=rng.random() < 0.5), rng


def carry_out(command: Command, accept: bool = False) -> Answer:
    """Run a command in this process."""
    content, err = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(content, encoding="utf-8", errors="replace")  # as `main` sets it
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(record=True) as caught,
    ):
        code = cli.run([*command.words.split(), *([ACCEPT] if accept else [])])
        out.flush()
    err.write("".join(f"{warning.category.__name__}: {warning.message}\n" for warning in caught))
    for handler in logging.getLogger().handlers[:]:  # they write to streams of this command
        logging.getLogger().removeHandler(handler)
    printed = content.getvalue().decode()
    if command.name == "report" and code == 0:  # what it says of changes is on the page
        printed += (Path("out") / "page.html").read_text(encoding="utf-8")
    return Answer(code, printed, err.getvalue(), results(command))


def judge(case: Case, forged: bool, answer: Answer, expected: Answer) -> tuple[str, str]:
    """Return the verdict, and of a fault what it is.

    Args:
        case: what was done.
        forged: a checksum was made to fit the change.
        answer, expected: with and without the change.
    """
    code, out, err, written = answer
    name = case.command.name
    if code in (1, 2, 3) and err.startswith("linnet: ") and err.count("\n") == 1:
        return "refused", ""
    different = name == "reproduce" and code == 1
    if code != 0 and not different:
        return "fault", f"exit code {code}: {err[-500:]!r} {out[-500:]!r}"
    if written == expected.written and (name.startswith("resume") or out == expected.out):
        return "equal", ""
    said = any(out.count(word) > expected.out.count(word) for word in SAID)
    if name == "reproduce" and '"environment": {}' not in out:
        said = True
    if different or said or err.count("note: ") > expected.err.count("note: "):
        return "noticed", ""
    unlisted = not case.is_of_the_run and name not in OF_THE_RUN
    unfinished = name == "resume" and case.kind in ("history.csv", "events")
    if case.accept or forged or unlisted or unfinished or case.file.endswith("status.json"):
        return "accepted", ""
    return "fault", f"another answer without a word: {out[-300:]!r} {err[-300:]!r} {written[:300]!r}"


def judged(
    case: Case, rng: random.Random, world: World, expected: Mapping[Command, Answer]
) -> Iterator[tuple[str, str]]:
    """Yield what is done with a file, and then the verdict on the command."""
    folder = Path(root(case.command.subject))
    with world.fresh(case.command):
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        path = folder / case.file if case.is_of_the_run else Path(case.file)
        said, forged = mutate(path, rng, files if case.is_of_the_run else ())
        if path.is_fifo() and case.file in case.command.words.split():
            # A user who names a pipe as an input has a program at its other end.
            content = (world.trained / case.command.subject / case.file).read_bytes()
            threading.Thread(target=path.write_bytes, args=(content,), daemon=True).start()
        yield f"{case.command.words}{f' {ACCEPT}' * case.accept}; {case.file}", said
        before = signature(folder) if case.command.name in READ_ONLY and case.command.subject != "sweep" else {}
        Path("/proc/self/clear_refs").write_text("5")  # the peak of memory starts again
        memory = resident("VmRSS")
        try:
            verdict = judge(case, forged, carry_out(case.command, case.accept), expected[case.command])
        except (Exception, SystemExit):
            verdict = "fault", traceback.format_exc()
        if before and signature(folder) != before:
            verdict = "fault", "the run's own directory was changed"
    if (growth := resident("VmHWM") - memory) > MEMORY:
        verdict = "fault", f"{growth / 1e9:.1f} GB of memory"
    if outside := world.changed_outside(case.command):
        verdict = "fault", f"changed outside: {', '.join(outside)}"
    yield verdict


def resident(key: str, process: int | str = "self") -> int:
    """Return bytes of a process's resident memory: VmRSS now, VmHWM at its peak."""
    text = Path(f"/proc/{process}/status").read_text()
    return 1024 * int(text.partition(f"{key}:")[2].split()[0])
