"""Your own arrays in files, in memory if they fit, else read as training needs them."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Literal

import torch
from torch import Tensor

from linnet.config.data_source import data_source
from linnet.config.option_types import Count, DType, Input, Seed, Words
from linnet.data.given import is_given
from linnet.data.sources.array_weights import read_weights
from linnet.data.sources.given_arrays import given_source
from linnet.data.standardizer import Normalisation
from linnet.data.storage.array_pairs import ArrayPairs
from linnet.data.storage.checksum import checksum, serial_checksum
from linnet.data.storage.class_labels import Labels, read_labels, rows_of_absent
from linnet.data.storage.examples import Examples, Source, Task
from linnet.data.storage.in_memory import BUFFER, bytes_in_memory, compressed, read_in_memory
from linnet.data.storage.out_of_core_examples import OutOfCoreExamples
from linnet.data.storage.sharded_arrays import ShardedArray, find_shards, same_lengths
from linnet.data.storage.stored_examples import Float16Examples
from linnet.data.table.messages import count_words, join_names
from linnet.system.errors import InputError

FORMATS = "an .npy, .npz, .safetensors, .parquet or .pt file"
PARTS = {"train": ("x", "y"), "val": ("x_val", "y_val"), "test": ("x_test", "y_test")}
FAMILIES = {"f": "floating", "U": "text", "S": "text"}
"""numpy's letter of a kind of numbers -> what targets of one array have in common; of all others "whole"."""


@data_source(
    infer_task="linnet.data.storage.class_labels.infer_task",
    validation="given",
    read_features="linnet.data.storage.sharded_arrays.read_features",
)
def arrays(
    x: Annotated[Input, Words(f"{FORMATS} or a pattern: data.x='my/x_*.npy'")],
    y: Annotated[Input, Words(f"{FORMATS} or a pattern: data.y='my/y_*.npy'")],
    x_val: Input | None,
    y_val: Input | None,
    x_test: Input | None,
    y_test: Input | None,
    max_memory_mb: Count,
    normalize: Literal["none", "rows"],
    dtype: DType,
    seed: Seed,
    task: Task | None = None,
    weight: Input | None = None,
) -> Source:
    """Return features `[n, …]` of any numbers, flattened to `[n, D]`, and targets.

    Classes are labels by value: whole numbers `[n]`, text `[n]` or one-hot rows `[n, C]`. Those of the training part
    are the outputs, in the order of numbers or of letters; rows of another class in the other parts count as wrong.
    Numbers `[n]` or `[n, C]` are predicted as such.

    The checksum of data in memory is that of its numbers. Reading all of larger data for it would cost more than an
    epoch: that of dtype, shape, size and time of change of each file stands in for it.

    Args:
        x, y: .npy, .npz, .safetensors, .parquet or .pt files of the training part, or patterns for them; they pair up
            in the order of their names. `F.npz:name` is the array of that name in a file of several, of Parquet the
            column, else it is that of the key (x, y, x_val …), then x or y, or the only one. Columns of Parquet files
            hold lists of equally many numbers, numbers or text; .pt files a tensor or a dictionary of tensors.
        x_val, y_val, x_test, y_test: the same of the other parts; None: there is none.
        max_memory_mb: examples that take more MiB than that are not held in memory but read by blocks, through a
            buffer of that size, or of 32 MiB if that is less.
        normalize: "rows" divides every row of features by its Euclidean norm, "none" leaves them as they are.
        dtype: of the features as trained on, "float32" or "float64"; features in float16 stay that in memory.
        task: None: floating-point targets are numbers, others are classes.
        weight: a file of how much each training row counts in the loss, `[n]`, at least 0; None: all count the same.

    Raises:
        InputError: if a file is not there, cannot be read, or does not fit the others, or a feature is not finite.
    """
    if is_given(x):
        return given_source(x, task, dtype, normalize_rows=normalize == "rows")
    given = {"x": x, "y": y, "x_val": x_val, "y_val": y_val, "x_test": x_test, "y_test": y_test}
    shards = {part: _shards(one, given[one], other, given[other]) for part, (one, other) in PARTS.items()}
    found = {part: pair for part, pair in shards.items() if pair is not None}
    for pair in found.values():
        _check(*pair, *found["train"])
    classes = task == "classification" or (task is None and found["train"][1].kinds != {"f"})
    labels = None
    if classes:
        labels = read_labels(found["train"][1], [targets for part, (_, targets) in found.items() if part != "train"])
    elif any("U" in targets.kinds or "S" in targets.kinds for _, targets in found.values()):
        raise InputError("data.y holds text, which is classes: use model=softmax_regression loss=cross_entropy")
    parts = {
        part: ArrayPairs(
            *pair, classes, getattr(torch, dtype), Normalisation(rows=normalize == "rows"),
            labels=None if labels is None or labels.indexed_by(pair[1]) else labels,
        )
        for part, pair in found.items()
    }  # fmt: skip
    if weight is not None:
        parts["train"] = replace(parts["train"], weights=read_weights(weight, len(parts["train"])))
    memory = max_memory_mb * 2**20
    needed = sum(map(bytes_in_memory, parts.values()))
    fits = needed <= memory
    if not fits:
        _refuse_compressed(parts, needed, max_memory_mb)
        if weight is not None:
            raise InputError(
                f"data.weight={weight}: the examples take {-(-needed // 2**20)} MiB, more than data.max_memory_mb="
                f"{max_memory_mb}, and have no weights then: allow more"
            )
    examples: dict[str, Examples] = {
        part: read_in_memory(pairs) if fits else OutOfCoreExamples(pairs, min(memory, BUFFER))
        for part, pairs in parts.items()
    }
    if labels is None:
        _check_finite(examples)
    notes = [] if labels is None else _notes(labels, examples, fits)
    if labels is not None and found["train"][1].kinds == {"f"}:
        notes.insert(
            0,
            f"data.y: floating-point numbers taken as {len(labels.names)} classes, data.task=regression "
            f"predicts them as numbers",
        )
    train, val, test = (examples.get(part) for part in PARTS)
    assert train is not None
    more: list[object] = [] if labels is None or labels.are_indices else [labels.names, labels.absent]
    if train.weight is not None:
        more.append(hashlib.sha256(train.weight.numpy().data).hexdigest())

    def identity(of_examples: Callable[..., str]) -> str:
        found = of_examples(*map(_as_stored, (train, val, test))) if fits else _checksum_of_files(parts)
        return hashlib.sha256(repr((found, more)).encode()).hexdigest() if more else found

    return Source(
        "classification" if classes else "regression", train, test, identity(checksum), val,
        former_checksum=(lambda: identity(serial_checksum)) if fits else None,
        class_names=() if labels is None else labels.names, absent_classes=() if labels is None else labels.absent,
        row_norm=normalize == "rows", unrounded=True, stratified=classes and fits, summary=tuple(notes),
    )  # fmt: skip


