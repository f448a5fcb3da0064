"""From a source to what training sees: split, outliers, standardisation. Pure functions of (source, options, seed)."""

from dataclasses import replace

import torch

from linnet.data.blocks import Blocks
from linnet.data.examples import Examples, Source
from linnet.data.halves import Halves
from linnet.data.module import Data, Scaling
from linnet.errors import InputError
from linnet.seeds import generator
from linnet.shift import of_mean_one

ROWS = 2048
"""Examples that are standardised at a time, where not all are in memory as they are trained on."""


def prepare(
    source: Source,
    batch_size: int,
    val_fraction: float | None,
    standardize: bool,
    outliers: int,
    seed: int,
    outlier_value: float = 0.0,
) -> Data:
    """Split off a validation part, plant outliers in the training part, standardise all by the training part.

    Args:
        batch_size: examples per minibatch, at least 1.
        val_fraction: part of the training examples held out for validation, in [0, 1); None: the source's own.
        standardize: give the training features mean 0 and variance 1; the others follow by the same numbers.
        outliers: how many training targets become `outlier_value`, or training labels another class.
        seed: of split, outliers and batch order.

    Raises:
        InputError: if a part would be empty, or there are more outliers than training examples.
    """
    train, val, test = source.train, source.val, source.test
    if val_fraction is not None:
        train, val = split(source.train, val_fraction, seed)
    if outliers:
        train = plant_outliers(train, source, outliers, outlier_value, seed)
    scaling = None
    if standardize:
        by_parts = isinstance(train, (Blocks, Halves))
        scaling = Scaling.of_parts(batch.x for batch in train.chunks(ROWS)) if by_parts else Scaling.of(train.x)
        train, val, test = scaling.apply(train), val and scaling.apply(val), test and scaling.apply(test)
    return Data(source, train, val, test, batch_size, seed, scaling)


def split(examples: Examples, val_fraction: float, seed: int) -> tuple[Examples, Examples | None]:
    """(training part, validation part or None if val_fraction is 0)."""
    if val_fraction == 0:
        return examples, None
    if isinstance(examples, Blocks):
        return examples.split(val_fraction, seed)
    n_val = max(1, round(len(examples) * val_fraction))
    if n_val >= len(examples):
        raise InputError(f"data.val_fraction={val_fraction} of {len(examples)} examples leaves none to train on")
    order = torch.randperm(len(examples), generator=generator(seed, "data/split"))
    # Sorted rows are gathered faster, and the order of visits is drawn anew in every epoch anyway.
    train, val = examples.take(order[n_val:].sort()[0]), examples.take(order[:n_val].sort()[0])
    return _weighted_anew(train, val_fraction), _weighted_anew(val, val_fraction)


def _weighted_anew(part: Examples, val_fraction: float) -> Examples:
    """With weights of mean 1 within the part, if there are any."""
    if part.weight is None:
        return part
    try:
        return replace(part, weight=of_mean_one(part.weight))
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
