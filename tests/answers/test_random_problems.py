"""Random problems against a reference in 100 digits: no false certificate, no coefficients that are silently wrong.

300 problems, or as many as LINNET_PROBLEMS says. Every tenth one also goes through the command line as a table:

    LINNET_PROBLEMS=5000 python -m pytest -s tests/answers/test_random_problems.py     # about half an hour
"""

import os
from collections import Counter
from collections.abc import Callable

import pytest
from judged import Verdict, judge_run, judge_solver
from random_problems import Drawn, draw

COUNT = int(os.environ.get("LINNET_PROBLEMS", 300))
GROUPS = 10
ONCE_WRONG = (
    369, 593, 1112, 1671, 1727, 1858, 2581, 3216, 3575, 4205, 4961, 5269, 6094, 6333, 7537, 7747,
)  # fmt: skip
"""Problems whose verdict was not "right" once."""
FAULTS = ("false certificate", "wrong coefficients", "no reference")


def verdicts(judge: Callable[[Drawn], Verdict], numbers: range) -> Counter[str]:
    """Judge the problems, print what went wrong, and count the verdicts."""
    counts: Counter[str] = Counter()
    for number in numbers:
        drawn = draw(number)
        found = judge(drawn)
        counts[found.verdict] += 1
        if found.verdict != "right":
            print(f"{drawn}: {found.verdict}: {found.detail}")
    return counts


@pytest.mark.parametrize("group", [0, *(pytest.param(group, marks=pytest.mark.long) for group in range(1, GROUPS))])
def test_solver(group: int) -> None:
    numbers = range(group, COUNT, GROUPS)
    counts = verdicts(judge_solver, numbers)
    assert not any(counts[fault] for fault in FAULTS), counts
    assert counts["right"] >= 0.9 * len(numbers), counts  # "not solved" is no way out


@pytest.mark.parametrize("number", ONCE_WRONG)
def test_what_was_wrong_once(number: int) -> None:
    found = judge_solver(draw(number))
    assert found.verdict == "right", found


@pytest.mark.long
def test_command_line() -> None:
    numbers = range(0, COUNT, 10)
    counts = verdicts(judge_run, numbers)
    assert not any(counts[fault] for fault in FAULTS), counts
    assert counts["right"] >= 0.8 * len(numbers), counts
