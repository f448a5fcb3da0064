"""A bounded cache of blocks of rows that evicts the least recently used block."""

import torch
from torch import Tensor

from linnet.data.storage.array_pairs import ArrayPairs


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
