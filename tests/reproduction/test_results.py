"""results.json: what is read is what was written, and everything else is refused in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from linnet.config.groups import experiments
from linnet.reproduction.results import read_results, write_results
from linnet.system.errors import InputError

ARM: dict[str, Any] = {
    "overrides": ["optimizer.lr=1"],
    "state": "completed",
    "metrics": {"val/loss": {"tolerance": 0.1, "values": [1.5, None]}},
}
FIGURE: dict[str, Any] = ARM["metrics"]["val/loss"]


def with_arm(**changes: Any) -> dict[str, Any]:
    return {"seeds": [0, 1], "arms": [{**ARM, **changes}]}


def with_figure(**changes: Any) -> dict[str, Any]:
    return with_arm(metrics={"val/loss": {**FIGURE, **changes}})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.json"


def test_what_is_read_is_written_again(path):
    node = {"environment": {"threads": 2}, **with_arm()}
    path.write_text(json.dumps(node))
    write_results(path, read_results(path))
    assert json.loads(path.read_text()) == node
    assert [file.name for file in path.parent.iterdir() if file.is_file()] == ["results.json"]


@pytest.mark.parametrize("name", sorted(experiments()))
def test_shipped_ones_are_read(name):
    assert read_results(experiments()[name] / "results.json").seeds == (0, 1, 2)


def test_before_the_first_recording_there_are_no_values(path):
    path.write_text(json.dumps({"seeds": [3], "arms": [{"overrides": [], "metrics": {"a": {"tolerance": 1}}}]}))
    assert read_results(path, measured=False).arms[0].metrics["a"].values == (None,)
    with pytest.raises(InputError, match="has no state"):
        read_results(path)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ([], "the file: expected a mapping"),
        ({}, "the file has no seeds"),
        ({**with_arm(), "seeds": "0"}, "the file.seeds: got 0"),
        ({**with_arm(), "seeds": []}, "seeds: expected at least one"),
        ({**with_arm(), "seeds": [0, 0]}, "seeds: expected at least one, each once"),
        ({**with_arm(), "seeds": [0, True]}, "seeds: expected whole numbers"),
        ({**with_arm(), "seeds": [0, -1]}, "seeds: expected whole numbers"),
        ({**with_arm(), "arms": []}, "arms: expected at least one"),
        ({**with_arm(), "arms": [1]}, "arms[0]: expected a mapping"),
        ({**with_arm(), "environment": 1}, "environment: expected a mapping"),
        (with_arm(overrides=[1]), "arms[0].overrides: expected texts"),
        (with_arm(overrides="optimizer.lr=1"), "arms[0].overrides: got optimizer.lr=1"),
        (with_arm(state="fine"), "arms[0].state: expected one of completed, diverged, got fine"),
        (with_arm(metrics={}), "arms[0].metrics: expected at least one"),
        (with_figure(tolerance=-1), "arms[0].metrics.val/loss.tolerance: expected a number of at least 0"),
        (with_figure(tolerance=True), "tolerance: expected a number"),
        (with_figure(tolerance=10**400), "it has a number of 401 digits"),
        (with_figure(values=[1.0]), "arms[0].metrics.val/loss.values: expected 2 numbers, one for each seed"),
        (with_figure(values=[1.0, "2"]), "values: expected 2 numbers"),
        (with_figure(values=[1.0, float("inf")]), "it has Infinity, which is not JSON"),
    ],
)
def test_malformed(node, words, path):
    path.write_text(json.dumps(node))
    with pytest.raises(InputError) as error:
        read_results(path)
    assert words in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_unreadable(content, path):
    path.write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        read_results(path)


def test_missing(path):
    with pytest.raises(InputError, match="does not exist"):
        read_results(path)
