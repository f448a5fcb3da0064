"""Blocks against the arrays they are read from: batches, order, split, standardisation, and what is in memory."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from shards import write_shards

from linnet.data import Examples, Source, prepare
from linnet.data.order import Chunks, Groups, grouped_order
from linnet.data.standardizer import Standardizer
from linnet.data.storage.array_pairs import ArrayPairs
from linnet.data.storage.out_of_core_examples import SLOTS, OutOfCoreExamples
from linnet.data.storage.sharded_arrays import find_shards
from linnet.system.errors import InputError

N, D = 1003, 7
LENGTHS = (400, 1, 602)
MEMORY = 8192
"""So little that the rows do not fit by far."""


def arrays() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.normal(2.0, 3.0, size=(N, D)), rng.integers(0, 4, N)


@pytest.fixture
def pairs(tmp_path: Path) -> ArrayPairs:
    x, y = arrays()
    features = find_shards("data.x", write_shards(tmp_path, "x", x.astype(np.float32), LENGTHS))
    targets = find_shards("data.y", write_shards(tmp_path, "y", y.astype(np.uint8), LENGTHS))
    return ArrayPairs(features, targets, True, torch.float32)


@pytest.fixture
def blocks(pairs: ArrayPairs) -> OutOfCoreExamples:
    return OutOfCoreExamples(pairs, MEMORY)


@pytest.fixture
def dense() -> Examples:
    x, y = arrays()
    return Examples(torch.from_numpy(x).float(), torch.from_numpy(y))


class TestOrder:
    @given(
        n=st.integers(1, 300), size=st.integers(1, 40), per_group=st.integers(1, 9), epoch=st.integers(0, 5),
        start=st.integers(0, 300),
    )  # fmt: skip
    def test_visits_every_row_once_and_starts_anywhere(self, n, size, per_group, epoch, start):
        order = torch.cat([*grouped_order(n, 3, epoch, Groups(size, per_group)), torch.empty(0, dtype=torch.int64)])
        assert order.sort()[0].tolist() == list(range(n))
        rest = [piece for piece in grouped_order(n, 3, epoch, Groups(size, per_group), start) if len(piece)]
        assert [row for piece in rest for row in piece.tolist()] == order[start:].tolist()

    def test_is_a_pure_function_of_seed_and_epoch(self):
        def order(seed: int, epoch: int) -> list[int]:
            return torch.cat(list(grouped_order(500, seed, epoch, Groups(10, 4)))).tolist()

        assert order(0, 1) == order(0, 1)
        assert len({tuple(order(*given)) for given in ((0, 0), (0, 1), (1, 0), (1, 1))}) == 4

    def test_mixes_rows_within_a_group_only(self):
        for piece in grouped_order(500, 0, 0, Groups(10, 4)):
            assert len(set((piece // 10).tolist())) == len(piece) // 10 <= 4
            assert piece.tolist() != piece.sort()[0].tolist()

    @given(
        n=st.integers(1, 300), batch_size=st.integers(1, 50), per_chunk=st.integers(1, 8), size=st.integers(1, 40),
        overfit=st.integers(0, 5), data=st.data(),
    )  # fmt: skip
    def test_bundles_are_those_of_the_order_wherever_an_epoch_goes_on(
        self, n, batch_size, per_chunk, size, overfit, data
    ):
        groups, epoch = Groups(size, 3), 0 if overfit else 4
        steps = Chunks(n, batch_size, 7, int, overfit).steps_per_epoch
        done = data.draw(st.integers(0, steps - 1))
        chunks = Chunks(n, batch_size, 7, lambda: 4 * steps + done, overfit, per_chunk, groups)
        found = list(chunks)
        visited = torch.cat(list(grouped_order(n, 7, epoch, groups)))[: chunks.n_visited]
        assert torch.equal(torch.cat(found), visited[done * batch_size :])
        whole = Chunks(n, batch_size, 7, lambda: 4 * steps, overfit, per_chunk, groups)
        lengths = [len(rows) for rows in whole]
        assert len(found) == len(whole) == len(lengths)
        kept = [max(0, min(len_, sum(lengths[: i + 1]) - done * batch_size)) for i, len_ in enumerate(lengths)]
        assert [len(rows) for rows in found] == kept


class TestBatches:
    @pytest.mark.parametrize("batch_size", [1, 10, 128, 600, N])
    def test_are_the_rows_asked_for(self, blocks, dense, batch_size):
        for epoch in range(2):
            rows = torch.cat(list(grouped_order(N, 0, epoch, blocks.groups)))
            sizes = [len(part) for part in rows.split(batch_size)]
            for some, batch in zip(rows.split(batch_size), blocks.batches(rows, sizes), strict=True):
                assert torch.equal(batch.x, dense.x[some])
                assert torch.equal(batch.y, dense.y[some])

    def test_may_be_of_rows_from_everywhere(self, blocks, dense):
        rows = torch.randint(N, (N,), generator=torch.Generator().manual_seed(0))
        (batch,) = blocks.batches(rows, [N])  # more blocks than there are slots
        assert len((rows // blocks.block_rows).unique()) > blocks.slots
        assert torch.equal(batch.x, dense.x[rows])

    def test_may_be_empty(self, blocks, dense):
        rows = torch.tensor([3])
        first, second = (batch.x.clone() for batch in blocks.batches(rows, [0, 1]))
        assert len(first) == 0
        assert torch.equal(second, dense.x[rows])

    @pytest.mark.parametrize("size", [1, 100, 2048])
    def test_chunks_and_targets_are_all_in_their_order(self, blocks, dense, size):
        found = [(batch.x.clone(), batch.y.clone()) for batch in blocks.chunks(size)]
        assert max(len(y) for _, y in found) <= size
        assert torch.equal(torch.cat([x for x, _ in found]), dense.x)
        assert torch.equal(torch.cat([y for _, y in found]), dense.y)
        assert torch.equal(torch.cat([y.clone() for y in blocks.targets()]), dense.y)

    def test_take_gives_examples_in_memory(self, blocks, dense):
        rows = torch.tensor([1002, 0, 400, 401])
        assert torch.equal(blocks.take(rows).x, dense.x[rows])
        assert torch.equal(blocks.take(rows).y, dense.y[rows])

    def test_all_at_once_are_refused(self, blocks):
        for name in ("x", "y"):
            with pytest.raises(InputError, match=r"data.max_memory_mb=1 "):
                getattr(blocks, name)


class TestMemory:
    def test_never_holds_more_blocks_than_slots(self, blocks):
        for epoch in range(2):
            rows = torch.cat(list(grouped_order(N, 0, epoch, blocks.groups)))
            for _ in blocks.batches(rows, [len(part) for part in rows.split(32)]):
                held = blocks.cache.block_in[blocks.cache.block_in >= 0]
                assert len(held) == len(held.unique()) <= blocks.slots
                assert torch.equal(blocks.cache.slot_of[held].sort()[0], (blocks.cache.block_in >= 0).nonzero()[:, 0])
        assert len(blocks.chosen) > blocks.slots
        assert blocks.cache.x.nbytes + blocks.cache.y.nbytes <= MEMORY

    def test_reads_every_block_once_an_epoch(self, blocks, monkeypatch):
        read: list[int] = []
        original = ArrayPairs.read
        monkeypatch.setattr(
            ArrayPairs, "read", lambda self, start, x, y: (read.append(start), original(self, start, x, y))
        )
        rows = torch.cat(list(grouped_order(N, 0, 0, blocks.groups)))
        list(blocks.batches(rows, [len(part) for part in rows.split(5)]))
        assert sorted(read) == (blocks.chosen * blocks.block_rows).tolist()

    @pytest.mark.parametrize(("memory", "rows"), [(1, 1), (2**20, 2**20 // SLOTS // (4 * D + 8 + 16))])
    def test_of_blocks_follows_from_what_is_allowed(self, pairs, memory, rows):
        assert OutOfCoreExamples(pairs, memory).block_rows == rows
        assert 2 <= OutOfCoreExamples(pairs, memory).slots <= SLOTS + 1


class TestSplit:
    @pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5])
    def test_parts_are_whole_blocks_and_hold_every_row_once(self, blocks, dense, fraction):
        train, val = blocks.split(fraction, seed=0)
        assert not set(train.chosen.tolist()) & set(val.chosen.tolist())
        assert len(train) + len(val) == N
        assert len(val) == pytest.approx(fraction * N, abs=blocks.block_rows)
        rows = torch.cat([batch.x.clone() for part in (train, val) for batch in part.chunks(100)])
        assert sorted(rows[:, 0].tolist()) == sorted(dense.x[:, 0].tolist())

    def test_batches_of_a_part_are_its_rows(self, blocks):
        for part in blocks.split(0.3, seed=1):
            x = torch.cat([batch.x.clone() for batch in part.chunks(64)])
            rows = torch.randperm(len(part), generator=torch.Generator().manual_seed(0))
            (batch,) = part.batches(rows, [len(part)])
            assert torch.equal(batch.x, x[rows])
            assert torch.equal(part.take(rows[:3]).x, x[rows[:3]])

    def test_follows_the_seed(self, blocks):
        chosen = [blocks.split(0.3, seed)[1].chosen.tolist() for seed in (0, 0, 1)]
        assert chosen[0] == chosen[1] != chosen[2]

    def test_that_leaves_nothing_is_refused(self, pairs):
        with pytest.raises(InputError, match=r"data.val_fraction=0.5 of 1 blocks"):
            OutOfCoreExamples(pairs, 2**24).split(0.5, seed=0)


class TestStandardisation:
    def test_is_that_of_the_same_rows_in_memory(self, blocks, dense):
        data = prepare(Source("classification", blocks, blocks, "", class_names=("0",) * 4), 10, 0.0, True, 0, seed=0)
        expected = Standardizer.of(lambda: dense.chunks(50))
        torch.testing.assert_close(data.scaling.mean, expected.mean, rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(data.scaling.deviation, expected.deviation, rtol=1e-12, atol=1e-14)
        for part in (data.train, data.test):
            x = torch.cat([batch.x.clone() for batch in part.chunks(50)])
            torch.testing.assert_close(x, expected.apply(dense.x, torch.float32), rtol=1e-6, atol=1e-6)

    @given(split=st.integers(1, 49), scale=st.floats(1e-3, 1e3), shift=st.floats(-1e6, 1e6))
    def test_of_parts_is_that_of_the_whole(self, split, scale, shift):
        x = torch.randn(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * scale + shift
        whole, parts = (Standardizer.of(lambda size=size: Examples(x, x).chunks(size)) for size in (50, split))
        torch.testing.assert_close(parts.mean, whole.mean, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(parts.deviation, whole.deviation, rtol=1e-6, atol=0)

    def test_of_constant_features_only_centres(self):
        x = torch.full((10, 2), 0.1)
        assert Standardizer.of(lambda: Examples(x, x).chunks(3)).deviation.tolist() == [1.0, 1.0]

    def test_outliers_are_refused(self, blocks):
        source = Source("classification", blocks, None, "", class_names=("0",) * 4)
        with pytest.raises(InputError, match=r"data.outliers=3.*data.max_memory_mb"):
            prepare(source, 10, 0.0, False, 3, seed=0)


def test_gpu_is_refused(blocks):
    with pytest.raises(InputError, match="trainer=default"):
        blocks.to(torch.device("cuda"))
