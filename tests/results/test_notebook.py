"""A notebook as its user sees it: run without a screen, then looked at by Chromium, on a light and on a dark page.

Keep the screenshots: `LINNET_SCREENSHOTS=/tmp/shots pytest tests/results/test_notebook.py`.
"""

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from browser import chromium
from nbclient import NotebookClient

from linnet.results.figures import SIGNATURE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCRIPT = "<script>document.title='run'</script>"
CELLS = (
    f"""
import linnet, numpy as np, pandas as pd
rng = np.random.default_rng(0)
frame = pd.DataFrame(rng.normal(size=(120, 3)), columns=[{SCRIPT!r}, "<img src=x onerror=alert(1)>", "plain"])
kinds = np.array([{SCRIPT!r}, "good & plain"])[(frame["plain"] > 0).astype(int)]
options = dict(name={SCRIPT!r}, tags=[{SCRIPT!r}, "paper"], max_epochs=6, optimum="off", quiet=True)
run = linnet.train(frame, kinds, run_dir="runs/one", **options)
run""",
    """
grid = {"lr": [0.3, 0.1, 0.01, 1e12], "seed": range(2)}
runs = linnet.sweep(grid, frame, kinds, launcher="vectorized", sweep_dir="runs/sweep", **options)
runs""",
    "runs.plot()",
    "run.coefficients",
    "runs.frame",
    "linnet.load(runs.best.directory)",
    "linnet.load('runs/one').predict(frame).tolist() == run.predict(frame).tolist()",
    "board = run.board(port=0); board",
    "import urllib.request, json; json.load(urllib.request.urlopen(board.url + 'data/environment'))['data_location']",
)


def outputs(folder: Path) -> list[dict[str, Any]]:
    """What each cell displays at its end: kind of content -> content."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    printed = [output for cell in notebook.cells for output in cell.outputs if output.output_type == "stream"]
    assert printed == []  # quiet, and no warning
    return [cell.outputs[-1].data for cell in notebook.cells]


def test_a_notebook_shows_runs_and_sweeps(workplace: Path) -> None:
    run, runs, plot, coefficients, frame, best, equal, board, served = outputs(workplace)
    assert run["text/plain"].startswith("<Run softmax_regression on table: test/accuracy ")
    assert runs["text/plain"].startswith("<Runs 8 runs, 4 settings: chosen by val/loss: optimizer.lr=0.3")
    assert base64.b64decode(plot["image/png"]).startswith(SIGNATURE)
    assert equal["text/plain"] == "True"
    assert board["text/plain"].startswith("<TensorBoard http://localhost:") and "<iframe" in board["text/html"]
    assert served["text/plain"].strip("'").endswith("/one")  # a folder of links to the run, which stays current
    pages = [found["text/html"] for found in (run, runs, coefficients, frame, best)]
    assert all("&lt;script&gt;" in page for page in (run["text/html"], coefficients["text/html"], best["text/html"]))
    assert not any("<script" in page or "<img" in page for page in pages)
    content = "".join(f"<div style='overflow-x: auto'>{page}</div>" for page in pages)  # as notebooks do
    wanted = os.environ.get("LINNET_SCREENSHOTS")
    with chromium() as browser:
        for name, colours in {"light": ("#fff", "#111"), "dark": ("#111", "#ddd")}.items():
            look_at(browser, content, colours, Path(wanted) / f"{name}.png" if wanted else None)


def look_at(browser: "Browser", content: str, colours: tuple[str, str], picture: Path | None) -> None:
    """Check that a page of 1000 pixels runs no script, fetches nothing, and is not wider than it should be."""
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    events: list[object] = []
    page.on("dialog", lambda dialog: (events.append(dialog), dialog.dismiss()))
    page.on("request", lambda request: events.append(request.url))
    background, text = colours
    style = f"body {{ background: {background}; color: {text}; font: 14px/1.4 sans-serif }} table {{ font-size: 12px }}"
    page.set_content(f"<title>quiet</title><style>{style}</style>{content}")
    if picture is not None:
        picture.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=picture, full_page=True)
    assert (page.title(), events) == ("quiet", [])
    charts = page.locator("svg[role=img]")
    assert charts.count() == 3 and page.locator("script, img, iframe, a").count() == 0
    for chart in charts.all():
        box = chart.bounding_box()
        assert box is not None and box["x"] + box["width"] <= 1000 and box["width"] > 250
        assert page.evaluate("node => getComputedStyle(node).color", chart.locator("text").first.element_handle()) == (
            "rgb(17, 17, 17)" if text == "#111" else "rgb(221, 221, 221)"
        )
    page.close()
