"""Examples kept as bytes give what dense ones give, and every way to go through examples gives the same ones."""

import pytest
import torch

from linnet.data import Batch, Examples
from linnet.data.storage.stored_examples import ByteExamples

N, D = 23, 5


@pytest.fixture(params=["float32", "float64"])
def both(request: pytest.FixtureRequest) -> tuple[ByteExamples, Examples]:
    """The same examples as bytes and as numbers."""
    dtype = getattr(torch, request.param)
    rng = torch.Generator().manual_seed(0)
    levels = torch.randint(0, 256, (N, D), generator=rng, dtype=torch.uint8)
    y = torch.randint(0, 3, (N,), generator=rng)
    return ByteExamples(levels, y, dtype), Examples(levels.to(dtype) / 255, y)


def features(batch: Batch) -> torch.Tensor:
    return batch.x.clone() * batch.scale


def test_pictures_look_like_dense_examples(both: tuple[ByteExamples, Examples]) -> None:
    pictures, dense = both
    assert (len(pictures), pictures.n_features, pictures.dtype) == (len(dense), dense.n_features, dense.dtype)
    assert torch.equal(pictures.x, dense.x)
    rows = torch.tensor([3, 3, 0])
    assert torch.equal(pictures.take(rows).x, dense.take(rows).x)
    assert pictures.take(rows).stored.dtype == torch.uint8
    moved = pictures.to(torch.device("cpu"))
    assert torch.equal(moved.x, dense.x) and torch.equal(moved.y, dense.y)


@pytest.mark.parametrize("sizes", [[8, 8, 7], [23], [1] * 23, [5, 0, 18], [10, 13]])
def test_batches_are_the_rows_in_their_order(both: tuple[ByteExamples, Examples], sizes: list[int]) -> None:
    rows = torch.randperm(N)
    for examples in both:
        batches = [(features(batch), batch.y.clone()) for batch in examples.batches(rows, sizes)]
        assert [len(x) for x, _ in batches] == sizes
        torch.testing.assert_close(torch.cat([x for x, _ in batches]), both[1].x[rows])
        assert torch.equal(torch.cat([y for _, y in batches]), both[1].y[rows])


@pytest.mark.parametrize("size", [1, 7, 23, 100])
def test_chunks_are_all_examples_in_their_order(both: tuple[ByteExamples, Examples], size: int) -> None:
    for examples in both:
        chunks = [(features(chunk), chunk.y) for chunk in examples.chunks(size)]
        assert all(len(x) <= size for x, _ in chunks)
        torch.testing.assert_close(torch.cat([x for x, _ in chunks]), both[1].x)
        assert torch.equal(torch.cat([y for _, y in chunks]), both[1].y)
