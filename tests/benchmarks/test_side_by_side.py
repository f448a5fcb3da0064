"""Candidates take turns, and the table says what the medians are worth."""

import sys
from pathlib import Path

import pytest

MODULE = Path(__file__).parent / "side_by_side.py"


@pytest.fixture
def shared(monkeypatch):
    monkeypatch.syspath_prepend(MODULE.parent)
    import side_by_side

    return side_by_side


class TestTakeTurns:
    def test_alternates_and_keeps_all_parts(self, shared):
        order = []

        def turn(name, seconds):
            order.append(name)
            return seconds

        candidates = [
            shared.Candidate("a", lambda: turn("a", 1.0)),
            shared.Candidate("b", lambda: turn("b", [2.0, 3.0])),
        ]
        assert shared.take_turns(candidates, 2) == {"a": [1.0, 1.0], "b": [2.0, 3.0, 2.0, 3.0]}
        assert order == ["a", "b", "a", "b"]


class TestTable:
    def test_gives_medians_and_holds_their_ratio_to_the_limit(self, shared):
        candidates = [
            shared.Candidate("ours", lambda: 0.0),
            shared.Candidate("slow", lambda: 0.0, limit=0.5),
            shared.Candidate("fast", lambda: 0.0, limit=0.5),
            shared.Candidate("late", lambda: 0.0, allowed=3.5),
            shared.Candidate("none", lambda: 0.0),
        ]
        seconds = {"ours": [1.0, 9.0, 2.0], "slow": [4.0], "fast": [1.0], "late": [4.0], "none": []}
        title, _, ours, slow, fast, late, none, _ = shared.table(
            "T", candidates, seconds, {"note": {"none": "too slow"}}
        ).splitlines()
        assert title == "T"
        assert ours.split() == ["ours", "2", "1", "3", "1.000"]
        assert slow.split() == ["slow", "4", "4", "1", "0.500", "≤", "0.500", "met"]
        assert fast.split() == ["fast", "1", "1", "1", "2.000", "≤", "0.500", "MISSED"]
        assert late.split() == ["late", "4", "4", "1", "0.500", "≤", "3.5", "s", "MISSED"]
        assert none.split() == ["none", "too", "slow"]


class TestSecondsOfProcess:
    def test_gives_what_was_printed(self, shared):
        seconds, printed = shared.seconds_of_process([sys.executable, "-c", "print('here')"])
        assert seconds > 0
        assert printed == "here\n"

    def test_raises_with_the_error_of_a_process_that_fails(self, shared):
        with pytest.raises(RuntimeError, match="NameError"):
            shared.seconds_of_process([sys.executable, "-c", "nothing"])
