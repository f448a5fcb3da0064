"""Standardisation against exact rational arithmetic: offsets, scales, weights, constant columns, blocks."""

from fractions import Fraction
from math import isqrt

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from shards import source

from linnet.data import Batch, Examples, prepare
from linnet.data.standardizer import CONSTANT_ULPS, Standardizer

U = 2.0**-53


def scaling(x: torch.Tensor, weight: torch.Tensor | None = None, *, size: int = 7, centre: bool = True) -> Standardizer:
    return Standardizer.of(lambda: Examples(x, x, weight).raw_chunks(size), centre=centre)


def root(value: Fraction) -> float:
    """The square root of a rational number, to more digits than float64 has."""
    scale = 10**400
    return float(Fraction(isqrt(value.numerator * scale // value.denominator), isqrt(scale)))


def exact(column: list[float], weight: list[float] | None = None) -> tuple[float, float, float]:
    """Mean, standard deviation and root mean square in rational arithmetic."""
    x, w = [Fraction(value) for value in column], [Fraction(value) for value in weight or [1.0] * len(column)]
    total = sum(w)
    mean = sum(a * b for a, b in zip(w, x, strict=True)) / total
    square = sum(a * b**2 for a, b in zip(w, x, strict=True)) / total
    return float(mean), root(square - mean**2), root(square)


@given(
    seed=st.integers(0, 10**6), scale=st.sampled_from([1e-8, 1e-3, 1.0, 1e6, 1e12]),
    offset=st.sampled_from([0.0, -3.0, 1e6, 1e9, 1e12]), size=st.integers(1, 40),
)  # fmt: skip
def test_is_that_of_rational_arithmetic(seed, scale, offset, size):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=40) * scale + offset
    weight = 10.0 ** rng.uniform(-6, 6, 40)
    if np.ptp(x) <= CONSTANT_ULPS * np.spacing(np.abs(x).max()):  # the offset has swallowed all digits
        return
    for w in (None, weight):
        mean, deviation, square = exact(x.tolist(), None if w is None else w.tolist())
        w = None if w is None else torch.from_numpy(w)
        found = scaling(torch.from_numpy(x)[:, None], w, size=size)
        magnitude = float(np.abs(x).max())
        # Each of 40 updates of the mean takes three operations on differences to the first row, and the sum of mean
        # and first row is rounded once more. What a mean errs by, the deviation does not exceed.
        error = 3 * 40 * U * float(np.ptp(x))
        assert found.mean.item() == pytest.approx(mean, abs=error + 2 * U * magnitude)
        assert found.deviation.item() == pytest.approx(deviation, rel=5 * 40 * U, abs=error)
        scaled = scaling(torch.from_numpy(x)[:, None], w, size=size, centre=False)
        assert scaled.mean.item() == 0
        assert scaled.deviation.item() == pytest.approx(square, rel=5 * 40 * U, abs=error)


def test_a_weight_of_two_is_two_rows_and_of_zero_is_none():
    x = torch.randn(30, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 5
    weight = torch.tensor([2.0, 0.0, 1.0]).repeat(10).double()
    x[weight == 0] = torch.tensor([1e9, -1e300, 0.0, 1.0], dtype=torch.float64)  # what does not count may be anything
    rows = torch.arange(30).repeat_interleave(weight.long())
    weighted, repeated = scaling(x, weight), scaling(x[rows])
    torch.testing.assert_close(weighted.mean, repeated.mean, rtol=1e-14, atol=0)
    torch.testing.assert_close(weighted.deviation, repeated.deviation, rtol=1e-13, atol=0)


@pytest.mark.parametrize("size", [1e-200, 1e-160, 1e160, 1e300])
def test_squares_neither_overflow_nor_vanish(size):
    x = torch.tensor([[1.0], [2.0], [4.0]], dtype=torch.float64) * size
    found = scaling(x, size=2)
    assert found.mean.item() == pytest.approx(7 / 3 * size, rel=1e-14)
    assert found.deviation.item() == pytest.approx((14 / 9) ** 0.5 * size, rel=1e-14)
    assert scaling(x, size=2, centre=False).deviation.item() == pytest.approx(7**0.5 * size, rel=1e-14)


class TestConstant:
    def test_is_one_whose_range_is_a_few_ulps(self):
        base = 1.7e9
        ulp = float(np.spacing(base))
        x = torch.full((20, 3), base, dtype=torch.float64)
        x[3, 1] += CONSTANT_ULPS * ulp
        x[3, 2] += 2 * CONSTANT_ULPS * ulp
        found = scaling(x)
        assert found.mean[0] == base
        assert found.deviation[0] == 1
        assert found.deviation[1].isinf()
        assert found.deviation[2].isfinite()
        z = found.apply(x, torch.float64)
        assert not z[:, :2].any()
        assert z[:, 2].var(correction=0).item() == pytest.approx(1, rel=1e-6)

    def test_is_not_one_of_small_relative_deviation(self):
        """Unix seconds of an hour: their deviation is 6e-7 of their mean."""
        x = 1.7e9 + torch.arange(3600, dtype=torch.float64)[:, None]
        found = scaling(x, size=100)
        assert found.deviation.item() == pytest.approx(((3600**2 - 1) / 12) ** 0.5, rel=1e-9)

    def test_has_no_effect_on_predictions(self):
        x = torch.ones(10, 1, dtype=torch.float64)
        x[0] += CONSTANT_ULPS * U
        found = scaling(x)
        assert found.undo(torch.ones(1, 1), torch.zeros(1)).weight.item() == 0
        assert found.per_deviation(torch.ones(1, dtype=torch.float64)).item() == 0


@pytest.mark.parametrize("memory", [1, 256])
@pytest.mark.parametrize("kind", ["float64", "int64", "float32"])
def test_features_of_files_are_rounded_last(memory, kind, tmp_path):
    """In memory and streamed: x, standardised in float64 by its own statistics, then rounded to float32."""
    rng = np.random.default_rng(0)
    offset = 2**22 if kind == "float32" else 1_700_000_000
    x = (rng.integers(0, 1000, (9_000, 30)) + offset).astype(kind)
    y = 1e9 + rng.normal(size=9_000)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    made = source(tmp_path / "x.npy", tmp_path / "y.npy", max_memory_mb=memory)
    data = prepare(made, 256, 0.0, True, 0, 0, dtype="float32", centre_targets=True)
    assert data.train.streamed == (memory == 1)
    integers = x.astype(np.int64) - offset  # exact
    wanted = (integers - integers.mean(0)) / integers.std(0)
    for batches in (data.train.chunks(1000), data.train.batches(torch.arange(9_000), [4_500, 4_500])):
        found = [Batch(batch.x.clone(), batch.y.clone()) for batch in batches]
        z, targets = torch.cat([batch.x for batch in found]), torch.cat([batch.y for batch in found])
        assert z.dtype == targets.dtype == torch.float32
        # Rounded to float32 once; in float32 files the difference to the mean is rounded, and the sum of two parts.
        np.testing.assert_allclose(z, wanted, rtol=4 * 2.0**-24, atol=4 * 2.0**-24)
        assert data.offset is not None
        np.testing.assert_allclose(targets[:, 0], y - data.offset.item(), rtol=2.0**-24)
    assert data.offset.item() == pytest.approx(y.mean(), abs=1e-5)
