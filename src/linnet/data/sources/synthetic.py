"""Regression data made from a formula (Dive into Deep Learning 3.3, 3.6, 3.7): the true parameters are known.

Training, validation and test examples come from independent streams, so changing the size of one leaves the others
as they were. All numbers are drawn in float64 and rounded to the asked dtype at the end.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from linnet.config.data_source import data_source
from linnet.config.option_types import Count, CountOrZero, DType, NoiseKind, NonNegative, Numbers, Seed
from linnet.data.batch import TrueParameters
from linnet.data.storage.checksum import checksum
from linnet.data.storage.examples import Examples, Source
from linnet.system.seeds import generator


def draw_noise(shape: Sequence[int], scale: float, kind: str, rng: torch.Generator) -> Tensor:
    """Return noise of mean 0 and standard deviation `scale`, float64.

    kind "gaussian": density ∝ exp(−ε²/2σ²); "laplace": density ∝ exp(−|ε|/b) with b = σ/√2, heavier tails.
    """
    if kind == "gaussian":
        return scale * torch.randn(*shape, generator=rng, dtype=torch.float64)
    # The difference of two exponential variables is Laplace distributed, of variance 2b².
    exponential = torch.empty(2, *shape, dtype=torch.float64).exponential_(generator=rng)
    return scale / math.sqrt(2) * (exponential[0] - exponential[1])


def _linear_source(
    truth: TrueParameters,
    features: Callable[[Tensor], Tensor],
    n_inputs: int,
    noise: float,
    noise_kind: str,
    sizes: Sequence[int],
    dtype: str,
    seed: int,
) -> Source:
    """Return examples (features(x), weight·features(x) + bias + noise) with x ~ N(0, I), for train, val and test."""

    def draw(name: str, size: int) -> Examples | None:
        if size == 0:
            return None
        rng = generator(seed, f"data/{name}")
        x = features(torch.randn(size, n_inputs, generator=rng, dtype=torch.float64))
        y = x @ truth.weight.T + truth.bias
        y += draw_noise(y.shape, noise, noise_kind, rng)
        return Examples(x.to(getattr(torch, dtype)), y.to(getattr(torch, dtype)))

    train, val, test = (draw(name, size) for name, size in zip(("train", "val", "test"), sizes, strict=True))
    assert train is not None
    return Source(
        task="regression", train=train, val=val, test=test, truth=truth,
        checksum=checksum(train, val, test),
    )  # fmt: skip


@data_source("regression", validation="made")
def synthetic_regression(
    weight: Numbers,
    bias: float,
    noise: NonNegative,
    noise_kind: NoiseKind,
    n_train: Count,
    n_val: CountOrZero,
    n_test: CountOrZero,
    dtype: DType,
    seed: Seed,
) -> Source:
    """Return y = weight·x + bias + ε with x ~ N(0, I), one feature per weight (Dive into Deep Learning 3.3.1)."""
    truth = TrueParameters(torch.tensor([weight], dtype=torch.float64), torch.tensor([bias], dtype=torch.float64))
    return _linear_source(truth, lambda x: x, len(weight), noise, noise_kind, (n_train, n_val, n_test), dtype, seed)


@data_source("regression", validation="made")
def polynomial(
    coefficients: Numbers,
    degree: Count,
    noise: NonNegative,
    noise_kind: NoiseKind,
    n_train: Count,
    n_val: CountOrZero,
    n_test: CountOrZero,
    dtype: DType,
    seed: Seed,
) -> Source:
    """Return y = Σ coefficients[i] xⁱ/i! + ε with x ~ N(0, 1); the features are xⁱ/i! for i = 1 … degree.

    A degree below that of the truth underfits, one far above it overfits (Dive into Deep Learning 3.6.2). The division
    by i! keeps the features of high degree from dwarfing the others.
    """
    n_columns = max(degree, len(coefficients) - 1)
    powers = torch.arange(1, n_columns + 1, dtype=torch.float64)
    inverse_factorials = torch.exp(-torch.lgamma(powers + 1))
    weight = torch.zeros(1, n_columns, dtype=torch.float64)
    weight[0, : len(coefficients) - 1] = torch.tensor(coefficients[1:], dtype=torch.float64)
    truth = TrueParameters(weight, torch.tensor([coefficients[0]], dtype=torch.float64))
    whole = _linear_source(
        truth, lambda x: x**powers * inverse_factorials, 1, noise, noise_kind, (n_train, n_val, n_test), dtype, seed
    )
    if degree == n_columns:
        return whole

    # The targets keep the part of higher degree that the features cannot express.
    def cut(part: Examples) -> Examples:
        return Examples(part.x[:, :degree].contiguous(), part.y)

    return Source(
        task="regression", train=cut(whole.train), val=whole.val and cut(whole.val),
        test=whole.test and cut(whole.test), checksum=whole.checksum,
    )  # fmt: skip


@data_source("regression", validation="made")
def high_dimensional(
    n_features: Count,
    noise: NonNegative,
    noise_kind: NoiseKind,
    n_train: Count,
    n_val: CountOrZero,
    n_test: CountOrZero,
    dtype: DType,
    seed: Seed,
) -> Source:
    """Return y = 0.05 + Σ 0.01 xᵢ + ε with x ~ N(0, I) (Dive into Deep Learning 3.7.2)."""
    return synthetic_regression([0.01] * n_features, 0.05, noise, noise_kind, n_train, n_val, n_test, dtype, seed)
