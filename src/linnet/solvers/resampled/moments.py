"""Weighted moments of all examples but those of one block, for each block, without a subtraction.

The moments of what a fold leaves in are merged from those of ranges of blocks, along a binary tree: one pass over the
examples, and no digits lost where one example outweighs all others. Merging is Chan's, Golub's and LeVeque's update of
means and centred sums (1979), which only adds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from linnet.solvers.rounding import UNIT_ROUNDOFF

CHUNK = 1024
"""Rows that are summed in one product: rounding errors of a sum grow with its length."""
LEAF_ROWS = 256
"""Rows of several blocks up to which their moments are computed from the rows, not merged."""


@dataclass(frozen=True)
class Moments:
    """Moments of weighted rows `[n, P]`.

    total: sum of the weights.
    mean: `[P]`; zeros where the sums are about 0.
    sums: weighted sums of products of two columns, about their means or about 0, `[P, P]`.
    """

    total: float
    mean: Tensor
    sums: Tensor

    @property
    def squares(self) -> Tensor:
        """Weighted sums of squares about 0, `[P]`: what rounding errors of `sums` are shares of."""
        return self.sums.diagonal() + self.total * self.mean.square()


def moments_of(rows: Tensor, weight: Tensor | None, *, centre: bool) -> Moments:
    """Compute the moments of rows `[n, P]`, float64, with weights `[n]` or None for ones."""
    total = float(len(rows)) if weight is None else float(weight.sum())
    mean = rows.new_zeros(rows.shape[1])
    sums = rows.new_zeros(rows.shape[1], rows.shape[1])
    if total == 0:
        return Moments(0.0, mean, sums)
    if centre:
        mean = (rows.sum(0) if weight is None else weight @ rows) / total
    left = mean.clone()
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK] - mean
        scaled = part if weight is None else part * weight[start : start + CHUNK, None]
        left += scaled.sum(0) / total
        sums.addmm_(scaled.T, part)
    if not centre:
        return Moments(total, mean, sums)
    rest = left - mean  # what rounding left of the mean
    return Moments(total, left, sums - total * torch.outer(rest, rest))


def merged(one: Moments, other: Moments, *, centre: bool) -> Moments:
    """Return the moments of the rows of both."""
    if one.total == 0 or other.total == 0:
        return other if one.total == 0 else one
    total, sums = one.total + other.total, one.sums + other.sums
    if not centre:
        return Moments(total, one.mean, sums)
    step = other.mean - one.mean
    sums = sums + torch.outer(step, step) * (one.total / total * other.total)
    return Moments(total, one.mean + step * (other.total / total), sums)


def moments_without(
    rows: Tensor, blocks: Tensor, n_blocks: int, weight: Tensor | None, *, centre: bool
) -> Iterator[Moments]:
    """Yield the moments of the rows outside each block.

    Args:
        rows: `[N, P]`, float64.
        blocks: the block of each row, `[N]`, in 0 … n_blocks − 1; −1: the row is in none, and outside of all.
        n_blocks: how many blocks there are.
        weight: of the rows `[N]`; None for ones.
        centre: whether sums are about the means.
    """
    order = torch.argsort(blocks, stable=True)
    rows, weight = rows[order], None if weight is None else weight[order]
    ends = torch.bincount(blocks + 1, minlength=n_blocks + 1).cumsum(0).tolist()  # those of no block come first
    known: dict[tuple[int, int], Moments] = {}

    def of_rows(start: int, end: int) -> Moments:
        return moments_of(rows[start:end], None if weight is None else weight[start:end], centre=centre)

    def within(first: int, last: int) -> Moments:
        """Return the moments of blocks first … last − 1."""
        start, end = ends[first], ends[last]
        if end - start <= LEAF_ROWS:
            return of_rows(start, end)  # not kept: there may be as many as rows
        if (first, last) not in known:
            middle = (first + last) // 2
            known[first, last] = (
                of_rows(start, end) if last - first == 1
                else merged(within(first, middle), within(middle, last), centre=centre)
            )  # fmt: skip
        return known[first, last]

    def outside(first: int, last: int, others: Moments) -> Iterator[Moments]:
        if last - first == 1:
            yield others
            return
        middle = (first + last) // 2
        yield from outside(first, middle, merged(others, within(middle, last), centre=centre))
        yield from outside(middle, last, merged(others, within(first, middle), centre=centre))

    yield from outside(0, n_blocks, of_rows(0, ends[0]))


def relative_rounding(n_rows: int) -> float:
    """Bound rounding errors of `sums`, entry i, j, as a share of √(squares_i squares_j).

    Sums of CHUNK products, sums of these, and merges down to single rows (Higham, 2002, chapter 3).
    """
    depth = max(1, n_rows).bit_length()
    return (CHUNK + n_rows // CHUNK + 16 * depth + 32) * UNIT_ROUNDOFF
