"""Data made by a formula follows it: the truth recovers the targets, and the noise has the moments it is said to have.

Statistical bounds are five standard errors wide, and the seeds are fixed.
"""

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from linnet.data import (
    Source,
    covariate_shift,
    gaussian_blobs,
    high_dimensional,
    label_shift,
    polynomial,
    synthetic_regression,
)
from linnet.data.sources.synthetic import draw_noise
from linnet.system.errors import InputError
from linnet.system.seeds import generator

COMMON = {
    "noise": 0.1, "noise_kind": "gaussian", "n_train": 60, "n_val": 30, "n_test": 20, "dtype": "float64", "seed": 0,
}  # fmt: skip
OWN = {
    synthetic_regression: {"weight": [2.0, -3.4, 0.5], "bias": 4.2},
    polynomial: {"coefficients": [5.0, 1.2, -3.4, 5.6], "degree": 5},
    high_dimensional: {"n_features": 200},
    gaussian_blobs: {"n_classes": 3, "n_features": 4, "separation": 2.0},
    covariate_shift: {
        "degree": 2, "train_mean": 0.5, "train_std": 0.5, "target_mean": 0.0, "target_std": 0.3,
        "weighting": "estimated", "max_weight": None, "n_target": 50,
    },
    label_shift: {
        "train_proportions": [2, 1], "target_proportions": [1, 2], "separation": 2.0, "weighting": "none",
        "n_target": 50,
    },
}  # fmt: skip
SOURCES = list(OWN)
REGRESSION = SOURCES[:3]


def made(source, **options: object) -> Source:
    return source(**{**COMMON, **OWN[source], **options})


@pytest.fixture(params=SOURCES, ids=lambda source: source.__name__)
def source(request):
    return request.param


class TestNoise:
    N = 400_000

    @pytest.mark.parametrize(
        ("kind", "mean_absolute", "kurtosis", "kurtosis_bound"),
        # E|ε|/σ and E ε⁴/σ⁴, and five standard errors of the latter: √(Var ε⁴/N), with E ε⁸/σ⁸ = 105 and 2520.
        [
            ("gaussian", math.sqrt(2 / math.pi), 3, 5 * math.sqrt((105 - 9) / N)),
            ("laplace", 1 / math.sqrt(2), 6, 5 * math.sqrt((2520 - 36) / N)),
        ],
    )
    def test_has_the_moments_of_its_kind(self, kind, mean_absolute, kurtosis, kurtosis_bound):
        noise = draw_noise((self.N,), 0.7, kind, generator(0, "test")) / 0.7
        assert noise.dtype == torch.float64
        assert abs(noise.mean()) < 5 / math.sqrt(self.N)
        assert abs(noise.square().mean() - 1) < 5 * math.sqrt((kurtosis - 1) / self.N)
        assert abs(noise.abs().mean() - mean_absolute) < 5 / math.sqrt(self.N)
        assert abs(noise.pow(4).mean() - kurtosis) < kurtosis_bound
        assert abs(noise.pow(3).mean()) < 5 * math.sqrt({"gaussian": 15, "laplace": 90}[kind] / self.N)

    @pytest.mark.parametrize("kind", ["gaussian", "laplace"])
    def test_scales(self, kind):
        one, three = (draw_noise((50, 2), scale, kind, generator(0, "test")) for scale in (1.0, 3.0))
        torch.testing.assert_close(three, 3 * one)

    @pytest.mark.parametrize("source", REGRESSION, ids=lambda source: source.__name__)
    @pytest.mark.parametrize("kind", ["gaussian", "laplace"])
    def test_of_a_source_has_its_standard_deviation(self, source, kind):
        n = 20_000
        train = made(source, noise=0.3, noise_kind=kind, n_train=n).train
        truth = made(source, n_train=2).truth
        error = (train.y - train.x @ truth.weight.T - truth.bias) / 0.3
        assert abs(error.mean()) < 5 / math.sqrt(n)
        assert abs(error.square().mean() - 1) < 5 * math.sqrt(5 / n)


class TestEverySource:
    def test_has_the_sizes_asked_for(self, source):
        data = made(source)
        assert (len(data.train), len(data.val), len(data.test)) == (60, 30, 20)
        none = made(source, n_val=0, n_test=0)
        assert (none.val, none.test) == (None, None)

    def test_is_a_function_of_the_seed(self, source):
        data = made(source)
        torch.manual_seed(3)
        again, other = made(source), made(source, seed=1)
        for part in ("train", "val", "test"):
            assert torch.equal(getattr(again, part).x, getattr(data, part).x)
            assert torch.equal(getattr(again, part).y, getattr(data, part).y)
            assert not torch.equal(getattr(other, part).x, getattr(data, part).x)
        assert again.checksum == data.checksum != other.checksum

    def test_draws_its_parts_apart(self, source):
        data, other = made(source, n_val=20), made(source, n_val=7, n_test=0)
        assert torch.equal(other.train.x, data.train.x)
        assert torch.equal(other.train.y, data.train.y)
        assert not torch.equal(data.val.x, data.test.x)

    def test_of_float32_is_that_of_float64_rounded(self, source):
        single, double = made(source, dtype="float32"), made(source)
        for part in ("train", "val", "test"):
            assert getattr(single, part).x.dtype == torch.float32
            assert torch.equal(getattr(single, part).x, getattr(double, part).x.float())
            assert torch.equal(getattr(single, part).y, getattr(double, part).y.to(getattr(single, part).y.dtype))

    def test_takes_the_options_all_synthetic_data_has(self, source):
        assert set(COMMON) <= set(inspect.signature(source).parameters)


