"""CV+ against its definition row by row, and against the coverage that it promises."""

import numpy as np
import pytest

from linnet.inference import conformal
from linnet.inference.conformal import cv_plus_intervals, cv_plus_sets

N, K, M, C = 37, 5, 11, 3


@pytest.fixture(params=[0.5, 0.8, 0.95, 0.99])
def confidence(request) -> float:
    return request.param


def test_intervals_are_those_of_the_definition(confidence, monkeypatch):
    monkeypatch.setattr(conformal, "NUMBERS", 4 * N)  # a few rows at a time
    rng = np.random.default_rng(0)
    fold, errors = np.arange(N) % K, np.abs(rng.standard_t(2, (N, C)))
    predictions = rng.standard_normal((K, M, C))
    found = cv_plus_intervals(predictions, errors, fold, confidence)
    alpha = 1 - confidence
    low, high = int(np.floor(alpha * (N + 1) + 1e-9)), int(np.ceil(confidence * (N + 1) - 1e-9))
    for j, c in np.ndindex(M, C):
        centres = [predictions[fold[i], j, c] for i in range(N)]
        lows = sorted(centre - errors[i, c] for i, centre in enumerate(centres))
        highs = sorted(centre + errors[i, c] for i, centre in enumerate(centres))
        expected = (lows[low - 1], highs[high - 1]) if high <= N else (-np.inf, np.inf)
        assert tuple(found[j, c]) == pytest.approx(expected, rel=1e-15)


def test_sets_are_those_of_the_definition(confidence):
    rng = np.random.default_rng(0)
    fold, scores = np.arange(N) % K, rng.random(N).round(1)  # with ties
    probabilities = rng.dirichlet(np.ones(C), (K, M)).round(1)
    found = cv_plus_sets(probabilities, scores, fold, confidence)
    for j, c in np.ndindex(M, C):
        below = sum(scores[i] < 1 - probabilities[fold[i], j, c] for i in range(N))
        assert found[j, c] == (below < confidence * (N + 1) - 1e-9)
    assert 0 < found.mean() <= 1


def test_a_rank_that_is_whole_is_not_rounded_up():
    assert conformal._rank(109, 0.9) == 99  # 0.9 · 110 is 99.00000000000001 or so
    assert conformal._rank(9, 0.7) == 7
    assert conformal._rank(10, 0.9) == 10


def test_leave_one_out_of_a_mean_is_the_jackknife_plus():
    y = np.array([1.0, 2.0, 4.0, 7.0])
    without = (y.sum() - y) / 3
    found = cv_plus_intervals(without[:, None, None], np.abs(y - without)[:, None], np.arange(4), 0.6)
    # ranks ⌊0.4 · 5⌋ = 2 and ⌈0.6 · 5⌉ = 3 of means ∓ errors, worked by hand
    lows, highs = sorted(without - np.abs(y - without)), sorted(without + np.abs(y - without))
    assert found[0, 0].tolist() == pytest.approx([lows[1], highs[2]])
