"""Experiments that compute instead of training a run: each prints what its README shows, and opens as a notebook."""

import re
import runpy
from pathlib import Path

import pytest

from tests.experiments.test_book import FOLDER, PARTS, sections

SCRIPTS = sorted(  # others make the tables of experiments
    path
    for path in FOLDER.glob("*/*.py")
    if path.parent.name != "gallery" and path.read_text(encoding="utf-8").startswith("# %%")
)
ALONE = [path for path in SCRIPTS if not (path.parent / "experiment.yaml").exists()]


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def readme(script: Path) -> str:
    return (script.parent / "README.md").read_text(encoding="utf-8")


def test_those_that_users_were_promised_are_there() -> None:
    assert {path.parent.name for path in SCRIPTS} >= {
        "codes", "concept_shift", "decision_costs", "information_theory", "minibatch_averages", "number_formats",
        "ranking", "shift_detector", "softmax_properties", "test_sets", "vc_dimension",
    }  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_prints_what_the_readme_shows(
    script: Path, workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runpy.run_path(str(script), run_name="__main__")
    (shown,) = re.findall(r"^```text\n(.*?)^```$", readme(script), re.MULTILINE | re.DOTALL)
    assert capsys.readouterr().out.splitlines() == shown.splitlines()
    assert f"\n    python experiments/{name_of(script)}\n" in readme(script)


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_is_short_and_of_cells(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert text.startswith("# %% [markdown]\n# # ") and len(text.splitlines()) < 90
    for head, cell in re.findall(r"^# %%(.*)\n((?:(?!# %%).*\n)*)", text, re.MULTILINE):
        compile(cell, str(script), "exec")
        assert head == "" or all(line.startswith("#") for line in cell.splitlines() if line)


@pytest.mark.parametrize("script", ALONE, ids=name_of)
def test_readme_has_all_parts(script: Path) -> None:
    text, name = readme(script), script.parent.name
    assert re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE) == PARTS
    links = re.findall(r"\]\((?!https:)([^)#]+)\)", text)
    assert all((script.parent / link).exists() for link in links), links
    book = text.partition("**Book.**")[2].partition("\n\n")[0]
    titles = re.findall(r"\[(\d.+?)\]\(https://d2l\.ai/\S+\)", book)
    listed = [title for title, part in sections().items() if f"\n| [{name}]({name}/README.md) | " in part]
    assert titles == listed != []


@pytest.mark.parametrize("script", ALONE, ids=name_of)
def test_numbers_of_the_finding_are_printed(script: Path) -> None:
    text = readme(script)
    finding = re.sub(r"`[^`]*`", " ", text.partition("**Finding.**")[2].partition("\n\n**Try next")[0])
    printed = text.partition("```text\n")[2].partition("```")[0].replace(",", "")
    decimals = re.findall(r"(?<![\w.,])\d+\.\d+", finding.replace(",", ""))
    assert [number for number in decimals if number not in printed] == []
