"""Assign rows to train, val and test: pure functions of the rows and the seed."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from linnet.system.errors import InputError
from linnet.system.seeds import generator

Rows = NDArray[np.int64]
Part = Literal["train", "val", "test"]
SPLIT_NAMES: dict[str, Part] = {"train": "train", "val": "val", "validation": "val", "test": "test"}
"""What a split column may hold."""


def hold_out(
    rows: Rows,
    fraction: float,
    classes: NDArray[np.int64] | None,
    groups: NDArray[np.int64] | None,
    seed: int,
    stream: str,
) -> tuple[Rows, Rows]:
    """Return (rows that stay, rows held out), both sorted.

    Args:
        rows: to choose from.
        fraction: share of them to hold out, in [0, 1).
        classes: index of each row's class, for all rows of the table: each class is held out by this fraction, and
            keeps at least one row.
        groups: index of each row's group, for all rows of the table: rows of one group stay together, and classes are
            not looked at.
        seed, stream: of the generator.
    """
    if fraction == 0 or len(rows) == 0:
        return rows, rows[:0]
    if groups is not None:
        held = _whole_groups(groups[rows], fraction, seed, stream)
    else:
        held = _stratified(np.zeros_like(rows) if classes is None else classes[rows], fraction, seed, stream)
    return rows[~held], rows[held]


def _stratified(classes: NDArray[np.int64], fraction: float, seed: int, stream: str) -> NDArray[np.bool_]:
    order = _permutation(len(classes), seed, stream)
    counts = np.bincount(classes)
    exact = counts * fraction
    quota = np.minimum(np.floor(exact).astype(np.int64), np.maximum(counts - 1, 0))
    # The largest remainders get one more, so that the whole is as large as the fraction asks.
    wanted = min(max(1, round(len(classes) * fraction)), len(classes) - 1)
    for k in np.argsort(-(exact - quota), kind="stable"):
        if quota.sum() < wanted and quota[k] < counts[k] - 1:
            quota[k] += 1
    by_class = order[np.argsort(classes[order], kind="stable")]
    place = np.arange(len(classes)) - np.repeat(np.cumsum(counts) - counts, counts)  # within the row's class
    held = np.zeros(len(classes), np.bool_)
    held[by_class[place < np.repeat(quota, counts)]] = True
    return held


def _whole_groups(groups: NDArray[np.int64], fraction: float, seed: int, stream: str) -> NDArray[np.bool_]:
    """Hold out groups in random order while that brings the share of rows nearer to the fraction; at least one."""
    names, sizes = np.unique(groups, return_counts=True)
    if len(names) < 2:
        raise InputError("data.group: all rows are of one group, which cannot be on both sides of a split")
    wanted, total = fraction * len(groups), 0
    chosen: list[int] = []
    for k in _permutation(len(names), seed, stream):
        if len(chosen) < len(names) - 1 and (not chosen or abs(total + sizes[k] - wanted) < abs(total - wanted)):
            chosen.append(names[k])
            total += int(sizes[k])
    return np.isin(groups, chosen)


def _permutation(size: int, seed: int, stream: str) -> Rows:
    return torch.randperm(size, generator=generator(seed, stream)).numpy()
