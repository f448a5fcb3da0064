"""Metrics against scikit-learn, torchmetrics, numbers worked by hand, and their bounds."""

import math

import numpy as np
import pytest
import sklearn.metrics
import torch
from all_metrics import classification_metrics, expected_calibration_error, regression_metrics
from hypothesis import given, strategies as st
from torchmetrics.functional.classification import multiclass_calibration_error


def random_classification(n: int, n_classes: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(n, n_classes, generator=generator)
    return logits, torch.randint(n_classes, (n,), generator=generator)


class TestRegressionMetrics:
    def test_by_hand(self):
        metrics = regression_metrics(torch.tensor([[1.0], [2.0], [6.0]]), torch.tensor([[1.0], [4.0], [4.0]]))
        # errors 0, −2, 2; target mean 3, squares around it 4 + 1 + 1
        expected = {"mse": 8 / 3, "rmse": math.sqrt(8 / 3), "mae": 4 / 3, "r2": 1 - 8 / 6}
        assert metrics == pytest.approx(expected, rel=1e-12)

    def test_agrees_with_scikit_learn_for_many_outputs(self):
        rng = np.random.default_rng(0)
        target = rng.normal(size=(50, 3)) * [1, 10, 0.1] + [0, 5, -3]
        prediction = target + rng.normal(size=(50, 3))
        metrics = regression_metrics(torch.from_numpy(prediction), torch.from_numpy(target))
        assert metrics["mse"] == pytest.approx(sklearn.metrics.mean_squared_error(target, prediction))
        assert metrics["mae"] == pytest.approx(sklearn.metrics.mean_absolute_error(target, prediction))
        r2 = sklearn.metrics.r2_score(target, prediction, multioutput="variance_weighted")
        assert metrics["r2"] == pytest.approx(r2)

    def test_predicting_the_mean_has_r2_zero(self):
        target = torch.randn(100, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        assert regression_metrics(target.mean(dim=0).expand(100, 2), target)["r2"] == pytest.approx(0, abs=1e-12)

    def test_r2_of_a_constant_target_is_nan(self):
        # The float64 mean of seven times 0.1 is not 0.1, so a test of the spread against 0 would miss this.
        target = torch.full((7, 1), 0.1, dtype=torch.float64)
        metrics = regression_metrics(target + 1, target)
        assert math.isnan(metrics["r2"])
        assert metrics["mse"] == pytest.approx(1)


class TestClassificationMetrics:
    def test_by_hand(self):
        probability = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.5, 0.3, 0.2], [0.2, 0.7, 0.1]])
        metrics = classification_metrics(probability.log(), torch.tensor([0, 1, 2, 1]))
        assert metrics["accuracy"] == pytest.approx(2 / 4)
        assert metrics["top2_accuracy"] == pytest.approx(3 / 4)
        # predicted 0, 2, 0, 1: F1 of class 0 is 2/3, of class 1 is 2/3, of class 2 is 0
        assert metrics["macro_f1"] == pytest.approx(4 / 9)
        assert metrics["nll"] == pytest.approx(-math.log(0.7 * 0.3 * 0.2 * 0.7) / 4)
        # 0.6 wrong and 0.5 wrong each alone in a bin; 0.7 twice in one bin, both right: |2 − 1.4|
        assert metrics["calibration_error"] == pytest.approx((0.6 + 0.5 + 0.6) / 4)
        entropy = -(probability * probability.log()).sum().item() / 4
        assert metrics["predictive_entropy"] == pytest.approx(entropy)

    @pytest.mark.parametrize("n_classes", [2, 3, 10])
    def test_agrees_with_scikit_learn_and_torchmetrics(self, n_classes: int):
        logits, target = random_classification(500, n_classes)
        metrics = classification_metrics(logits, target)
        labels, probability = range(n_classes), logits.double().softmax(dim=1)
        predicted = logits.argmax(dim=1)
        assert metrics["accuracy"] == pytest.approx(sklearn.metrics.accuracy_score(target, predicted))
        assert metrics["macro_f1"] == pytest.approx(sklearn.metrics.f1_score(target, predicted, average="macro"))
        assert metrics["nll"] == pytest.approx(sklearn.metrics.log_loss(target, probability, labels=labels))
        calibration = multiclass_calibration_error(probability, target, n_classes, n_bins=15)
        assert metrics["calibration_error"] == pytest.approx(calibration.item(), rel=1e-5)
        if n_classes > 2:
            top2 = sklearn.metrics.top_k_accuracy_score(target, probability, k=2, labels=labels)
            assert metrics["top2_accuracy"] == pytest.approx(top2)

    def test_macro_f1_leaves_out_classes_that_never_occur(self):
        logits = torch.eye(5)[[0, 1, 1]]
        target = torch.tensor([0, 1, 0])
        expected = sklearn.metrics.f1_score(target, logits.argmax(dim=1), average="macro")
        assert classification_metrics(logits, target)["macro_f1"] == pytest.approx(expected)

    @pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
    def test_kl_divergence_agrees_with_torch(self, smoothing: float):
        logits, target = random_classification(200, 4)
        label = (1 - smoothing) * torch.eye(4, dtype=torch.float64)[target] + smoothing / 4
        expected = torch.nn.functional.kl_div(logits.double().log_softmax(dim=1), label, reduction="batchmean")
        metrics = classification_metrics(logits, target, label_smoothing=smoothing)
        assert metrics["kl_divergence"] == pytest.approx(expected.item(), rel=1e-12)

    def test_predicting_the_smoothed_labels_has_no_divergence(self):
        target = torch.tensor([0, 1, 2])
        logits = (0.8 * torch.eye(3, dtype=torch.float64) + 0.2 / 3).log()
        assert classification_metrics(logits, target, 0.2)["kl_divergence"] == pytest.approx(0, abs=1e-15)

    def test_equal_logits_know_nothing(self):
        metrics = classification_metrics(torch.zeros(10, 5), torch.arange(10) % 5)
        assert metrics["accuracy"] == pytest.approx(1 / 5)
        assert metrics["nll"] == pytest.approx(math.log(5))
        assert metrics["predictive_entropy"] == pytest.approx(math.log(5))
        assert metrics["calibration_error"] == pytest.approx(0, abs=1e-12)

    def test_ranks_by_logit_where_probabilities_round_to_the_same(self):
        logits = torch.tensor([[0.0, -2000.0, -1000.0], [1e-30, 2e-30, -1.0]])
        metrics = classification_metrics(logits, torch.tensor([2, 1]))
        assert (metrics["accuracy"], metrics["top2_accuracy"]) == (0.5, 1.0)

    @pytest.mark.parametrize("scale", [500.0, 3e38])
    def test_huge_logits_stay_finite(self, scale: float):
        logits = scale * torch.tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]])
        metrics = classification_metrics(logits, torch.tensor([0, 0]), label_smoothing=0.1)
        assert all(math.isfinite(value) for value in metrics.values())
        assert metrics["nll"] == pytest.approx(scale)  # the wrong one is 2 · scale below
        assert metrics["predictive_entropy"] == pytest.approx(0, abs=1e-12)
        assert metrics["calibration_error"] == pytest.approx(0.5)

    def test_logits_of_a_diverged_model_give_nan_not_an_error(self):
        metrics = classification_metrics(torch.full((3, 2), math.nan), torch.tensor([0, 1, 1]))
        assert math.isnan(metrics["nll"])
        assert math.isnan(metrics["calibration_error"])
        assert metrics["accuracy"] == metrics["top2_accuracy"] == metrics["macro_f1"] == 0  # and no class 0 predicted

    @given(
        n=st.integers(1, 40),
        n_classes=st.integers(2, 12),
        seed=st.integers(0, 2**32),
        scale=st.floats(0, 1e4),
        smoothing=st.floats(0, 1),
    )
    def test_bounds(self, n: int, n_classes: int, seed: int, scale: float, smoothing: float):
        logits, target = random_classification(n, n_classes, seed)
        metrics = classification_metrics(scale * logits, target, smoothing)
        assert 0 <= metrics["accuracy"] <= metrics["top2_accuracy"] <= 1
        assert 0 <= metrics["macro_f1"] <= 1
        assert 0 <= metrics["calibration_error"] <= 1
        assert -1e-12 <= metrics["predictive_entropy"] <= math.log(n_classes) + 1e-12
        assert metrics["nll"] >= 0
        assert metrics["kl_divergence"] >= -1e-12
        if smoothing == 0:
            assert metrics["kl_divergence"] == metrics["nll"]


class TestExpectedCalibrationError:
    def test_certainty_shares_the_last_bin(self):
        # With a bin of its own for 1.0, as in torchmetrics, these would not cancel: (0.98 + 1 − 1) / 2.
        error = expected_calibration_error(torch.tensor([0.98, 1.0]), torch.tensor([False, True]))
        assert error.item() == pytest.approx(0.98 / 2)

    def test_opposite_gaps_cancel_within_a_bin_only(self):
        confidence, correct = torch.tensor([0.55, 0.95]), torch.tensor([True, False])
        assert expected_calibration_error(confidence, correct, bins=1).item() == pytest.approx(0.25)
        assert expected_calibration_error(confidence, correct, bins=2).item() == pytest.approx(0.25)
        assert expected_calibration_error(confidence, correct, bins=10).item() == pytest.approx((0.45 + 0.95) / 2)
