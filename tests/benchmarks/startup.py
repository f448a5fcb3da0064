"""Seconds of a cold `linnet` command, from the start of its process to the end.

    python tests/benchmarks/startup.py [--repeats 7]

A default run, softmax regression on digits with all its files and figures, may take 1.3 times what Python needs to
import Lightning and torchvision; `linnet --help` half a second; a mistake in the configuration 1.5 s; commands that
read the numbers of a run 1.2 s. Every command runs in a new process.
"""

import os
import sys
import tempfile
from pathlib import Path

from side_by_side import Candidate, parser, seconds_of_process, table, take_turns

LINNET = [sys.executable, "-m", "linnet"]
HELP = ("resume", "evaluate", "predict", "inspect", "export", "reproduce", "compare", "report", "board")
IMPORTS = [sys.executable, "-c", "import pytorch_lightning, torchvision"]


def cold(command: list[str], expected: int = 0) -> float:
    """Seconds of a command in a directory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return seconds_of_process(command, expected=expected, cwd=folder)[0]


def reads(folder: str, words: str, expected: int = 0) -> Candidate:
    """A command that reads the run of a table in this directory, or is answered without it."""
    command = [*LINNET, *words.split()]
    return Candidate(
        f"linnet {words}", lambda: seconds_of_process(command, expected=expected, cwd=folder)[0], allowed=1.2
    )


def export(folder: str) -> float:
    """Seconds of an export to a file that does not exist."""
    with tempfile.TemporaryDirectory() as place:
        command = [*LINNET, *f"export run --format json --output {place}/run.json".split()]
        return seconds_of_process(command, cwd=folder)[0]


def make_run(folder: str) -> None:
    """Train on a table of 200 rows."""
    rows = "".join(f"{i % 17},{i % 5},{3 * (i % 17) - (i % 5) + i % 3}\n" for i in range(200))
    Path(folder, "f.csv").write_text(f"a,b,y\n{rows}")
    words = "train data=table data.path=f.csv data.target=y data.exclude=[] hydra.run.dir=run trainer.max_epochs=2"
    seconds_of_process([*LINNET, *words.split()], cwd=folder)


def main() -> None:
    given = parser(__doc__, repeats=7).parse_args()
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as folder:
        os.environ["LINNET_DATA"] = data
        make_run(folder)
        candidates = [
            Candidate("linnet train", lambda: cold([*LINNET, "train"])),
            Candidate("import pytorch_lightning, torchvision", lambda: cold(IMPORTS), limit=1.3),
            Candidate("linnet --help", lambda: cold([*LINNET, "--help"]), allowed=0.5),
            Candidate("linnet train data=digit", lambda: cold([*LINNET, "train", "data=digit"], 2), allowed=1.5),
            reads(folder, "inspect run"),
            reads(folder, "predict run --input f.csv --output -"),
            Candidate("linnet export run --format json", lambda: export(folder), allowed=1.2),
            reads(folder, "compare run"),
            reads(folder, "board nothing", 2),
            *(reads(folder, f"{command} --help") for command in HELP),
        ]
        take_turns(candidates[:2], 1)  # brings the files into memory
        seconds = take_turns(candidates, given.repeats)
    print(table("seconds of a cold process, start to end", candidates, seconds))


if __name__ == "__main__":
    main()
