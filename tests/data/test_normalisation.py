"""Rows divided by their norms, in memory, in float16 and streamed: each against the formula."""

import numpy as np
import pytest
import torch
from shards import source, train, write_all

from linnet.data import prepare
from linnet.data.standardizer import Normalisation
from linnet.data.storage.stored_examples import Float16Examples

N, D = 9_000, 70


@pytest.fixture
def x(tmp_path) -> np.ndarray:
    x = np.random.default_rng(0).normal(1.0, 3.0, size=(N, D)).astype(np.float16)
    x[5] = 0
    np.save(tmp_path / "halves.npy", x)
    np.save(tmp_path / "singles.npy", x.astype(np.float32))
    np.save(tmp_path / "y.npy", np.arange(N) % 3)
    return x.astype(np.float64)


def expected(x: np.ndarray, rows: bool, standardize: bool) -> np.ndarray:
    if rows:
        norm = np.sqrt((x**2).sum(axis=1, keepdims=True))
        x = np.divide(x, norm, out=np.zeros_like(x), where=norm > 0)
    return (x - x.mean(axis=0)) / x.std(axis=0) if standardize else x


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("normalize", ["none", "rows"])
@pytest.mark.parametrize("memory", [1, 256])
@pytest.mark.parametrize("name", ["halves.npy", "singles.npy"])
def test_every_way_to_read_gives_the_features_of_the_formula(name, memory, normalize, standardize, x, tmp_path):
    made = source(tmp_path / name, tmp_path / "y.npy", max_memory_mb=memory, normalize=normalize)
    assert made.row_norm == (normalize == "rows")
    assert made.train.streamed == (memory == 1)
    assert isinstance(made.train, Float16Examples) == (name == "halves.npy" and memory == 256)
    data = prepare(made, 256, 0.0, standardize, 0, seed=0)
    wanted = expected(x, normalize == "rows", standardize)
    chunks = [(batch.x.clone(), batch.y.clone()) for batch in data.train.chunks(1000)]
    np.testing.assert_allclose(torch.cat([some for some, _ in chunks]).numpy(), wanted, rtol=2e-5, atol=2e-5)
    assert torch.cat([y for _, y in chunks]).tolist() == (np.arange(N) % 3).tolist()

    rows = torch.randperm(N)[:700]
    batches = [(batch.x.clone(), batch.y.clone()) for batch in data.train.batches(rows, [300, 300, 100])]
    np.testing.assert_allclose(torch.cat([some for some, _ in batches]).numpy(), wanted[rows], rtol=2e-5, atol=2e-5)
    assert torch.equal(torch.cat([y for _, y in batches]), rows % 3)
    np.testing.assert_allclose(data.train.take(rows[:50]).x.numpy(), wanted[rows[:50]], rtol=2e-5, atol=2e-5)


def test_norms_neither_overflow_nor_vanish():
    x = torch.tensor([[3e30, 4e30], [3e-30, 4e-30], [0.0, 0.0]])
    torch.testing.assert_close(Normalisation(rows=True).apply_(x), torch.tensor([[0.6, 0.8], [0.6, 0.8], [0.0, 0.0]]))


class TestHalves:
    def test_stay_halves_through_split_and_standardisation(self, x, tmp_path):
        made = source(tmp_path / "halves.npy", tmp_path / "y.npy")
        data = prepare(made, 256, 0.1, True, 0, seed=0)
        for part in (data.train, data.val):
            assert isinstance(part, Float16Examples)
            assert part.stored.dtype == torch.float16
            assert part.dtype == torch.float32
            assert "x" not in vars(part)  # all features at once were never made
        assert "x" not in vars(made.train)

    def test_give_the_statistics_of_the_training_part(self, x, tmp_path):
        data = prepare(source(tmp_path / "halves.npy", tmp_path / "y.npy"), 256, 0.2, True, 0, seed=0)
        assert data.scaling is not None
        torch.testing.assert_close(data.train.x.mean(dim=0), torch.zeros(D), atol=1e-5, rtol=0)
        torch.testing.assert_close(data.train.x.std(dim=0, correction=0), torch.ones(D), atol=1e-5, rtol=0)

    def test_take_all_that_a_batch_needs_to_another_device(self, x, tmp_path):
        data = prepare(source(tmp_path / "halves.npy", tmp_path / "y.npy"), 256, 0.0, True, 0, seed=0)
        there = data.train.to(torch.device("meta"))
        assert isinstance(there, Float16Examples)
        tensors = (there.stored, there.y, there.normalisation.mean, there.normalisation.deviation)
        assert {tensor.device.type for tensor in tensors} == {"meta"}

    def test_fit_where_their_bytes_fit(self, x, tmp_path):
        np.save(tmp_path / "y8.npy", (np.arange(N) % 3).astype(np.uint8))
        assert N * D * 2 < 2 * 2**20 < N * D * 4
        given = {"y": tmp_path / "y8.npy", "max_memory_mb": 2}
        assert isinstance(source(tmp_path / "halves.npy", **given).train, Float16Examples)
        assert source(tmp_path / "singles.npy", **given).train.streamed


def test_a_run_on_rows_of_length_one_is_the_same_streamed(tmp_path):
    files = write_all(tmp_path)
    common = ["data.normalize=rows", "data.standardize=false", "optimizer.lr=1"]
    dense, streamed = (train(tmp_path / mb, files, *common, f"data.max_memory_mb={mb}") for mb in ("1024", "1"))
    assert dense.data.source.row_norm
    assert float(dense.data.train.x.square().sum(dim=1).mean()) == pytest.approx(1.0)
    assert streamed.metrics["train/loss"] == pytest.approx(dense.metrics["train/loss"], rel=0.01)
