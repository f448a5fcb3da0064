"""Metrics of resamples: means where some have no value, standard errors where they overlap, a table where many."""

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import linnet
from linnet.cli import main as cli
from linnet.models.cross_validation import report_undefined, summarize
from linnet.models.model_resamples import ModelResamples

QUICK = ("figures=false", "optimizer=exact", "data.test_fraction=0", "threads=1")


def problem(n: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2))
    return x, x @ [1.0, 2.0] + rng.normal(size=n)


def test_a_metric_without_a_value_is_left_out_of_the_mean() -> None:
    metrics = [{"loss": 1.0, "r2": math.nan}, {"loss": 2.0, "r2": 0.5}, {}, {"loss": 6.0, "r2": 0.7}]
    found = summarize(metrics, each=True)
    assert (found["cv/loss"], found["cv/r2"]) == (3.0, 0.6)
    assert found["cv/r2_se"] == pytest.approx(0.2 / math.sqrt(2) / math.sqrt(2))
    assert [key for key in found if "_fold_" in key] == [
        "cv/loss_fold_0", "cv/loss_fold_1", "cv/loss_fold_3", "cv/r2_fold_1", "cv/r2_fold_3",
    ]  # fmt: skip
    said = "not defined for all 3 resamples, and a mean over those that have it: cv/r2 has 2"
    assert report_undefined(metrics) == said
    assert report_undefined([{"loss": 1.0, "r2": math.nan}] * 3) is None
    assert "cv/r2" not in summarize([{"loss": 1.0, "r2": math.nan}] * 3)


def test_standard_errors_of_overlapping_resamples_are_those_of_so_many_examples() -> None:
    """Resamples that hold each example out R times have the error of F / R: repeats are of the same examples."""
    fold = torch.arange(20) % 5 == torch.arange(5)[:, None]
    once, thrice = (ModelResamples((~each).to(torch.uint8), each) for each in (fold, torch.cat([fold] * 3)))
    assert (once.times_held_out, thrice.times_held_out) == (1, 3)
    past = ModelResamples((~fold[1:]).to(torch.uint8), fold[1:])
    assert past.times_held_out == 1  # forward chaining never holds out the first examples
    values = [{"loss": value} for value in (1.0, 2.0, 4.0, 5.0, 8.0)]
    one, other = (summarize(values * times, each=True, times_held_out=float(times))["cv/loss_se"] for times in (1, 3))
    assert one == pytest.approx(np.std([1, 2, 4, 5, 8], ddof=1) / np.sqrt(5))
    assert other == pytest.approx(one * np.sqrt((4 / 5) / (14 / 15)))  # but for the degrees of freedom


def test_leave_one_out_has_a_table_of_its_examples(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, y = problem(101)
    run = linnet.train(x, y, [*QUICK, "hydra.run.dir=run"], resampling="leave_one_out", quiet=True)
    recorded = json.loads(Path("run/metrics.json").read_text())
    assert None not in recorded.values() and not [key for key in recorded if "_fold_" in key or "cv/r2" in key]
    rows = list(csv.DictReader(io.StringIO(Path("run/resample_metrics.csv").read_text())))
    design = np.column_stack([np.ones(101), x])
    leverage = np.einsum("np,pq,nq->n", design, np.linalg.inv(design.T @ design), design)
    errors = (y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) / (1 - leverage)
    np.testing.assert_allclose([float(row["mse"]) for row in rows], errors**2, rtol=1e-9)
    assert [row["resample"] for row in rows] == [str(i) for i in range(101)] and {row["r2"] for row in rows} == {""}
    assert run.metrics["cv/mse_se"] == pytest.approx(np.std(errors**2, ddof=1) / np.sqrt(101))
    assert "resample_metrics.csv" in json.loads(Path("run/manifest.json").read_text())["files_sha256"]
    assert cli.run(["inspect", "run"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["metric", "mean", "standard", "error", "deviation"] in lines  # without the range, which is in the table
    assert ["cv/mse", *(f"{run.metrics[f'cv/mse{end}']:.4g}" for end in ("", "_se", "_std"))] in lines


def test_inspect_shows_the_range_of_folds_and_intervals_of_test_metrics(workplace: Path, capsys: Any) -> None:
    x, y = problem(60)
    words = [*QUICK[:2], "threads=1", "resampling=bootstrap", "resampling.n_resamples=50", "data.test_fraction=0.5"]
    run = linnet.train(x, y, [*words, "hydra.run.dir=run"], quiet=True)
    assert not Path("run/resample_metrics.csv").exists()
    assert cli.run(["inspect", "run"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    each = [run.metrics[f"cv/mae_fold_{k}"] for k in range(50)]
    numbers = [*(run.metrics[f"cv/mae{end}"] for end in ("", "_se", "_std")), min(each), max(each)]
    assert ["cv/mae", *(f"{number:.4g}" for number in numbers)] in lines
    kinds = [f"bootstrap/test/{kind}_{end}/mae" for kind in ("percentile", "bca") for end in ("low", "high")]
    assert ["test/mae", *(f"{run.metrics[key]:.4g}" for key in ("test/mae", *kinds))] in lines
    alone = linnet.train(x, y, words, quiet=True, tracked=False)
    assert alone.metrics == run.metrics
