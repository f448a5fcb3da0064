"""`linnet board` over five sweeps, one of which went on after `linnet compare`, as a headless Chromium shows it."""

import re
from pathlib import Path

import pytest
from board import SECONDS, address, board
from browser import chromium

from linnet.cli import main as cli

QUICK = ("data=diabetes", "figures=false", "trainer.max_epochs=1", "optimum=off")
SWEEPS = {
    "rates": ["optimizer.lr=0.01,0.1"], "seeds": ["seed=0,1"], "optimizers": ["optimizer=adam,momentum"],
    "penalties": ["penalty=l2", "penalty.strength=0.1,0.01"], "diverged": ["optimizer.lr=0.1,1e6"],
}  # fmt: skip
RUNS = {
    "rates/optimizer.lr=0.01,seed=0", "rates/optimizer.lr=0.1,seed=0", "rates/optimizer.lr=0.01,seed=1",
    "rates/optimizer.lr=0.1,seed=1", "seeds/seed=0", "seeds/seed=1", "optimizers/optimizer=adam",
    "optimizers/optimizer=momentum", "penalties/penalty.strength=0.1", "penalties/penalty.strength=0.01",
    "diverged/optimizer.lr=0.1", "diverged/optimizer.lr=1e+06",
}  # fmt: skip


@pytest.fixture
def swept(workplace: Path) -> Path:
    """The folder of five sweeps."""
    for name, words in SWEEPS.items():
        assert cli.run(["train", "-m", *QUICK, *words, f"hydra.sweep.dir=runs/{name}"]) == (name == "diverged")
        assert cli.run(["compare", f"runs/{name}", "--no-figures"]) == 0
    assert cli.run(["train", "-m", *QUICK, *SWEEPS["rates"], "seed=0,1", "hydra.sweep.dir=runs/rates"]) == 0
    return workplace


def test_every_run_once_and_every_hyperparameter(swept: Path) -> None:
    with board("--port", "0", folder=swept) as process, chromium() as browser:
        url = address(process)
        page = browser.new_page(viewport={"width": 1400, "height": 1400})
        page.set_default_timeout(1000 * SECONDS)
        page.goto(url)
        page.wait_for_function(
            f"async () => (await (await fetch('data/runs')).json()).length === {len(RUNS)}", polling=300
        )
        names = page.evaluate("async () => await (await fetch('data/runs')).json()")
        assert set(names) == RUNS and len(names) == len(RUNS)

        page.goto(f"{url}#timeseries")
        shown = page.locator("runs-data-table tb-data-table-content-row, runs-table tr")
        shown.filter(has_text="rates/optimizer.lr=0.1,seed=1").first.wait_for()
        texts = [text for text in map(str.strip, shown.all_inner_texts()) if "/" in text]
        assert sorted(texts) == sorted(RUNS)

        page.goto(f"{url}#hparams")
        page.locator("vaadin-grid-cell-content").filter(has_text=re.compile("rates/")).first.wait_for(state="attached")
        boxes = [text.strip() for text in page.locator("paper-checkbox").all_inner_texts()]
        wanted = [
            "optimizer",
            "optimizer.lr",
            "optimizer.lr_log10",
            "penalty.strength",
            "penalty.strength_log10",
            "seed",
        ]
        assert set(wanted) <= set(boxes)
        assert boxes.index("optimizer.lr") < boxes.index("data.batch_size")  # what was swept comes first
        last = len(boxes) - 1 - boxes[::-1].index("val/loss")  # not the value of objective.metric
        assert boxes[last + 1] == "val/r2"
        assert {"data", "data.batch_size", "trainer.max_epochs", "model.init_std", "loss"} <= set(boxes)
        trials = page.locator("vaadin-grid-cell-content:visible").filter(has_text=re.compile(r"^\s*\w+/\S+\s*$"))
        assert len(trials.all_inner_texts()) >= len(RUNS)
