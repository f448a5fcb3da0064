"""Least squares: what must hold of any solution, against numpy, scikit-learn's ridge and linnet's own objective."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from linnet.losses import SquaredError
from linnet.models.linear import predict
from linnet.penalties import L2
from linnet.solvers.least_squares.least_squares import LeastSquares, least_squares

Array = NDArray[np.float64]


@st.composite
def problems(draw: st.DrawFn) -> tuple[Array, Array, Array]:
    """Small integer x `[N, D]`, y `[N, C]` and weights `[N]`, often rank-deficient, of positive sum."""
    n_rows, n_features, n_outputs = draw(st.integers(1, 12)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = rng.integers(-3, 4, (n_rows, n_features)) * 10.0 ** rng.integers(-3, 4, n_features)
    weight = rng.integers(0, 4, n_rows).astype(np.float64)
    weight[0] = 2
    return x, rng.integers(-9, 10, (n_rows, n_outputs)).astype(np.float64), weight


def same(a: LeastSquares, b: LeastSquares) -> None:
    """Equal up to rounding."""
    assert (a.rank, a.n_coefficients, a.unique) == (b.rank, b.n_coefficients, b.unique)
    np.testing.assert_allclose(a.weight, b.weight, rtol=1e-9, atol=1e-9 * np.abs(a.weight).max(initial=1e-6))
    if a.bias is None or b.bias is None:
        assert a.bias is b.bias
    else:
        np.testing.assert_allclose(a.bias, b.bias, rtol=1e-9, atol=1e-9)
    assert a.objective == pytest.approx(b.objective, rel=1e-9, abs=1e-12)
    norms = np.sqrt(a.residual_squares), np.sqrt(b.residual_squares)
    np.testing.assert_allclose(*norms, rtol=1e-9, atol=1e-9)


class TestProperties:
    @given(problems(), st.booleans(), st.sampled_from([0.0, 0.5]))
    def test_weights_are_copies(self, problem: tuple[Array, Array, Array], bias: bool, l2: float):
        x, y, weight = problem
        times = weight.astype(int)
        copies = least_squares(np.repeat(x, times, axis=0), np.repeat(y, times, axis=0), bias=bias, l2=l2)
        same(least_squares(x, y, bias=bias, l2=l2, sample_weight=weight), copies)

    @given(problems(), st.booleans(), st.sampled_from([0.0, 1e-3, 2.0]))
    def test_the_gradient_of_linnets_objective_vanishes(
        self, problem: tuple[Array, Array, Array], bias: bool, l2: float
    ):
        x, y, _ = problem
        fit = least_squares(x, y, bias=bias, l2=l2)
        parameters = [torch.tensor(fit.weight[None], requires_grad=True)]
        if fit.bias is not None:
            parameters.append(torch.tensor(fit.bias[None], requires_grad=True))
        prediction = predict(torch.tensor(x), parameters[0], parameters[1] if bias else None)
        objective = SquaredError().value(prediction, torch.tensor(y)).mean() + L2(l2).value(parameters[0])[0]
        assert objective.item() == pytest.approx(fit.objective, rel=1e-9, abs=1e-12)
        for grad in torch.autograd.grad(objective, parameters):
            assert grad.abs().max() <= 1e-9 * max(1, np.abs(x).max()) * max(1, np.abs(y).max())

    @given(problems())
    def test_the_solution_is_the_shortest_of_all_best(self, problem: tuple[Array, Array, Array]):
        x, y, _ = problem
        theirs = np.linalg.lstsq(x, y, rcond=None)[0].T
        fit = least_squares(x, y, bias=False)
        np.testing.assert_allclose(fit.weight, theirs, rtol=1e-8, atol=1e-8 * max(1, np.abs(theirs).max()))
        assert fit.rank == np.linalg.matrix_rank(x / np.maximum(np.linalg.norm(x, axis=0), 1e-300))

    @given(problems())
    def test_with_a_bias_only_the_weight_is_short(self, problem: tuple[Array, Array, Array]):
        x, y, weight = problem
        centred_x, centred_y = (part - np.average(part, axis=0, weights=weight) for part in (x, y))
        centred_x[np.abs(centred_x) < 1e-14 * np.abs(x).max(axis=0)] = 0  # rounding of the mean of a constant column
        root = np.sqrt(weight)[:, None]
        theirs = np.linalg.lstsq(root * centred_x, root * centred_y, rcond=1e-11)[0].T
        fit = least_squares(x, y, sample_weight=weight)
        np.testing.assert_allclose(fit.weight, theirs, rtol=1e-8, atol=1e-8 * max(1, np.abs(theirs).max()))

    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
    def test_tensors_and_arrays_of_any_dtype(self, dtype: torch.dtype):
        stream = torch.Generator().manual_seed(0)
        x, y = torch.randn(20, 3, generator=stream).to(dtype), torch.randn(20, 2, generator=stream).to(dtype)
        expected = least_squares(x.double().numpy(), y.double().numpy())
        given_as_tensor = least_squares(x.requires_grad_(), y)
        assert given_as_tensor.weight.dtype == np.float64
        np.testing.assert_array_equal(given_as_tensor.weight, expected.weight)
        assert (expected.weight.shape, expected.bias.shape) == ((2, 3), (2,))  # type: ignore[union-attr]

    def test_one_column_of_targets_may_be_a_vector(self):
        x, y = np.random.default_rng(0).standard_normal((2, 9, 3))
        np.testing.assert_array_equal(least_squares(x, y[:, 0]).weight, least_squares(x, y[:, :1]).weight)

    def test_many_blocks_are_one_matrix(self):
        rng = np.random.default_rng(1)
        x, y, weight = rng.random((70_000, 40), dtype=np.float32), rng.random((70_000, 2)), rng.random(70_000)
        fit = least_squares(x, y, l2=0.1, sample_weight=weight)
        theirs = Ridge(alpha=0.1 * weight.sum(), solver="svd").fit(x.astype(np.float64), y, sample_weight=weight)
        np.testing.assert_allclose(fit.weight, theirs.coef_, rtol=1e-9)
        np.testing.assert_allclose(fit.bias, theirs.intercept_, rtol=1e-11)
