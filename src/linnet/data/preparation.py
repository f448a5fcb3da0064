"""From a source to what training sees: split, outliers, standardisation. Pure functions of (source, options, seed)."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from linnet.data.cast import prepared
from linnet.data.module import Data
from linnet.data.sources.shift_weights import normalize_weights
from linnet.data.split import hold_out
from linnet.data.standardizer import Standardizer
from linnet.data.storage.examples import Examples, Source
from linnet.data.storage.out_of_core_examples import OutOfCoreExamples
from linnet.system.errors import InputError
from linnet.system.seeds import generator

ROWS = 2048
"""Examples whose statistics are taken at a time."""


def prepare(
    source: Source,
    batch_size: int,
    val_fraction: float | None,
    standardize: bool,
    outliers: int,
    seed: int,
    outlier_value: float = 0.0,
    *,
    dtype: str | None = None,
    bias: bool = True,
    centre_targets: bool = False,
) -> Data:
    """Split off a validation part, plant outliers in the training part, standardise all by the training part.

    All of it is computed in float64; only the result is rounded to dtype.

    Args:
        batch_size: examples per minibatch, at least 1.
        val_fraction: part of the training examples held out for validation, in [0, 1); None: the source's own.
        standardize: give the training features mean 0 and variance 1; the others follow by the same numbers.
        outliers: how many training targets become `outlier_value`, or training labels another class.
        seed: of split, outliers and batch order.
        dtype: of what is trained on, "float32" or "float64"; None: that of the source.
        bias: whether the model has one. Without it features are scaled but not centred, since that would be another
            model.
        centre_targets: subtract the mean of the training targets from all targets (`Data.offset`) before they are
            rounded to float32. Large targets of small variance then keep their digits.

    Raises:
        InputError: if a part would be empty, or there are more outliers than training examples.
    """
    train, val = _training_parts(source, val_fraction, outliers, outlier_value, seed)
    scaling = Standardizer.of(lambda: train.raw_chunks(ROWS), centre=bias) if standardize else None
    kind = source.train.dtype if dtype is None else getattr(torch, dtype)
    centred = centre_targets and source.unrounded and source.task == "regression" and kind != torch.float64
    offset = _mean_target(train) if centred else None
    parts = [None if part is None else prepared(part, scaling, offset, kind) for part in (train, val, source.test)]
    assert parts[0] is not None

    def in_float64(scaling: Standardizer | None, offset: Tensor | None) -> Examples:
        # Split again: a second copy of the examples would take more memory.
        again, _ = _training_parts(source, val_fraction, outliers, outlier_value, seed)
        return prepared(again, scaling, offset, torch.float64)

    changed = scaling is not None or (source.unrounded and kind != torch.float64)
    return Data(
        source, parts[0], parts[1], parts[2], batch_size, seed, scaling, offset,
        None if train.streamed or not changed else in_float64,
    )  # fmt: skip


def _training_parts(
    source: Source, val_fraction: float | None, outliers: int, outlier_value: float, seed: int
) -> tuple[Examples, Examples | None]:
    """Return the training part, with its outliers, and the validation part, as read."""
    train, val = source.train, source.val
    if val_fraction is not None:
        train, val = split(source.train, val_fraction, seed, stratified=source.stratified)
    if outliers:
        train = plant_outliers(train, source, outliers, outlier_value, seed)
    return train, val


def _mean_target(train: Examples) -> Tensor:
    """The mean of the training targets `[C]`, float64. Weights would give another one that serves as well."""
    n, total = 0, torch.zeros((), dtype=torch.float64)
    for y in train.targets():
        n, total = n + len(y), total + (y.double() / len(train)).sum(0)
    return total


def split(
    examples: Examples, val_fraction: float, seed: int, *, stratified: bool = False
) -> tuple[Examples, Examples | None]:
    """(training part, validation part or None if val_fraction is 0); stratified: of every class this fraction."""
    if val_fraction == 0:
        return examples, None
    if isinstance(examples, OutOfCoreExamples):
        return examples.split(val_fraction, seed)
    n_val = max(1, round(len(examples) * val_fraction))
    if n_val >= len(examples):
        raise InputError(f"data.val_fraction={val_fraction} of {len(examples)} examples leaves none to train on")
    if stratified:
        every = np.arange(len(examples))
        kept, held = hold_out(every, val_fraction, examples.y.numpy(), None, seed, "data/split")
        if len(held) == 0:
            raise InputError(f"data.val_fraction={val_fraction}: every class has one row only, use data.val_fraction=0")
        train, val = (examples.take(torch.from_numpy(rows)) for rows in (kept, held))
        return _weighted_anew(train, val_fraction), _weighted_anew(val, val_fraction)
    order = torch.randperm(len(examples), generator=generator(seed, "data/split"))
    # Sorted rows are gathered faster, and the order of visits is drawn anew in every epoch anyway.
    train, val = examples.take(order[n_val:].sort()[0]), examples.take(order[:n_val].sort()[0])
    return _weighted_anew(train, val_fraction), _weighted_anew(val, val_fraction)


def _weighted_anew(part: Examples, val_fraction: float) -> Examples:
    """With weights of mean 1 within the part, if there are any."""
    if part.weight is None:
        return part
    try:
        return replace(part, weight=normalize_weights(part.weight))
    except ValueError as error:
        raise InputError(f"data.val_fraction={val_fraction} leaves a part without weight: {error}") from error


def plant_outliers(train: Examples, source: Source, count: int, value: float, seed: int) -> Examples:
    """The training part with `count` targets, drawn at random, replaced."""
    if train.streamed:
        raise InputError(
            f"data.outliers={count}: the examples are read from files, which stay as they are: use data.outliers=0, "
            f"or a data.max_memory_mb that they fit into"
        )
    if count > len(train):
        raise InputError(f"data.outliers={count}: there are only {len(train)} training examples")
    rng = generator(seed, "data/outliers")
    rows = torch.randperm(len(train), generator=rng)[:count]
    y = train.y.clone()
    if source.task == "regression":
        y[rows] = value
    else:
        n_classes = source.n_outputs
        y[rows] = (y[rows] + torch.randint(1, n_classes, (count,), generator=rng)) % n_classes
    return Examples(train.x, y, train.weight)
