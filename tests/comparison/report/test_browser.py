"""Pages in Chromium: light and dark, on a phone, with texts of strangers; nothing is fetched, and charts answer.

Keep the screenshots: `LINNET_SCREENSHOTS=/tmp/shots pytest tests/comparison/report/test_browser.py`.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import chromium
from pages import PICTURE, SCRIPT

import linnet
from linnet.cli.main import run as command

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1000, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1000, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 800}, "color_scheme": "light", "has_touch": True},
}
PAGES = ("run", "sweep", "failed", "experiment", "hostile")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, folds: Path) -> Path:
    """A folder with each page: of a run, a sweep of 64, one that failed, an experiment, and texts of strangers."""
    folder = tmp_path_factory.mktemp("pages")
    short = {"max_epochs": 2, "optimum": "off", "quiet": True, "launcher": "vectorized"}
    grid = {"lr": [0.001 * 2**k for k in range(8)], "penalty.strength": [0.0, 0.01, 0.1, 1.0], "seed": range(2)}
    linnet.sweep(grid, ["data=gaussian_blobs", "penalty=l2"], sweep_dir=folder / "wide", **short)
    linnet.sweep({"lr": [1e30, 1e32]}, ["data=diabetes"], sweep_dir=folder / "stopped", **short)
    for number in range(3):
        path = folder / "strange" / f"{number}{SCRIPT.replace('/', '')}"
        (path / ".hydra").mkdir(parents=True)
        (path / ".hydra" / "overrides.yaml").write_text(json.dumps([f"data.target={SCRIPT}{PICTURE}{number}"]))
        config = {"notes": SCRIPT, "tags": [PICTURE], "data": {"target": f"{SCRIPT}{PICTURE}{number}"}}
        (path / "manifest.json").write_text(json.dumps({"config": config, "choices": {"data": PICTURE}, "cpu": SCRIPT}))
        (path / "status.json").write_text(json.dumps({"state": "completed" if number else "failed", "error": SCRIPT}))
        (path / "metrics.json").write_text(json.dumps({"val/loss": 1.0 + number, f"optimum/coefficient/{PICTURE}": 1}))
        (path / "history.csv").write_text("metric,step,value\nval/loss,1,2\nval/loss,2,1.5\n")
    targets = (folds, folder / "wide", folder / "stopped", "penalty_path", folder / "strange")
    for name, target in zip(PAGES, targets, strict=True):
        assert command(["report", str(target), "--output", str(folder / f"{name}.html")]) == 0
    assert (folder / "sweep.html").stat().st_size < 3_000_000
    return folder


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as started:
        yield started


def opened(browser: "Browser", path: Path, screen: str) -> "tuple[Page, list[str]]":
    """The page, and what happened that should not: requests, messages on the console, errors, dialogs."""
    page = browser.new_page(**SCREENS[screen])
    events: list[str] = []
    page.on("request", lambda request: events.append(request.url))
    page.on("console", lambda message: events.append(message.text))
    page.on("pageerror", lambda error: events.append(str(error)))
    page.on("dialog", lambda dialog: (events.append("dialog"), dialog.dismiss()))
    page.goto(path.as_uri())
    events.remove(path.as_uri())
    return page, events


def until(page: "Page", expression: str) -> None:
    """Wait until it is true; Playwright's own wait would be an `eval`, which the page's policy refuses."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(expression)


@pytest.mark.parametrize("name", PAGES)
def test_pages_open(browser: "Browser", places: Path, name: str) -> None:
    for screen in SCREENS:
        page, events = opened(browser, places / f"{name}.html", screen)
        until(page, "[...document.querySelectorAll('.plot')].every(e => e.clientWidth === 0 || e.linnetPlot)")
        assert events == [] and page.title() != "run"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the screen"
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
        assert dark == (screen == "dark")
        if wanted := os.environ.get("LINNET_SCREENSHOTS"):
            page.screenshot(path=Path(wanted) / f"{name}_{screen}.png", full_page=True)
        page.close()


def test_a_chart_is_read_by_keys_and_its_lines_are_switched(browser: "Browser", places: Path) -> None:
    page, events = opened(browser, places / "sweep.html", "light")
    chart = page.locator(".plot").first
    chart.locator(".canvas").focus()
    data = json.loads(page.locator("#charts").text_content() or "")[0]
    for number in range(2):
        page.keyboard.press("ArrowRight")
        line = data["lines"][0]
        shown = chart.locator(".tip").text_content() or ""
        assert shown.startswith(f"{line['name']}: ") and shown.endswith(f"optimizer.lr {line['x'][number + 1]:.4g}")
        assert float(shown.split(": ")[1].split()[0]) == pytest.approx(line["y"][number + 1], rel=1e-3)
    button = chart.locator("button").first
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert page.evaluate("document.querySelector('.plot').linnetPlot.series[1].show") is False
    scale = chart.locator("button", has_text="x axis")
    assert scale.text_content() == "x axis: logarithmic"
    scale.click()
    assert chart.locator("button", has_text="x axis").text_content() == "x axis: linear"
    assert events == []


def test_a_stretch_is_enlarged_and_shown_whole_again(browser: "Browser", places: Path) -> None:
    page, events = opened(browser, places / "run.html", "light")
    page.locator(".plot").first.scroll_into_view_if_needed()
    whole = "(() => { const s = document.querySelector('.plot').linnetPlot.scales.x; return s.max - s.min; })()"
    before = page.evaluate(whole)
    box = page.locator(".plot .u-over").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.45 * box["height"], steps=4)
    page.mouse.up()
    until(page, f"{whole} < {0.4 * before}")
    page.mouse.dblclick(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    until(page, f"Math.abs({whole} - {before}) < {1e-6 * before}")
    page.locator("details.more summary").first.click()
    until(page, "document.querySelector('details.more .plot').linnetPlot")
    assert events == []
