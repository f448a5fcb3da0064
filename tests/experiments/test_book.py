"""Experiments, their index and the book: every section and exercise is named, and texts say what was recorded."""

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from linnet.config.groups import ABOUT, read_about
from linnet.reproduction.picture import NAME, draw, pictured
from linnet.reproduction.results import Arm, Recorded, Results, read_results
from linnet.system.reading import read_json
from tests.support.findings import finding, numbers, unexplained

FOLDER = Path(__file__).resolve().parents[2] / "experiments"
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")
SHIPPED = sorted(path.parent.name for path in FOLDER.glob("*/experiment.yaml"))
PARTS = ["Book", "Question", "Command", "Look at", "Finding", "Try next", "Code"]

EXERCISES = {
    "3.1": "1abc 2 3 4abcd 5abc 6 7abc 8abcd", "3.2": "1 2", "3.3": "1 2ab 3 4", "3.4": "1 2 3 4 5 6 7 8abc 9",
    "3.5": "1 2 3 4 5ab", "3.6": "1 2 3 4 5 6 7", "3.7": "1 2 3 4 5 6",
    "4.1": "1ab 2ab 3 4ab 5abcdef 6abcd 7abc", "4.2": "1 2 3", "4.3": "1 2 3", "4.4": "1abc 2abcd 3 4 5ab",
    "4.5": "1 2 3 4", "4.6": "1 2 3 4", "4.7": "1 2 3 4",
}  # fmt: skip
"""Section -> its exercises in the current edition, with the letters of their parts."""


def about(name: str) -> dict[str, Any]:
    node: dict[str, Any] = yaml.safe_load((FOLDER / name / "experiment.yaml").read_text(encoding="utf-8"))[ABOUT]
    return node


def readme(name: str) -> str:
    return (FOLDER / name / "README.md").read_text(encoding="utf-8")


def sections() -> dict[str, str]:
    """Return title -> text of each section of the index."""
    parts = re.split(r"^### (.+)$", INDEX.partition("## In the order of the book")[2], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_section_of_both_chapters_is_in_the_index() -> None:
    titles = [title.partition(" ")[0] for title in sections()]
    assert titles[:-1] == [*EXERCISES, "22.11"] and list(sections())[-1] == "Beside the book"


@pytest.mark.parametrize("section", EXERCISES)
def test_every_exercise_is_mentioned_once(section: str) -> None:
    (text,) = [text for title, text in sections().items() if title.startswith(f"{section} ")]
    mentioned = []
    for cell, _, shown in re.findall(r"^\| (\d+[a-z–, ]*) \| (.+?) \| (.+?) \|$", text, re.MULTILINE):
        number, letters = re.fullmatch(r"(\d+)([a-z–, ]*)", cell).groups()  # type: ignore[union-attr]
        mentioned += [number + letter for letter in expanded(letters)]
        assert len(shown) > 0
    asked = [word.rstrip("abcdef") + letter for word in EXERCISES[section].split() for letter in letters_of(word)]
    assert mentioned == asked


def letters_of(word: str) -> list[str]:
    return list(word.lstrip("0123456789")) or [""]


def expanded(letters: str) -> list[str]:
    """Return the letters of "a–c, e": a, b, c, e."""
    found = []
    for part in letters.replace(" ", "").split(","):
        first, _, last = part.partition("–")
        found += [chr(code) for code in range(ord(first), ord(last or first) + 1)] if first else [""]
    return found


@pytest.mark.parametrize("name", SHIPPED)
def test_index_and_yaml_name_the_same_sections(name: str) -> None:
    listed = [title for title, text in sections().items() if f"\n| [{name}]({name}/README.md) | " in text]
    assert sorted(listed) == (sorted(about(name)["book"]) or ["Beside the book"])


@pytest.mark.parametrize("name", SHIPPED)
def test_readme_has_all_parts(name: str) -> None:
    text = readme(name)
    assert re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE) == PARTS
    book = text.partition("**Book.**")[2].partition("\n\n")[0]
    assert re.findall(r"\[(\d.+?)\]\(https://d2l\.ai/\S+\)", book) == about(name)["book"]
    assert about(name)["book"] or book.strip().startswith("Beside the book")
    links = re.findall(r"\]\((?!https:)([^)#]+)\)", text)
    assert all((FOLDER / name / link).exists() for link in links), links
    code = text.partition("**Code.**")[2]
    assert "](../../src/linnet/" in code or "](../../tests/" in code


