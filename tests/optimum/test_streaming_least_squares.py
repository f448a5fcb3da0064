"""A stream of blocks is one matrix, however it is cut."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from linnet.optimum.least_squares import LeastSquares, least_squares
from linnet.optimum.streaming_least_squares import StreamingLeastSquares

Array = NDArray[np.float64]
Block = tuple[Array, Array, Array]


def cut(rows: Block, sizes: list[int]) -> list[Block]:
    """The rows in blocks of the given sizes, and one of what is left."""
    ends = np.cumsum(sizes)
    return list(zip(*(np.split(part, ends[ends <= len(part)]) for part in rows), strict=True))


def stream(blocks: list[Block], *, bias: bool, l2: float = 0.0) -> StreamingLeastSquares:
    streaming = StreamingLeastSquares(bias=bias, l2=l2)
    for block in blocks:
        streaming.add(*block)
    return streaming


def assert_same(a: LeastSquares, b: LeastSquares, tolerance: float) -> None:
    assert (a.rank, a.n_coefficients, a.n_rows) == (b.rank, b.n_coefficients, b.n_rows)
    for one, other in ((a.weight, b.weight), (a.bias, b.bias), (a.inverse, b.inverse)):
        assert (one is None) == (other is None)
        if one is not None and other is not None and one.size:
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.abs(other).max())
    scale = np.sqrt(b.total_squares) + 1e-300
    np.testing.assert_allclose(a.residual_norm / scale, b.residual_norm / scale, atol=tolerance)
    np.testing.assert_allclose(a.total_squares, b.total_squares, rtol=tolerance)
    np.testing.assert_allclose([a.condition, a.scaled_condition], [b.condition, b.scaled_condition], rtol=tolerance)
    assert a.total_weight == pytest.approx(b.total_weight)
    assert a.objective == pytest.approx(b.objective, rel=tolerance, abs=tolerance * float(np.square(scale).sum()))


@st.composite
def streams(draw: st.DrawFn) -> tuple[Block, list[int]]:
    """Rows with large offsets, different units, now and then dependent columns, and how to cut them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_rows, n_features, n_outputs = draw(st.integers(8, 60)), draw(st.integers(0, 5)), draw(st.integers(1, 3))
    x = rng.standard_normal((n_rows, n_features)) * 4.0 ** rng.integers(-5, 6, n_features) + rng.integers(-50, 50)
    if n_features > 1 and draw(st.booleans()):
        x[:, -1] = x[:, 0]
    weight = rng.random(n_rows) * (rng.random(n_rows) > 0.2)
    weight[:8] = 1
    sizes = draw(st.lists(st.integers(0, 20), max_size=8))
    return (x, rng.standard_normal((n_rows, n_outputs)) + 7, weight), sizes