@pytest.mark.parametrize("source", REGRESSION, ids=lambda source: source.__name__)
class TestTruth:
    def test_gives_the_targets_where_there_is_no_noise(self, source):
        data = made(source, noise=0.0)
        for part in (data.train, data.val, data.test):
            torch.testing.assert_close(part.x @ data.truth.weight.T + data.truth.bias, part.y)

    def test_is_what_least_squares_finds(self, source):
        data = made(source, noise=0.0, n_train=400)
        design = np.hstack([data.train.x.numpy(), np.ones((400, 1))])
        solution = np.linalg.lstsq(design, data.train.y.numpy(), rcond=None)[0][:, 0]
        expected = np.append(data.truth.weight[0].numpy(), data.truth.bias.numpy())
        np.testing.assert_allclose(solution, expected, atol=1e-9)


class TestSyntheticRegression:
    def test_has_the_given_parameters_as_truth(self):
        truth = made(synthetic_regression).truth
        assert truth.weight.tolist() == [[2.0, -3.4, 0.5]]
        assert truth.bias.tolist() == [4.2]

    def test_has_standard_normal_features(self):
        n = 100_000
        x = made(synthetic_regression, n_train=n).train.x
        assert x.mean(dim=0).abs().max() < 5 / math.sqrt(n)
        covariance = x.T @ x / n
        assert (covariance - torch.eye(3)).abs().max() < 5 * math.sqrt(2 / n)


class TestPolynomial:
    @given(degree=st.integers(1, 25))
    def test_features_are_powers_over_factorials(self, degree):
        x = made(polynomial, degree=degree).train.x
        assert x.shape == (60, degree)
        base = x[:, 0].tolist()
        for power in range(1, degree + 1):
            expected = [value**power / math.factorial(power) for value in base]
            np.testing.assert_allclose(x[:, power - 1].numpy(), expected, rtol=1e-12)

    def test_of_the_degree_of_the_truth_is_the_formula(self):
        train = made(polynomial, degree=3, noise=0.0).train
        x = train.x[:, :1]
        torch.testing.assert_close(train.y, 5 + 1.2 * x - 3.4 * x**2 / 2 + 5.6 * x**3 / 6)

    def test_of_a_higher_degree_has_zeros_as_truth(self):
        assert made(polynomial, degree=5).truth.weight.tolist() == [[1.2, -3.4, 5.6, 0, 0]]

    def test_of_a_lower_degree_keeps_the_targets_and_has_no_truth(self):
        low, full = made(polynomial, degree=1), made(polynomial, degree=3)
        assert low.truth is None
        for part in ("train", "val", "test"):
            assert torch.equal(getattr(low, part).x, getattr(full, part).x[:, :1])
            assert torch.equal(getattr(low, part).y, getattr(full, part).y)


class TestHighDimensional:
    def test_is_the_formula(self):
        data = made(high_dimensional, noise=0.0)
        assert data.train.x.shape == (60, 200)
        torch.testing.assert_close(data.train.y, 0.05 + 0.01 * data.train.x.sum(dim=1, keepdim=True))


class TestGaussianBlobs:
    @pytest.mark.parametrize(("kind", "deviation"), [("gaussian", 0.5), ("laplace", 0.5 * math.sqrt(2))])
    def test_have_their_means_and_noise(self, kind, deviation):
        n = 60_000
        train = made(gaussian_blobs, noise=0.5, noise_kind=kind, n_train=n).train
        for k in range(3):
            own = train.x[train.y == k]
            assert abs(len(own) - n / 3) < 5 * math.sqrt(n * 2 / 9)
            mean = torch.zeros(4).double()
            mean[k] = 2.0
            error = (own - mean) / deviation
            assert error.mean(dim=0).abs().max() < 5 / math.sqrt(len(own))
            assert (error.square().mean(dim=0) - 1).abs().max() < 5 * math.sqrt(5 / len(own))

    @pytest.mark.parametrize("kind", ["gaussian", "laplace"])
    def test_best_accuracy_is_that_of_the_likeliest_class(self, kind):
        n = 100_000
        data = made(gaussian_blobs, noise=1.0, noise_kind=kind, n_test=n)
        means = 2 * torch.eye(3, 4).double()
        distance = (data.test.x[:, None] - means).abs().pow(2 if kind == "gaussian" else 1).sum(dim=2)
        tied = distance <= distance.min(dim=1, keepdim=True).values + 1e-9
        right = tied[torch.arange(n), data.test.y].double() / tied.sum(dim=1)  # ties are broken at random
        accuracy = data.bayes_accuracy
        assert abs(right.mean() - accuracy) < 5 * math.sqrt(accuracy * (1 - accuracy) / n)

    def test_need_an_axis_for_each_class_and_noise(self):
        with pytest.raises(InputError, match=r"data\.n_features=2: expected at least data\.n_classes=3"):
            made(gaussian_blobs, n_features=2)
        with pytest.raises(InputError, match=r"data\.noise=0"):
            made(gaussian_blobs, noise=0.0)
