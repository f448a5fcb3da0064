"""Examples larger than memory, read from files on demand into a cache of blocks of rows."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from linnet.data.batch import Batch
from linnet.data.order import Groups
from linnet.data.standardizer import Standardizer
from linnet.data.storage.array_pairs import ArrayPairs
from linnet.data.storage.examples import Examples
from linnet.system.errors import InputError
from linnet.system.seeds import generator

SLOTS = 64
"""Blocks in memory: so many that the rows of half of them mix well, so few that each is a long read."""
INDICES = 16
"""Bytes per row in memory of what the order of visits takes: int64 indices, and the permutation that mixes them."""


class Cache:
    """Blocks of consecutive rows of files.

    Args:
        pairs: the files.
        starts: first row of each block, int64 `[n_blocks]`; blocks are numbered by their places here.
        block_rows: rows of a block; the last one of the files may have fewer.
        slots: blocks in memory, at least 1.
    """

    def __init__(self, pairs: ArrayPairs, starts: Tensor, block_rows: int, slots: int) -> None:
        self.pairs, self.starts, self.block_rows = pairs, starts.tolist(), block_rows
        self.x, self.y = pairs.empty(slots, block_rows)
        self._rows, self._targets = self.x.flatten(0, 1), self.y.flatten(0, 1)
        with torch.inference_mode(False):
            self.slot_of = torch.full((len(starts),), -1)
            self.block_in = torch.full((slots,), -1)
            self._used = torch.zeros(slots, dtype=torch.int64)
        self._time = 0

    def gather(self, rows: Tensor, x: Tensor, y: Tensor) -> None:
        """Fill x `[B, D]` and y with the given rows `[B]`; row r is number r % block_rows of block r // block_rows."""
        block = rows // self.block_rows
        slot = self.slot_of.index_select(0, block)
        if bool((slot < 0).any()):
            needed = block.unique()
            if len(needed) > len(self.block_in):  # one row alone needs one block
                half = len(rows) // 2
                self.gather(rows[:half], x[:half], y[:half])
                self.gather(rows[half:], x[half:], y[half:])
                return
            self._load(needed)
            slot = self.slot_of.index_select(0, block)
        self._time += 1
        self._used[slot] = self._time
        place = slot.mul_(self.block_rows).add_(rows % self.block_rows)
        torch.index_select(self._rows, 0, place, out=x)
        torch.index_select(self._targets, 0, place, out=y)

    def _load(self, needed: Tensor) -> None:
        """Read those of the needed blocks that are not there."""
        slots = self.slot_of.index_select(0, needed)
        self._time += 1
        self._used[slots[slots >= 0]] = self._time
        for block in needed[slots < 0].tolist():
            slot = int(self._used.argmin())
            before = int(self.block_in[slot])
            if before >= 0:
                self.slot_of[before] = -1
            start = self.starts[block]
            n = min(self.block_rows, len(self.pairs) - start)
            self.pairs.read(start, self.x[slot, :n], self.y[slot, :n])
            self.slot_of[block], self.block_in[slot], self._used[slot] = slot, block, self._time


