"""`linnet board` as its user sees it: a headless Chromium looks at the pages that TensorBoard draws of a real run.

Keep the screenshots: `LINNET_SCREENSHOTS=/tmp/shots pytest tests/cli/test_board.py`.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from board import SECONDS, address, assert_falling, board, dark, settled
from browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from linnet.results.trained import TrainedRun


@pytest.fixture(scope="module")
def browser() -> "Iterator[BrowserContext]":
    with chromium() as process:
        context = process.new_context(viewport={"width": 1400, "height": 1000})
        context.set_default_timeout(1000 * SECONDS)
        yield context


@pytest.fixture(scope="module")
def url(run: "TrainedRun", browser: "BrowserContext") -> Iterator[str]:
    """A board that has read the run. Started where `runs` lies, it needs no DIR."""
    with board("--port", "0", folder=run.directory.parents[1]) as process:
        at = address(process)
        page = browser.new_page()
        page.goto(at)
        page.wait_for_function(
            "async () => 'tiny' in await (await fetch('data/plugin/scalars/tags')).json()", polling=200
        )
        page.close()
        yield at


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wanted = os.environ.get("LINNET_SCREENSHOTS")
    folder = Path(wanted) if wanted else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def page(browser: "BrowserContext") -> "Iterator[Page]":
    page = browser.new_page()
    yield page
    page.close()


@pytest.mark.parametrize("tag", ["train/loss", "val/loss"])
def test_time_series_draws_the_loss(run: "TrainedRun", url: str, page: "Page", shots: Path, tag: str) -> None:
    page.goto(f"{url}?tagFilter=^{tag}$#timeseries")
    card = page.locator("scalar-card")
    card.locator(f'[title="{tag}"]').wait_for()
    assert_falling(settled(card.locator(".series-view")))
    page.screenshot(path=shots / f"timeseries_{tag.replace('/', '_')}.png")

    # The table under the curve tells its last point: name of the run, smoothed value, value, step, time.
    name, _, value, step, *_ = card.locator("tb-data-table-content-row").inner_text().split()
    logged = dict(zip(*run.curves[tag], strict=True))
    assert name == "tiny"
    assert float(value) == pytest.approx(logged[int(step)], rel=1e-3)


def test_scalars_draws_the_loss(url: str, page: "Page", shots: Path) -> None:
    page.goto(f"{url}#scalars&tagFilter=^(train|val)/loss$")
    for tag in ("train/loss", "val/loss"):
        card = page.locator("tf-scalar-card").filter(has_text=re.compile(rf"tag: {tag}\b")).first
        assert_falling(settled(card.locator("vz-line-chart2 .main")))
    page.screenshot(path=shots / "scalars.png")


def test_hparams_has_one_row_with_the_final_metrics(run: "TrainedRun", url: str, page: "Page", shots: Path) -> None:
    row = {"Trial ID": "tiny", "optimizer.lr": "0.20000", "test/accuracy": f"{run.metrics['test/accuracy']:#.5g}"}
    page.set_viewport_size({"width": 2800, "height": 900})  # the grid draws only what it has room for
    page.goto(f"{url}#hparams")
    for name in ("optimizer.lr", "test/accuracy"):  # the page begins with five of each kind
        box = page.locator("paper-checkbox").filter(has_text=re.compile(rf"^\s*{name}\s*$"))
        box.wait_for()
        if box.get_attribute("checked") is None:
            box.click()
    cells = page.locator("vaadin-grid-cell-content:visible")
    for text in (*row, *row.values()):
        cells.filter(has_text=re.compile(rf"^\s*{re.escape(text)}\s*$")).first.wait_for(state="attached")
    page.screenshot(path=shots / "hparams.png")

    placed = cells.evaluate_all(
        "all => all.map(cell => [cell.innerText.trim(), Math.round(cell.getBoundingClientRect().x)])"
    )
    columns = {text: x for text, x in placed if text in row}
    for name, value in row.items():
        assert sorted(text for text, x in placed if x == columns[name]) == sorted([name, value]), "one run, one row"


def test_images_shows_every_figure(run: "TrainedRun", url: str, page: "Page", shots: Path) -> None:
    page.goto(f"{url}#images")
    drawn = [path.stem for path in (run.directory / "figures").glob("*.png")]
    assert {"learning_curves", "confusion_matrix", "reliability", "confident_mistakes", "weights"} <= set(drawn)
    for name in drawn:
        loader = page.locator("tf-image-loader").filter(has_text=f"/{name}")
        picture = loader.locator("img")
        picture.wait_for()
        content = page.request.get(f"{url}{picture.get_attribute('src')}").body()
        assert dark(content).mean() > 0.01, f"{name} is all but empty"  # a lone title covers 0.002
    page.screenshot(path=shots / "images.png")


def test_text_shows_the_config(url: str, page: "Page", shots: Path) -> None:
    page.goto(f"{url}#text")
    config = page.locator("tf-text-loader code").filter(has_text="optimizer:").first
    config.wait_for()
    page.screenshot(path=shots / "text.png")
    assert "\n  lr: 0.2\n" in config.inner_text()


def test_histograms_of_weight_and_bias(url: str, page: "Page", shots: Path) -> None:
    page.goto(f"{url}#histograms")
    for name in ("weight", "bias"):
        loader = page.locator("tf-histogram-loader").filter(has_text=name).first
        loader.locator("svg path").first.wait_for(state="attached")
    page.screenshot(path=shots / "histograms.png")
