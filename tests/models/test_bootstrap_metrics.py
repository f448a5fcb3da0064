"""Bootstrap intervals of metrics against refits of the definition on each resample, and against the truth."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from all_metrics import regression_metrics
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, log_loss, top_k_accuracy_score

import linnet
from linnet.models.bootstrap_metrics import metric_intervals, resampled_sums, sums_of
from linnet.solvers.bootstrap import acceleration, bca, percentile

N = 60
Rows = np.ndarray
Metrics = Callable[[Rows], dict[str, float]]


def regression() -> tuple[torch.Tensor, torch.Tensor, Metrics]:
    rng = np.random.default_rng(0)
    y = torch.from_numpy(rng.normal(5, 2, (N, 2)))
    prediction = y + torch.from_numpy(rng.exponential(size=(N, 2)))
    return prediction, y, lambda rows: regression_metrics(prediction[rows], y[rows])


def classification() -> tuple[torch.Tensor, torch.Tensor, Metrics]:
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(N, 3)), rng.integers(3, size=N)
    logits[np.arange(N), y] += 1
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    def metrics(rows: Rows) -> dict[str, float]:
        given = y[rows], shares[rows]
        return {
            "accuracy": accuracy_score(y[rows], shares[rows].argmax(axis=1)),
            "top2_accuracy": top_k_accuracy_score(*given, k=2, labels=range(3)),
            "nll": log_loss(*given, labels=range(3)),
            "macro_f1": f1_score(y[rows], shares[rows].argmax(axis=1), average="macro"),
            "predictive_entropy": float(stats.entropy(shares[rows], axis=1).mean()),
        }

    return torch.from_numpy(logits), torch.from_numpy(y), metrics


@pytest.mark.parametrize(("task", "make"), [("regression", regression), ("classification", classification)])
def test_are_those_of_the_metrics_on_each_resample(task, make, monkeypatch):
    monkeypatch.setattr("linnet.models.bootstrap_metrics.RESAMPLES", 199)
    monkeypatch.setattr("linnet.models.bootstrap_metrics.FEWEST", 199)
    monkeypatch.setattr("linnet.models.bootstrap_metrics.DRAWS_AT_ONCE", 70 * N)
    prediction, y, metrics = make()
    sums = sums_of(task, prediction, y)
    found = metric_intervals(sums)
    rows, counts = np.arange(N), resampled_sums(np.eye(N)).astype(int)
    np.testing.assert_array_equal(counts.sum(axis=1), N)
    replicates = [metrics(np.repeat(rows, count)) for count in counts]
    deleted = [metrics(np.delete(rows, i)) for i in rows]
    quantile = stats.t.ppf(0.975, N - 1) * np.sqrt(N / (N - 1))
    assert set(found) == set(metrics(rows))
    for name, estimate in metrics(rows).items():
        ours = found[name]
        values, without = (np.array([each[name] for each in some]) for some in (replicates, deleted))
        expected = bca(values, np.array(estimate), acceleration(without), quantile=quantile)
        if expected.withheld:
            assert "bca_low" not in found[name]
        else:
            assert (ours["bca_low"], ours["bca_high"]) == pytest.approx(tuple(map(float, expected[:2])), rel=1e-9)
        ends = ours["percentile_low"], ours["percentile_high"]
        assert ends == pytest.approx(tuple(map(float, percentile(values)[:2])), rel=1e-9)
    assert "bca_low" in found[next(iter(metrics(rows)))]


def test_bca_of_a_skewed_metric_holds_the_truth_where_percentiles_fall_short(monkeypatch):
    """The mean square of normal errors: 3 of 4 percentile intervals that miss it lie below."""
    rng, y, n_repeats = np.random.default_rng(0), torch.zeros(100, 1), 300
    hits, below = np.zeros(2), np.zeros(2)
    counts = resampled_sums(np.eye(100))  # the same for all
    monkeypatch.setattr("linnet.models.bootstrap_metrics.resampled_sums", lambda table: counts @ table)
    for _ in range(n_repeats):
        found = metric_intervals(sums_of("regression", y + torch.from_numpy(rng.normal(size=(100, 1))), y))["mse"]
        for i, kind in enumerate(("percentile", "bca")):
            hits[i] += found[f"{kind}_low"] <= 1 <= found[f"{kind}_high"]
            below[i] += found[f"{kind}_high"] < 1
    error = np.sqrt(0.94 * 0.06 / n_repeats)
    assert hits[1] / n_repeats > 0.94 - 2 * error
    assert hits[1] > hits[0]
    assert below[1] < below[0]


def test_classes_without_an_output_are_wrong_and_have_no_probability():
    logits, y, _ = classification()
    y = y.where(torch.arange(N) >= 5, -1)
    found = metric_intervals(sums_of("classification", logits, y))
    assert set(found) == {"accuracy", "top2_accuracy", "predictive_entropy"}
    assert found["accuracy"]["bca_high"] < 60 / 60 - 4 / 60
    assert metric_intervals(sums_of("classification", logits[:2], y[:2])) == {}


@pytest.mark.parametrize(("data", "metric"), [("diabetes", "r2"), ("digits", "macro_f1")])
def test_a_run_with_a_bootstrap_reports_them(workplace, data, metric):
    words = [f"data={data}", "resampling=bootstrap", "resampling.n_resamples=3", "trainer.max_epochs=1"]
    metrics = linnet.train([*words, "figures=false", "hydra.run.dir=run"], quiet=True).metrics
    for kind in ("percentile", "bca"):
        low, high = (metrics[f"bootstrap/test/{kind}_{end}/{metric}"] for end in ("low", "high"))
        assert low < metrics[f"test/{metric}"] < high
