"""Intervals of test figures, against scipy, against the sampling that they speak of, and as a run reports them."""

import numpy as np
import pytest
import torch
from all_metrics import regression_metrics
from hypothesis import given, strategies as st
from scipy import stats

import linnet
from linnet.cli import main as cli
from linnet.config.metric_names import HIGH, LOW
from linnet.models.intervals import CACHED_EXAMPLES, RESAMPLES, bootstrap_intervals, wilson_interval


class TestWilson:
    @given(n=st.integers(1, 10_000), data=st.data())
    def test_is_where_the_score_test_rejects(self, n, data):
        # The ends p solve |k/n - p| = z sqrt(p (1 - p) / n); that is the interval's definition.
        k = data.draw(st.integers(0, n))
        z = stats.norm.ppf(0.975)
        for p in wilson_interval(k / n, n):
            assert abs(k / n - p) == pytest.approx(z * np.sqrt(p * (1 - p) / n), abs=1e-9)

    def test_published_example(self):
        # 0 of 10: (0, 0.2775), e.g. in Brown, Cai and DasGupta, 2001.
        low, high = wilson_interval(0.0, 10)
        assert low == 0.0
        assert high == pytest.approx(0.2775, abs=5e-5)


class TestBootstrap:
    @pytest.mark.parametrize("n", [CACHED_EXAMPLES // 4, CACHED_EXAMPLES + 1])
    @pytest.mark.parametrize("n_outputs", [1, 3])
    def test_agrees_with_scipy(self, n, n_outputs):
        rng = np.random.default_rng(0)
        target = torch.from_numpy(rng.normal(5, 2, (n, n_outputs)))
        prediction = target + torch.from_numpy(rng.standard_t(6, (n, n_outputs)))
        found = bootstrap_intervals(prediction, target)
        for name in ("mse", "rmse", "mae", "r2"):
            reference = stats.bootstrap(
                (np.arange(n),), lambda rows, name=name: regression_metrics(prediction[rows], target[rows])[name],
                n_resamples=RESAMPLES, method="percentile", vectorized=False, rng=1,
            )  # fmt: skip
            width = reference.confidence_interval.high - reference.confidence_interval.low
            # Percentiles of 1000 resamples each scatter by about a twentieth of the width.
            assert found[name] == pytest.approx(tuple(reference.confidence_interval), abs=0.2 * width)

    def test_covers_the_truth_95_times_in_100(self):
        rng = np.random.default_rng(0)
        hits = 0
        for _ in range(400):
            target = torch.from_numpy(rng.normal(size=(200, 1)))
            low, high = bootstrap_intervals(target + torch.from_numpy(rng.normal(size=(200, 1))), target)["mse"]
            hits += low <= 1.0 <= high
        assert 0.90 < hits / 400 < 0.98  # percentiles of a skewed figure are a little short

    def test_is_the_same_each_time(self):
        target = torch.arange(30.0)[:, None]
        assert bootstrap_intervals(target**1.1, target) == bootstrap_intervals(target**1.1, target)

    def test_of_equal_targets_has_no_r2_and_the_rest(self):
        found = bootstrap_intervals(torch.arange(10.0)[:, None], torch.ones(10, 1))
        assert np.isnan(found["r2"]).all()
        assert found["mae"][0] < found["mae"][1]

    def test_of_one_example_is_a_point(self):
        assert bootstrap_intervals(torch.ones(1, 1), torch.zeros(1, 1))["mse"] == (1.0, 1.0)


@pytest.mark.parametrize(("data", "metric"), [("digits", "accuracy"), ("diabetes", "r2")])
def test_a_run_reports_them(data, metric, tmp_path, capsys):
    overrides = [f"data={data}", "figures=false", "trainer.max_epochs=1", f"hydra.run.dir={tmp_path / 'run'}"]
    metrics = linnet.train(overrides).metrics
    low, high = metrics[f"test/{metric}{LOW}"], metrics[f"test/{metric}{HIGH}"]
    assert low < metrics[f"test/{metric}"] < high
    capsys.readouterr()
    assert cli.run(["evaluate", str(tmp_path / "run")]) == 0
    assert f"{low:.4g} … {high:.4g}" in capsys.readouterr().out
