"""Lasso and elastic net against scikit-learn, and the inner solver against its optimality conditions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from sklearn.linear_model import ElasticNet as Peer

from linnet.data import Examples
from linnet.losses import SquaredError
from linnet.penalties import ElasticNet
from linnet.solvers.l1.quadratic_l1 import quadratic_l1
from linnet.solvers.solve import solve


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("ratio", [1.0, 0.7])
@pytest.mark.parametrize(("n_examples", "n_features"), [(120, 20), (40, 100)])
def test_scikit_learn_has_the_same_objective_and_the_same_zeros(n_examples, n_features, ratio, bias):
    stream = np.random.default_rng(0)
    x = stream.normal(size=(n_examples, n_features)) + stream.normal(size=(n_examples, 1)) + 1
    y = x[:, :6].sum(1, keepdims=True) + stream.normal(size=(n_examples, 1))
    penalty = ElasticNet(0.1, ratio)
    found = solve(Examples(torch.from_numpy(x), torch.from_numpy(y)), SquaredError(), penalty, bias=bias)
    peer = Peer(alpha=0.1, l1_ratio=ratio, fit_intercept=bias, tol=1e-14, max_iter=1_000_000).fit(x, y[:, 0])
    weight, offset = torch.from_numpy(peer.coef_)[None], peer.intercept_ if bias else 0.0
    residual = torch.from_numpy(y[:, 0]) - torch.from_numpy(x) @ weight[0] - offset
    theirs = float(0.5 * residual.square().mean() + penalty.value(weight[None])[0])
    assert found.objective == pytest.approx(theirs, abs=1e-8)
    assert found.lower <= theirs
    assert found.suboptimality_bound < 1e-10
    assert torch.equal(found.weight == 0, weight == 0)
    assert 0 < (found.weight == 0).sum() < n_features


@settings(max_examples=100)
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(1, 12),
    rank=st.integers(1, 14),
    strength=st.floats(1e-3, 1.0),
    free=st.booleans(),
)
def test_subgradient_holds_zero(seed, size, rank, strength, free):
    """Also where H is singular, coordinates are without threshold, or features are badly scaled."""
    stream = np.random.default_rng(seed)
    x = stream.normal(size=(rank, size)) * 10.0 ** stream.integers(-2, 3, size)
    hessian, linear = x.T @ x / rank, x.T @ stream.normal(size=rank) / rank
    threshold = np.full(size, strength)
    threshold[0] *= not free
    w, _ = quadratic_l1(hessian, linear, threshold, np.zeros(size))
    pull = linear - hessian @ w
    tolerance = 1e-9 * (np.abs(linear).max() + np.abs(hessian) @ np.abs(w))
    assert (np.abs(pull) <= threshold + tolerance).all()
    assert (np.abs(pull - threshold * np.sign(w))[w != 0] <= tolerance[w != 0]).all()


def test_flat_directions_with_a_slope_end_where_a_sign_changes():
    """Softmax is blind to a shift of all classes: only the absolute values decide along it, and they want a zero."""
    ones = np.ones((3, 3))
    hessian = np.eye(3) - ones / 3
    w, rounds = quadratic_l1(hessian, np.array([1.0, 1.0, -2.0]), np.full(3, 0.1), np.array([5.0, 5.0, 5.0]))
    assert rounds < 10
    assert np.median(w) == 0 or np.abs(w).sum() == pytest.approx(np.abs(w - np.median(w)).sum(), abs=1e-12)


def test_scaling_a_feature_scales_its_weight():
    stream = np.random.default_rng(1)
    x, y = stream.normal(size=(50, 4)), stream.normal(size=50)
    factor = np.array([1e-3, 1.0, 1.0, 1e4])
    a, _ = quadratic_l1(x.T @ x, x.T @ y, np.full(4, 2.0), np.zeros(4))
    scaled = x * factor
    b, _ = quadratic_l1(scaled.T @ scaled, scaled.T @ y, 2.0 * factor, np.zeros(4))
    np.testing.assert_allclose(b * factor, a, rtol=1e-9, atol=1e-12)
