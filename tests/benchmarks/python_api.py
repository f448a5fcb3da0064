"""Seconds of `linnet.train(X, y)` in Python on 150 rows of 4 features, the second and later calls in a process.

    python tests/benchmarks/python_api.py [--repeats 15] [--fits 3]

A call that is not tracked may take 30 ms, one that is 100 ms. The latter waits for the disk some twenty
times, so one row has the run directory in memory, where there is /dev/shm; another has the same numbers in a file.
The tables after it, of scikit-learn's estimators, are those of estimators.py.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from estimators import DATA, compare
from side_by_side import Candidate, parser, table, take_turns

import linnet

MEMORY = Path("/dev/shm")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 4))
Y = X @ [1.0, 2.0, 3.0, 4.0] + RNG.normal(size=150)
OPTIONS: dict[str, Any] = {"penalty": "l2", "lr": 0.1, "quiet": True}


def seconds_of(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def untracked() -> object:
    return linnet.train(X, Y, tracked=False, **OPTIONS)


def tracked() -> object:
    return linnet.train(X, Y, **OPTIONS)


def in_memory() -> object:
    """Train with the run directory in memory."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        return linnet.train(X, Y, run_dir=f"{folder}/run", **OPTIONS)


def by_file() -> object:
    """Train on the same numbers in a file."""
    return linnet.train(["data=table", "data.path=t.csv", "data.target=y", "figures=false"], **OPTIONS)


def calls() -> list[Candidate]:
    """Return the calls of `linnet.train`; each is made once before it is timed."""
    found = [
        Candidate("linnet.train(X, y, tracked=False)", lambda: seconds_of(untracked), allowed=0.03),
        Candidate("linnet.train(X, y)", lambda: seconds_of(tracked), allowed=0.1),
        Candidate("linnet.train of a file", lambda: seconds_of(by_file)),
    ]
    if MEMORY.is_dir():
        found.append(Candidate("linnet.train(X, y), runs in memory", lambda: seconds_of(in_memory), allowed=0.1))
    return found


def main() -> None:
    arguments = parser(__doc__, repeats=15)
    arguments.add_argument("--fits", type=int, default=3, help="times that estimators are fitted; 0: not at all")
    given = arguments.parse_args()
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as folder:
        os.environ["LINNET_DATA"] = data
        os.chdir(folder)
        np.savetxt("t.csv", np.column_stack([X, Y]), delimiter=",", header="x0,x1,x2,x3,y", comments="", fmt="%.17g")
        candidates = calls()
        take_turns(candidates, 1)
        seconds = take_turns(candidates, given.repeats)
        os.chdir(here)
    print(table("seconds of a call, the second and later ones", candidates, seconds))
    for name in DATA if given.fits else ():
        print(compare(name, given.fits))


if __name__ == "__main__":
    main()
