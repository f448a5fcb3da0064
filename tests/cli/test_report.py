"""`linnet report`: pages of runs and experiments, and its refusals."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pages import SCRIPT, check

Refusal = Callable[..., str]
Answer = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "report: name a run, a sweep or an experiment"),
        (["weight_decya"], "did you mean weight_decay"),
        (["."], "no run below ."),
        (["weight_decay", "--output", "nowhere/page.html"], "nowhere is no directory"),
        (["weight_decay", "--book", "book"], "leave the other arguments out"),
    ],
)
def test_a_mistake_writes_nothing(workplace: Path, refusal: Refusal, arguments: list[str], words: str) -> None:
    assert words in refusal("report", *arguments)


def test_a_link_is_not_written_through(workplace: Path, refusal: Refusal) -> None:
    (workplace / "page.html").symlink_to(workplace / "other.html")
    assert "is a link" in refusal("report", "weight_decay", "--output", "page.html")


def test_a_shipped_experiment(workplace: Path, answer: Answer) -> None:
    code, output, _ = answer("report", "weight_decay")
    assert code == 0 and output.startswith("page report.html (")
    page = check((workplace / "report.html").read_text(encoding="utf-8"))
    assert page.texts("h1") == ["Weight decay"]
    results = page.rows("Mean ± standard deviation")
    assert results[0] == ["settings", "train/loss", "test/loss"] and results[2][0] == "penalty.strength=0"
    # By hand, of the three seeds in results.json.
    assert results[2][2].startswith("100.7 ± 14.0")
    assert {"linnet train experiment=weight_decay", "linnet reproduce weight_decay"} <= {*page.texts("code")}


def test_a_folder_of_an_experiment(workplace: Path, answer: Answer) -> None:
    folder = workplace / "mine"
    folder.mkdir()
    (folder / "experiment.yaml").write_text(f"# {SCRIPT}\nabout:\n  book: 3.7 Weight Decay\n")
    (folder / "README.md").write_text(
        f"# My <b>title</b>\n\n{SCRIPT}\n\n[x](javascript:alert(1)) ![y](http://a/b.png)\n"
    )
    metrics = {"val/loss": {"tolerance": 0, "values": [3]}}
    arms = [{"overrides": [f"optimizer.lr={lr}"], "state": "completed", "metrics": metrics} for lr in (0.1, 0.2)]
    (folder / "results.json").write_text(json.dumps({"seeds": [0], "environment": {}, "arms": arms}))
    assert answer("report", "mine", "--output", "page.html")[0] == 0
    page = check((workplace / "page.html").read_text(encoding="utf-8"))
    assert page.texts("h1") == ["My <b>title</b>"] and SCRIPT in page.text
    assert "Dive into Deep Learning 3.7 Weight Decay" in page.texts("p")
    assert page.texts("b") == [] and page.texts("img") == []
