"""Seconds of a cold `linnet` command, from the start of its process to the end.

    python tests/benchmarks/startup.py [--repeats 7]

A default run, softmax regression on digits with all its files and figures, may take 1.3 times what Python needs to
import Lightning and torchvision; `linnet --help` half a second; a mistake in the configuration 1.5 s. Every command
runs in a new process and an empty directory.
"""

import os
import sys
import tempfile

from side_by_side import Candidate, parser, seconds_of_process, table, take_turns

LINNET = [sys.executable, "-m", "linnet"]
IMPORTS = [sys.executable, "-c", "import pytorch_lightning, torchvision"]


def cold(command: list[str], expected: int = 0) -> float:
    """Seconds of a command in a directory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return seconds_of_process(command, expected=expected, cwd=folder)[0]


def main() -> None:
    given = parser(__doc__, repeats=7).parse_args()
    with tempfile.TemporaryDirectory() as data:
        os.environ["LINNET_DATA"] = data
        candidates = [
            Candidate("linnet train", lambda: cold([*LINNET, "train"])),
            Candidate("import pytorch_lightning, torchvision", lambda: cold(IMPORTS), limit=1.3),
            Candidate("linnet --help", lambda: cold([*LINNET, "--help"]), allowed=0.5),
            Candidate("linnet train data=digit", lambda: cold([*LINNET, "train", "data=digit"], 2), allowed=1.5),
        ]
        take_turns(candidates[:2], 1)  # brings the files into memory
        seconds = take_turns(candidates, given.repeats)
    print(table("seconds of a cold process, start to end", candidates, seconds))


if __name__ == "__main__":
    main()