class OutOfCoreExamples(Examples):
    """Some of the rows of files, in blocks of consecutive rows, of which a bounded number is in memory.

    Args:
        pairs: the files.
        memory: bytes that the blocks in memory may take.
        chosen: the blocks that these examples are, ascending int64 `[n_blocks]`; None: all.
    """

    streamed: ClassVar[bool] = True
    can_move: ClassVar[bool] = False
    gathers_without_waiting: ClassVar[bool] = False

    pairs: ArrayPairs
    memory: int
    block_rows: int
    slots: int
    chosen: Tensor

    def __init__(self, pairs: ArrayPairs, memory: int, chosen: Tensor | None = None) -> None:
        row = pairs.bytes_per_row + INDICES
        block_rows = max(1, memory // (SLOTS * row))
        vars(self).update(  # past the base class, which is frozen
            pairs=pairs, memory=memory, block_rows=block_rows, slots=max(2, min(SLOTS, memory // (block_rows * row))),
            chosen=torch.arange(-(-len(pairs) // block_rows)) if chosen is None else chosen,
        )  # fmt: skip

    def __len__(self) -> int:
        last = int(self.chosen[-1]) * self.block_rows
        return (len(self.chosen) - 1) * self.block_rows + min(self.block_rows, len(self.pairs) - last)

    @property
    def x(self) -> Tensor:
        raise InputError(self._not_in_memory())

    @property
    def y(self) -> Tensor:
        raise InputError(self._not_in_memory())

    @property
    def n_features(self) -> int:
        return self.pairs.features.width

    @property
    def n_targets(self) -> int:
        return self.pairs.targets.width

    @property
    def dtype(self) -> torch.dtype:
        return self.pairs.dtype

    @property
    def groups(self) -> Groups:
        """Blocks whose rows are mixed in training: half of those in memory, as a minibatch may lie in two groups."""
        return Groups(self.block_rows, self.slots // 2)

    @cached_property
    def cache(self) -> Cache:
        return Cache(self.pairs, self.chosen * self.block_rows, self.block_rows, min(self.slots, len(self.chosen)))

    def take(self, rows: Tensor) -> Examples:
        """Return the examples at a few given indices `[B]`, in memory."""
        x, y = self.pairs.empty(len(rows))
        for place, row in enumerate(rows.tolist()):
            start = int(self.chosen[row // self.block_rows]) * self.block_rows + row % self.block_rows
            self.pairs.read(start, x[place : place + 1], y[place : place + 1])
        return Examples(x, y)

    def batches(self, rows: Tensor, sizes: list[int]) -> Iterator[Batch]:
        x, y = self.pairs.empty(max(sizes))
        for some, size in zip(rows.split(sizes), sizes, strict=True):
            self.cache.gather(some, x[:size], y[:size])
            yield Batch(x[:size], y[:size])

    def chunks(self, size: int) -> Iterator[Batch]:
        at_once = max(1, min(size, self.memory // (8 * self.pairs.bytes_per_row)))
        x, y = self.pairs.empty(at_once)
        for start, n in self._stretches(at_once):
            self.pairs.read(start, x[:n], y[:n])
            yield Batch(x[:n], y[:n])

    def raw_chunks(self, size: int) -> Iterator[Batch]:
        pairs = replace(
            self.pairs, dtype=self.pairs.dtype_as_read
        )  # other blocks than those chosen: not of `OutOfCoreExamples`
        at_once = max(1, min(size, self.memory // (8 * pairs.bytes_per_row)))
        x, y = pairs.empty(at_once)
        for start, n in self._stretches(at_once):
            pairs.read(start, x[:n], y[:n])
            yield Batch(x[:n], y[:n])

    def targets(self) -> Iterator[Tensor]:
        at_once = max(1, self.memory // (SLOTS * 2 * self.pairs.bytes_per_target))
        y = self.pairs.empty_targets(at_once, dtype=torch.float64)
        for start, n in self._stretches(at_once):
            self.pairs.read_targets(start, y[:n])
            yield y[:n]

    def split(self, fraction: float, seed: int) -> tuple["OutOfCoreExamples", "OutOfCoreExamples"]:
        """Split into (rest, about `fraction` of the examples) by whole blocks, drawn at random.

        Raises:
            InputError: if nothing would be left.
        """
        n = len(self.chosen)
        n_drawn = max(1, round(n * fraction))
        if n_drawn >= n:
            raise InputError(
                f"data.val_fraction={fraction} of {n} blocks leaves none to train on: use a smaller part, "
                f"or a smaller data.max_memory_mb, which makes smaller blocks"
            )
        drawn = torch.zeros(n, dtype=torch.bool)
        drawn[torch.randperm(n, generator=generator(seed, "data/split"))[:n_drawn]] = True
        return tuple(OutOfCoreExamples(self.pairs, self.memory, self.chosen[part]) for part in (~drawn, drawn))  # type: ignore[return-value]

    def prepared(self, scaling: Standardizer | None, offset: Tensor | None) -> "OutOfCoreExamples":
        """Return the examples with standardised features, and targets minus offset, float64 `[C]`."""
        normalisation = self.pairs.normalisation
        if scaling is not None:
            normalisation = normalisation.standardised(scaling.mean, scaling.deviation)
        return OutOfCoreExamples(
            replace(self.pairs, normalisation=normalisation, offset=offset), self.memory, self.chosen
        )

    def to(self, device: torch.device) -> "OutOfCoreExamples":
        if device.type != "cpu":
            raise InputError(
                f"data larger than memory is trained on the CPU, not on {device}: use trainer=default, "
                f"or a data.max_memory_mb that it fits into"
            )
        return self

    def _stretches(self, at_once: int) -> Iterator[tuple[int, int]]:
        """Yield (first row, number of rows) of all rows in order; adjacent blocks are merged."""
        after_gap = (self.chosen.diff() > 1).nonzero()[:, 0] + 1
        for run in self.chosen.tensor_split(after_gap):
            first, last = int(run[0]) * self.block_rows, (int(run[-1]) + 1) * self.block_rows
            end = min(last, len(self.pairs))
            yield from ((start, min(at_once, end - start)) for start in range(first, end, at_once))

    def _not_in_memory(self) -> str:
        needed = -(-len(self) * self.pairs.bytes_per_row // 2**20)
        return (
            f"the examples are read from files as training needs them, but here all are needed at once: "
            f"use data.max_memory_mb={needed} or more, if there is so much memory"
        )
