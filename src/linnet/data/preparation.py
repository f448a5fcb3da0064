"""Prepare a source for training: split, outliers, standardisation. Pure functions of (source, options, seed).

Examples are standardised and centred in float64, and rounded last.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from linnet.data.module import Data
from linnet.data.resampling.outer import in_outer_fold
from linnet.data.resampling.resampling import Labels
from linnet.data.sources.shift_weights import normalize_weights
from linnet.data.split import hold_out
from linnet.data.standardizer import Standardizer
from linnet.data.storage.examples import Examples, Source
from linnet.data.storage.out_of_core_examples import OutOfCoreExamples
from linnet.data.storage.stored_examples import ByteExamples, Float16Examples
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
    outer_folds: int | None = None,
    outer_fold: int | None = None,
    *,
    dtype: str | None = None,
    bias: bool = True,
    centre_targets: bool = False,
) -> Data:
    """Split off a validation set, plant outliers in the training set, standardise all by the training set.

    All of it is computed in float64; only the result is rounded to dtype.

    Args:
        batch_size: examples per minibatch, at least 1.
        val_fraction: share of the training examples held out for validation, in [0, 1); None: the source's own.
        standardize: give the training features mean 0 and variance 1; the others follow by the same numbers.
        outliers: how many training targets become `outlier_value`, or training labels another class.
        seed: of split, outliers and batch order.
        outer_folds, outer_fold: take this fold of the training examples, instead of the source's own, for the test set;
            None: no fold.
        dtype: of what is trained on, "float32" or "float64"; None: that of the source.
        bias: whether the model has one. Without it features are scaled but not centred, since that would be another
            model.
        centre_targets: subtract the mean of the training targets from all targets (`Data.offset`) before they are
            rounded to float32. Large targets of small variance then keep their digits.

    Raises:
        InputError: if a split would be empty, or there are more outliers than training examples.
    """
    if outer_folds is not None and outer_fold is not None:
        source = _with_outer_fold(source, outer_folds, outer_fold, seed)
    train, val = _training_parts(source, val_fraction, outliers, outlier_value, seed)
    scaling = Standardizer.of(lambda: train.raw_chunks(ROWS), centre=bias) if standardize else None
    kind = source.train.dtype if dtype is None else getattr(torch, dtype)
    centred = centre_targets and source.unrounded and source.task == "regression" and kind != torch.float64
    offset = _mean_target(train) if centred else None
    splits = [None if each is None else prepared(each, scaling, offset, kind) for each in (train, val, source.test)]
    assert splits[0] is not None

    def in_float64(scaling: Standardizer | None, offset: Tensor | None) -> Examples:
        # Split again: a second copy of the examples would take more memory.
        again, _ = _training_parts(source, val_fraction, outliers, outlier_value, seed)
        return prepared(again, scaling, offset, torch.float64)

    changed = scaling is not None or (source.unrounded and kind != torch.float64)
    return Data(
        source, splits[0], splits[1], splits[2], batch_size, seed, scaling, offset,
        None if train.streamed or not changed else in_float64,
        lambda: row_numbers(source, val_fraction, seed),
    )  # fmt: skip


def _with_outer_fold(source: Source, n_folds: int, fold: int, seed: int) -> Source:
    """Return the source with one outer fold of its training examples as the test set, and without it for training."""
    train, given = source.train, f"data.outer_folds={n_folds}"
    if train.streamed:
        raise InputError(
            f"{given}: the examples are read from files as they are needed: use a data.max_memory_mb for all"
        )
    labels = Labels(len(train), train.y if source.task == "classification" else None, source.class_names)
    held_out = in_outer_fold(labels, n_folds, fold, seed)
    kept, test = (train.take(torch.nonzero(mask)[:, 0]) for mask in (~held_out, held_out))
    kept, test = (_with_normalised_weights(part, given) for part in (kept, test))
    rows = torch.arange(len(train)) if source.rows is None else source.rows
    return replace(source, train=kept, test=test, rows=rows[~held_out])


def row_numbers(source: Source, val_fraction: float | None, seed: int) -> Tensor:
    """Return the number, from 0, of each training example among the rows that were read, `[N]` int64."""
    rows = torch.arange(len(source.train)) if source.rows is None else source.rows
    if val_fraction is None or source.train.streamed:
        return rows
    kept, _ = split(Examples(rows.unsqueeze(1), source.train.y), val_fraction, seed, stratified=source.stratified)
    return kept.x[:, 0]


def _training_parts(
    source: Source, val_fraction: float | None, outliers: int, outlier_value: float, seed: int
) -> tuple[Examples, Examples | None]:
    """Return the training set, with its outliers, and the validation set, as read."""
    train, val = source.train, source.val
    if val_fraction is not None:
        train, val = split(source.train, val_fraction, seed, stratified=source.stratified)
    if outliers:
        train = plant_outliers(train, source, outliers, outlier_value, seed)
    return train, val


def _mean_target(train: Examples) -> Tensor:
    """Return the unweighted mean of the training targets `[C]`, float64."""
    n, total = 0, torch.zeros((), dtype=torch.float64)
    for y in train.targets():
        n, total = n + len(y), total + (y.double() / len(train)).sum(0)
    return total


def split(
    examples: Examples, val_fraction: float, seed: int, *, stratified: bool = False
) -> tuple[Examples, Examples | None]:
    """Return (training set, validation set or None if val_fraction is 0); stratified: this fraction of every class."""
    if val_fraction == 0:
        return examples, None
    if isinstance(examples, OutOfCoreExamples):
        return examples.split(val_fraction, seed)
    given, n_val = f"data.val_fraction={val_fraction}", max(1, round(len(examples) * val_fraction))
    if n_val >= len(examples):
        raise InputError(f"{given} of {len(examples)} examples leaves none to train on")
    if stratified:
        every = np.arange(len(examples))
        kept, held = hold_out(every, val_fraction, examples.y.numpy(), None, seed, "data/split")
        if len(held) == 0:
            raise InputError(f"{given}: every class has one row only, use data.val_fraction=0")
        train, val = (examples.take(torch.from_numpy(rows)) for rows in (kept, held))
        return _with_normalised_weights(train, given), _with_normalised_weights(val, given)
    order = torch.randperm(len(examples), generator=generator(seed, "data/split"))
    # Sorted rows are gathered faster, and the order of visits differs in every epoch anyway.
    train, val = examples.take(order[n_val:].sort()[0]), examples.take(order[:n_val].sort()[0])
    return _with_normalised_weights(train, given), _with_normalised_weights(val, given)


def _with_normalised_weights(examples: Examples, given: str) -> Examples:
    """Normalise the weights of a split to mean 1, if there are any."""
    if examples.weight is None:
        return examples
    try:
        return replace(examples, weight=normalize_weights(examples.weight))
    except ValueError as error:
        raise InputError(f"{given} leaves a part without weight: {error}") from error


def plant_outliers(train: Examples, source: Source, count: int, value: float, seed: int) -> Examples:
    """Replace `count` training targets, drawn at random, by `value`."""
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


def prepared(examples: Examples, scaling: Standardizer | None, offset: Tensor | None, dtype: torch.dtype) -> Examples:
    """Return examples with standardised features, and targets minus offset.

    Args:
        examples: one part of the data.
        scaling: None: features stay as they are.
        offset: `[C]` float64, of regression; None: targets stay as they are.
        dtype: of features, of weights, and of targets that are numbers; those in files keep their own.

    Raises:
        InputError: dtype cannot hold a number.
    """
    if isinstance(examples, OutOfCoreExamples):
        return examples.prepared(scaling, offset)
    y = examples.y
    if y.is_floating_point():
        y = _rounded("a target", y if offset is None else y.double() - offset, dtype)
    if isinstance(examples, Float16Examples):
        return examples.prepared(scaling, y, dtype)
    if scaling is None:
        if isinstance(examples, ByteExamples):
            return examples
        x = _rounded("a feature", examples.x, dtype)
    elif isinstance(examples, ByteExamples):
        x = Standardizer(scaling.mean / examples.byte_scale, scaling.deviation / examples.byte_scale).apply(
            examples.stored, dtype
        )
    else:
        x = scaling.apply(examples.x, dtype)
    weight = examples.weight
    if x is examples.x and y is examples.y and (weight is None or weight.dtype == dtype):
        return examples
    return Examples(x, y, None if weight is None else weight.to(dtype))


def _rounded(what: str, values: Tensor, dtype: torch.dtype) -> Tensor:
    if values.dtype == dtype:
        return values
    found = values.to(dtype)
    if dtype == torch.float32 and bool(found.isinf().any()):
        worst = float(values.abs().max())
        raise InputError(f"{what} of {worst:g} is too large for data.dtype=float32: use data.dtype=float64")
    return found