class TestStreamingLeastSquares:
    @given(streams(), st.booleans(), st.sampled_from([0.0, 0.5]))
    def test_equals_the_fit_in_memory(self, case: tuple[Block, list[int]], bias: bool, l2: float):
        rows, sizes = case
        bias = bias or rows[0].shape[1] == 0
        expected = least_squares(rows[0], rows[1], bias=bias, l2=l2, sample_weight=rows[2])
        blocks = cut(rows, sizes)
        streaming = stream(blocks, bias=bias, l2=l2)
        assert_same(streaming.result(), expected, 1e-7)
        assert_same(streaming.result(blocks), expected, 1e-7)

    @pytest.mark.parametrize("bias", [True, False])
    def test_a_second_pass_gives_all_digits(self, bias: bool):
        x = np.linspace(-9, -3, 60)
        rows = np.stack([x**k for k in range(1, 11)], axis=1), np.sin(x)[:, None], np.ones(60)
        expected = least_squares(rows[0], rows[1], bias=bias)
        blocks = cut(rows, [7] * 8)
        streaming = stream(blocks, bias=bias)
        once, twice = (
            np.abs(fit.weight / expected.weight - 1).max() for fit in (streaming.result(), streaming.result(blocks))
        )
        assert 1e-12 < once < 1e-4
        assert twice < 1e-14

    def test_many_rows(self):
        rng = np.random.default_rng(0)
        x, y, weight = rng.random((9000, 30)), rng.random((9000, 2)), np.ones(9000)
        blocks = cut((x, y, weight), [1] * 50 + [1500] * 3 + [40] * 20)
        assert_same(stream(blocks, bias=True).result(), least_squares(x, y), 1e-11)

    def test_a_result_half_way_is_that_of_half_the_rows(self):
        x, y = np.random.default_rng(1).standard_normal((2, 3000, 4))
        streaming = StreamingLeastSquares()
        for rows in (slice(3), slice(3, 5), slice(5, 1700), slice(1700, 3000)):
            streaming.add(x[rows], y[rows])
            assert_same(streaming.result(), least_squares(x[: rows.stop], y[: rows.stop]), 1e-9)

    def test_a_column_that_starts_constant(self):
        x, y = np.random.default_rng(2).standard_normal((2, 40, 2))
        x[:20, 0] = 3.0
        streaming = StreamingLeastSquares()
        streaming.add(x[:20], y[:20])
        assert (streaming.result().rank, streaming.result().weight[0, 0]) == (2, 0)
        streaming.add(x[20:], y[20:])
        assert_same(streaming.result(), least_squares(x, y), 1e-10)

    def test_blocks_may_be_a_loader_of_tensors(self):
        x, y = torch.randn(50, 3), torch.randn(50)
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=8)
        streaming = StreamingLeastSquares()
        for block in loader:
            streaming.add(*block)
        assert_same(streaming.result(loader), least_squares(x, y), 1e-13)

    def test_rows_of_weight_zero_are_nothing(self):
        streaming = StreamingLeastSquares()
        streaming.add(np.ones((2, 1)) * 1e9, np.ones(2), np.zeros(2))
        streaming.add(np.array([[1.0], [2.0]]), np.array([1.0, 3.0]))
        assert (streaming.result().weight[0, 0], streaming.result().n_rows) == (pytest.approx(2), 2)


def generator(blocks: list[tuple[Array, Array]]) -> Iterator[tuple[Array, Array]]:
    yield from blocks


class TestErrors:
    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda s: s.add(np.ones((2, 3)), np.ones(2)), r"x and y have \(3, 1\) columns: expected \(2, 1\)"),
            (lambda s: s.add(np.ones((2, 2)), np.ones((2, 2))), r"have \(2, 2\) columns: expected \(2, 1\)"),
            (lambda s: s.add(np.full((2, 2), np.nan), np.ones(2)), "x holds 4 NaN"),
            (lambda s: s.add(np.ones((2, 2)), np.ones(2), np.array([1, -1])), "sample_weight holds -1"),
            (lambda s: s.result([(np.ones((3, 2)), np.ones(3))]), "blocks yields 3 rows of positive weight, but 6"),
            (lambda _: StreamingLeastSquares().result(), "no rows"),
            (lambda _: StreamingLeastSquares(l2=-0.1), "l2 is -0.1"),
            (lambda _: StreamingLeastSquares(bias=False).add(np.ones((2, 0)), np.ones(2)), "at least one coefficient"),
        ],
    )
    def test_messages(self, call: Callable[[StreamingLeastSquares], object], message: str):
        streaming = StreamingLeastSquares()
        streaming.add(np.random.default_rng(0).random((6, 2)), np.arange(6.0))
        before = streaming.result()
        with pytest.raises(ValueError, match=message):
            call(streaming)
        assert_same(streaming.result(), before, 0)  # what was refused has left no trace

    def test_a_generator_cannot_be_iterated_over_again(self):
        x = np.linspace(-9, -3, 60)
        blocks = [(np.stack([x**k for k in range(1, 11)], axis=1), np.sin(x))]
        streaming = StreamingLeastSquares()
        streaming.add(*blocks[0])
        with pytest.raises(ValueError, match="not a generator"):
            streaming.result(generator(blocks))