@pytest.mark.parametrize("name", SHIPPED)
def test_finding_says_what_was_recorded(name: str) -> None:
    settings = (FOLDER / name / "experiment.yaml").read_text(encoding="utf-8")
    assert unexplained(readme(name), read_json(FOLDER / name / "results.json"), settings) == []


def test_sections_named_in_the_code_are_of_the_current_edition() -> None:
    """Softmax, cross-entropy and information theory are of chapter 4; before the second edition they were of 3."""
    sources = FOLDER.parent / "src" / "linnet"
    cited = {
        path.relative_to(sources).as_posix(): re.findall(r"\b[34]\.[1-7](?=[.,) ])", text)
        for path in sources.rglob("*.py")
        if "Dive into Deep Learning" in (text := path.read_text(encoding="utf-8"))
    }
    of_classes = ["information.py", "losses/cross_entropy.py", "losses/cross_entropy_naive.py"]
    assert all(cited[name] and all(section.startswith("4.") for section in cited[name]) for name in of_classes)
    assert set(cited["data/sources/synthetic.py"]) == {"3.3", "3.6", "3.7"}


class TestFindings:
    RESULTS: ClassVar = {
        "arms": [
            {"overrides": ["penalty.strength=0.3"], "metrics": {"test/loss": {"values": [1.0, 2.0, 6.0]}}},
            {"overrides": [], "metrics": {"test/loss": {"values": [0.00125, 0.001, 0.00112]}}},
        ]
    }

    def of(self, text: str, more: str = "") -> list[str]:
        return unexplained(f"**Finding.** {text}\n\n**Try next.** 99\n{more}", self.RESULTS, "lr: 0.25")

    def test_means_values_and_settings(self) -> None:
        assert self.of("From 6.0 to 3.00 at λ = 0.3 and rate 0.25, 1.1e-3, 0.00125 and 95 % of 3 `x=77`.") == []

    def test_a_number_from_nowhere(self) -> None:
        assert self.of("It is 3.01, not 42 and not 3.0.") == ["3.01", "42"]

    def test_a_formula(self) -> None:
        comment = '<!-- numbers: 0.5 = mean("penalty.strength=0.3", "test/loss") / 6; 1.77 = sqrt(pi) -->'
        assert self.of("It is 0.5 and 1.77.", comment) == []
        assert self.of("It is 0.5.", comment.replace("/ 6", "/ 7")) != []

    def test_whole_numbers_end_in_rounded_zeros(self) -> None:
        assert numbers("11,000 and −208 … 54") == ["11000", "-208", "54"]
        assert self.of("11000", "<!-- numbers: 11000 = 11234.5 -->") == []

    def test_unrecorded(self) -> None:
        assert self.of("561 and 87", "<!-- unrecorded: 561 (of inspect) -->") == ["87"]

    def test_ends_before_the_next_part(self) -> None:
        assert "99" not in finding("**Finding.** 1\n\n**Try next.** 99")


@pytest.mark.parametrize("name", [name for name in SHIPPED if "picture" in about(name)])
def test_picture_shows_what_was_recorded(name: str) -> None:
    results = read_results(FOLDER / name / "results.json")
    metrics = pictured(read_about(FOLDER / name))
    drawn = draw(results, metrics)
    assert (FOLDER / name / NAME).read_text(encoding="utf-8") == drawn
    figures = [arm.metrics[metric] for arm in results.arms for metric in metrics if metric in arm.metrics]
    n_values = sum(value is not None for figure in figures for value in figure.values)
    assert drawn.count("<circle") == n_values > 0
    assert f"]({NAME})" in readme(name)


def test_text_of_a_picture_is_no_markup() -> None:
    arm = Arm(("a=<script>&",), "completed", {"<b>": Recorded((1.0, None), 0.1)})
    drawn = draw(Results((0, 1), (arm,), {}), ["<b>"])
    assert "<script" not in drawn and "&lt;script&gt;&amp;" in drawn and "&lt;b&gt;" in drawn
    assert drawn.count("<circle") == 1
