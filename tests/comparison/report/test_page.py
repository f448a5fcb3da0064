"""A page is one file that fetches nothing, and shows every text as it stands."""

import hashlib
from importlib.resources import files

import pytest
from pages import PICTURE, SCRIPT, charts, check

from linnet.comparison.report.blocks import (
    Block,
    Chart,
    Charts,
    Code,
    Commands,
    Line,
    Links,
    Page,
    Picture,
    Section,
    Table,
    Text,
)  # fmt: skip
from linnet.comparison.report.page import LONGEST, SUMS, render

BAD = f"{SCRIPT}{PICTURE}\"'&\u202e\x1b[31m"
CHART = Chart(BAD, BAD, BAD, [Line(BAD, [1, 2], [0.5, 1.25], legend=BAD)], Table([BAD], [[BAD]]), missing=[(1.5, BAD)])
PNG = b"\x89PNG\r\n\x1a\n"
BLOCKS: dict[str, Block] = {
    "text": Text(BAD, "note"),
    "table": Table([BAD, BAD], [[BAD, BAD], [BAD]], BAD, bold=0),
    "commands": Commands([(BAD, BAD)]),
    "code": Code(BAD),
    "picture": Picture(PNG, BAD, BAD),
    "chart": CHART,
    "charts": Charts([CHART, CHART], BAD),
    "links": Links([("other.html", BAD, BAD)]),
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=list(BLOCKS))
def test_texts_of_strangers_are_shown_as_they_stand(block: Block) -> None:
    html = render(Page(BAD, [BAD], [Section(BAD, [block], state=BAD), Section(BAD, level=3)], [("a.html", BAD)]))
    page = check(html)
    assert SCRIPT in page.text and PICTURE in page.text
    assert "\u202e" not in html and "\x1b" not in html  # which turns text around, or commands a terminal
    drawn = charts(html)
    assert [chart["lines"][0]["name"] for chart in drawn] == [BAD] * {"chart": 1, "charts": 2}.get(
        type(block).__name__.lower(), 0
    )
    assert len(page.texts("script")) == (3 if drawn else 0)


def test_a_long_text_is_cut() -> None:
    (shown,) = check(render(Page("title", [], [Section("s", [Text("x" * 10**6)])]))).texts("p")
    assert shown == "x" * LONGEST + "…"


def test_a_short_row_is_filled() -> None:
    page = check(render(Page("title", [], [Section("s", [Table(["a", "b", "c"], [["1"], ["1", "2"]], "cells")])])))
    assert page.rows("cells") == [["a", "b", "c"], ["1", "", ""], ["1", "2", ""]]


def test_the_shipped_library_is_the_published_one() -> None:
    """Sums of the files of the package of npm, version 1.6.32, MIT licence."""
    assets = files("linnet.comparison.report") / "assets"
    lines = [line.split() for line in (assets / SUMS).read_text().splitlines()]
    assert [name for _, name in lines] == ["uPlot.iife.min.js", "uPlot.min.css", "uPlot.LICENSE"]
    assert lines == [[hashlib.sha256((assets / name).read_bytes()).hexdigest(), name] for _, name in lines]
    assert "MIT License" in (assets / "uPlot.LICENSE").read_text()