def _shards(one: str, x: str | None, other: str, y: str | None) -> tuple[ShardedArray, ShardedArray] | None:
    if x is None and y is None:
        return None
    if x is None or y is None:
        missing, there = (one, other) if x is None else (other, one)
        raise InputError(f"data.{missing} is missing: data.{there} is given, and both belong together")
    found = find_shards(f"data.{one}", x), find_shards(f"data.{other}", y, text=True)
    same_lengths(*found)
    return found


def _check(x: ShardedArray, y: ShardedArray, train_x: ShardedArray, train_y: ShardedArray) -> None:
    """Raise InputError unless the files hold something to train on, like the training part."""
    families = {FAMILIES.get(kind, "whole") for kind in y.kinds}
    if len(families) > 1 or len(y.row_shape) > 1:
        raise InputError(
            f"{y.key}: expected whole numbers [n], text [n], one-hot rows [n, C] or floating-point numbers [n] or "
            f"[n, C] in all files, found "
            f"{', '.join(sorted({f'{file.dtype} {list(file.shape)}' for file in y.files}))}"
        )
    for found, expected in ((x, train_x), (y, train_y)):
        if found.width != expected.width:
            raise InputError(
                f"{found.key}: {found.files[0]} has {found.width} numbers a row, but those of the training "
                f"part {expected.width}"
            )


def _refuse_compressed(parts: dict[str, ArrayPairs], needed: int, max_memory_mb: int) -> None:
    for file in (file for pairs in parts.values() for file in compressed(pairs)):
        kind = "is compressed, and " if file.path.suffix == ".npz" else ""
        raise InputError(
            f"{file} {kind}can be read as a whole only, but the examples take {-(-needed // 2**20)} MiB, "
            f"more than data.max_memory_mb={max_memory_mb}: save it as .npy, or allow more"
        )


def _check_finite(examples: dict[str, Examples]) -> None:
    """Raise InputError unless all targets are finite."""
    for part, some_examples in examples.items():
        lowest, highest = _range(some_examples.targets())
        if not (abs(lowest) < float("inf") and abs(highest) < float("inf")):
            raise InputError(f"data.{PARTS[part][1]} holds values that are not finite: leave out their rows")


def _notes(labels: Labels, examples: dict[str, Examples], fits: bool) -> list[str]:
    """Return a line for each split that has absent classes.

    Raises:
        InputError: if such a part is larger than memory, or has no other classes.
    """
    notes = []
    for part, examples_of_part in examples.items() if labels.absent else ():
        counts = rows_of_absent(labels, (y.numpy() for y in examples_of_part.targets()))
        if not counts:
            continue
        key, rows = f"data.{PARTS[part][1]}", count_words(sum(counts.values()), "row")
        what = f"{key}: {rows} of classes that no training row has ({join_names(counts)})"
        if not fits:
            raise InputError(f"{what}: leave them out, or allow data.max_memory_mb for all examples")
        if sum(counts.values()) == len(examples_of_part):
            raise InputError(f"{what}, and no others: nothing can be said of them")
        notes.append(f"{what}: counted as wrong, and left out of loss, nll and kl_divergence")
    return notes


def _range(targets: Iterator[Tensor]) -> tuple[float, float]:
    """Return the lowest and the highest target; nan if one is."""
    bounds = [torch.stack(y.aminmax()) for y in targets]
    both = torch.stack(bounds)
    return both[:, 0].min().item(), both[:, 1].max().item()


def _as_stored(examples: Examples | None) -> Examples | None:
    """Numbers to take a checksum of, without making features of them."""
    return Examples(examples.stored, examples.y) if isinstance(examples, Float16Examples) else examples


def _checksum_of_files(parts: dict[str, ArrayPairs]) -> str:
    shards = [shards for pairs in parts.values() for shards in (pairs.features, pairs.targets)]
    known = [[(str(file.dtype), file.shape, file.size, file.modified) for file in some.files] for some in shards]
    return hashlib.sha256(repr(known).encode()).hexdigest()
