"""Metrics where some examples are of classes without an output, held to scikit-learn."""

import pytest
import torch
from all_metrics import expected_calibration_error
from sklearn.metrics import accuracy_score, f1_score, log_loss

from linnet.models.running_metrics import AbsentClassMetrics


@pytest.mark.parametrize("size", [1, 7, 50])
def test_are_those_of_scikit_learn(size):
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 50, 3, generator=rng)
    y = torch.randint(-2, 3, (50,), generator=rng)
    running = AbsentClassMetrics(2, 3, 0.0, logits, 2)
    for start in range(0, 50, size):
        running.update(logits[:, start : start + size], y[start : start + size])
    seen = y >= 0
    for found, scores in zip(running.compute(), logits, strict=True):
        predicted, probability = scores.argmax(1), scores.double().softmax(1)
        assert found["accuracy"] == pytest.approx(accuracy_score(y, predicted), rel=1e-12)
        assert found["macro_f1"] == pytest.approx(f1_score(y, predicted, average="macro"), rel=1e-12)
        assert found["nll"] == pytest.approx(log_loss(y[seen], probability[seen].numpy()), rel=1e-12)
        gap = expected_calibration_error(probability.amax(1), predicted == y)
        assert found["calibration_error"] == pytest.approx(float(gap), rel=1e-12)
