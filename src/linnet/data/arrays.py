"""Your own arrays in files, in memory if they fit, else read as training needs them."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from linnet.data.array_file import File
from linnet.data.blocks import Blocks
from linnet.data.examples import Examples, Source, Task, checksum
from linnet.data.halves import Halves
from linnet.data.normalisation import Normalisation
from linnet.data.pairs import Pairs
from linnet.data.shards import Shards, find_shards, same_lengths
from linnet.errors import InputError

BUFFER = 32 * 2**20
"""Bytes of examples in memory where not all are: this leaves room for torch and Lightning in a process of 1 GB."""
PARTS = {"train": ("x", "y"), "val": ("x_val", "y_val"), "test": ("x_test", "y_test")}


def arrays(
    x: str,
    y: str,
    x_val: str | None,
    y_val: str | None,
    x_test: str | None,
    y_test: str | None,
    max_memory_mb: int,
    normalize: str,
    dtype: str,
    seed: int,
) -> Source:
    """Features `[n, …]` of any numbers, flattened to `[n, D]`, and targets: whole numbers `[n]` are classes 0 … C − 1,
    floating-point numbers `[n]` or `[n, C]` are predicted as such.

    The checksum of data in memory is that of its numbers. Reading all of larger data for it would cost more than an
    epoch: that of dtype, shape, size and time of change of each file stands in for it.

    Args:
        x, y: .npy, .npz or .safetensors files of the training part, or patterns for them; they pair up in the order of
            their names. `F.npz:name` is the array of that name in a file of several, else it is that of the key (x, y,
            x_val …), then x or y, or the only one.
        x_val, y_val, x_test, y_test: the same of the other parts; None: there is none.
        max_memory_mb: examples that take more MiB than that are not held in memory but read by blocks, through a
            buffer of that size, or of 32 MiB if that is less.
        normalize: "rows" divides every row of features by its Euclidean norm, "none" leaves them as they are.
        dtype: of the features as trained on, "float32" or "float64"; features in float16 stay that in memory.

    Raises:
        InputError: if a file is not there, cannot be read, or does not fit the others, or a feature is not finite.
    """
    given = {"x": x, "y": y, "x_val": x_val, "y_val": y_val, "x_test": x_test, "y_test": y_test}
    parts: dict[str, Pairs] = {}
    for part, (one, other) in PARTS.items():
        shards = _shards(one, given[one], other, given[other])
        if shards is not None:
            pairs = _pairs(*shards, getattr(torch, dtype), parts.get("train"))
            parts[part] = replace(pairs, normalisation=Normalisation(rows=normalize == "rows"))
    memory = max_memory_mb * 2**20
    needed = sum(map(_bytes_in_memory, parts.values()))
    fits = needed <= memory
    if not fits:
        _refuse_compressed(parts, needed, max_memory_mb)
    examples: dict[str, Examples] = {
        part: _in_memory(pairs) if fits else Blocks(pairs, min(memory, BUFFER)) for part, pairs in parts.items()
    }
    classes = parts["train"].classes
    n_classes = _check_targets(examples, classes)
    train, val, test = (examples.get(part) for part in PARTS)
    assert train is not None
    task: Task = "classification" if classes else "regression"
    identity = checksum(*map(_as_stored, (train, val, test))) if fits else _checksum_of_files(parts)
    names = tuple(map(str, range(n_classes)))
    return Source(task, train, test, identity, val, class_names=names, row_norm=normalize == "rows", unrounded=True)


def _shards(one: str, x: str | None, other: str, y: str | None) -> tuple[Shards, Shards] | None:
    if x is None and y is None:
        return None
    if x is None or y is None:
        missing, there = (one, other) if x is None else (other, one)
        raise InputError(f"data.{missing} is missing: data.{there} is given, and both belong together")
    found = find_shards(f"data.{one}", x), find_shards(f"data.{other}", y)
    same_lengths(*found)
    return found


def _pairs(x: Shards, y: Shards, dtype: torch.dtype, train: Pairs | None) -> Pairs:
    """What the files hold, once it is known to be something to train on, and like the training part."""
    floating = {kind == "f" for kind in y.kinds}
    if len(floating) > 1 or len(y.row_shape) > 1:
        raise InputError(
            f"{y.key}: expected whole numbers [n] or floating-point numbers [n] or [n, C] in all files, found "
            f"{', '.join(sorted({f'{file.dtype} {list(file.shape)}' for file in y.files}))}"
        )
    classes = floating == {False}
    if classes and y.width != 1:
        raise InputError(f"{y.key}: {y.files[0]} has {y.width} whole numbers a row, a class is one")
    if train is not None:
        for found, expected in ((x, train.features), (y, train.targets)):
            if found.width != expected.width:
                raise InputError(
                    f"{found.key}: {found.files[0]} has {found.width} numbers a row, but those of the training "
                    f"part {expected.width}"
                )
        if classes != train.classes:
            raise InputError(f"{y.key}: {y.files[0]} holds {y.files[0].dtype}, unlike the training targets")
    return Pairs(x, y, classes, dtype)


def _are_halves(pairs: Pairs) -> bool:
    return all(file.dtype.kind == "f" and file.dtype.itemsize == 2 for file in pairs.features.files)


def _bytes_in_memory(pairs: Pairs) -> int:
    per_number = torch.float16.itemsize if _are_halves(pairs) else pairs.dtype_as_read.itemsize
    return len(pairs) * (pairs.features.width * per_number + pairs.bytes_per_target)


def _in_memory(pairs: Pairs) -> Examples:
    halves = _are_halves(pairs)
    as_kept = replace(pairs, dtype=torch.float16, normalisation=Normalisation()) if halves else pairs
    kept = torch.float16 if halves else pairs.dtype_as_read
    x, y = as_kept.empty(len(pairs), dtype=kept)[0], pairs.empty_targets(len(pairs), dtype=torch.float64)
    # Pages of the files, and what the checks compute, take memory for a part at a time.
    at_once = len(pairs) if _compressed(pairs) else max(1, BUFFER // pairs.bytes_per_row)
    for start in range(0, len(pairs), at_once):
        as_kept.read(start, x[start : start + at_once], y[start : start + at_once])
    return Halves(x, y, pairs.dtype, pairs.normalisation) if halves else Examples(x, y)


def _compressed(pairs: Pairs) -> list[File]:
    return [file for some in (pairs.features, pairs.targets) for file in some.files if file.offset is None]


def _refuse_compressed(parts: dict[str, Pairs], needed: int, max_memory_mb: int) -> None:
    for file in (file for pairs in parts.values() for file in _compressed(pairs)):
        raise InputError(
            f"{file} is compressed, and can be read as a whole only, but the examples take {-(-needed // 2**20)} MiB, "
            f"more than data.max_memory_mb={max_memory_mb}: save it as .npy, or allow more"
        )


def _check_targets(examples: dict[str, Examples], classes: bool) -> int:
    """The number of classes, 0 where there are none, from a look at all targets."""
    n_classes = 0
    for part, some in examples.items():
        lowest, highest = _range(some.targets())
        key = f"data.{PARTS[part][1]}"
        if not classes:
            if not (abs(lowest) < float("inf") and abs(highest) < float("inf")):
                raise InputError(f"{key} holds values that are not finite: leave out their rows")
        elif lowest < 0:
            raise InputError(f"{key} has the class {lowest}: classes are 0 … C − 1")
        elif highest >= len(examples["train"]):
            raise InputError(
                f"{key} has the class {highest}, and there are {len(examples['train'])} training rows: "
                f"classes are 0 … C − 1 (numbers to predict as such are saved as float32)"
            )
        else:
            n_classes = max(n_classes, int(highest) + 1, 2)
    return n_classes


def _range(targets: Iterator[Tensor]) -> tuple[float, float]:
    """The lowest and the highest of some targets; nan if one is."""
    bounds = [torch.stack(y.aminmax()) for y in targets]
    both = torch.stack(bounds)
    return both[:, 0].min().item(), both[:, 1].max().item()


def _as_stored(examples: Examples | None) -> Examples | None:
    """Numbers to take a checksum of, without making features of them."""
    return Examples(examples.stored, examples.y) if isinstance(examples, Halves) else examples


def _checksum_of_files(parts: dict[str, Pairs]) -> str:
    shards = [shards for pairs in parts.values() for shards in (pairs.features, pairs.targets)]
    known = [[(str(file.dtype), file.shape, file.size, file.modified) for file in some.files] for some in shards]
    return hashlib.sha256(repr(known).encode()).hexdigest()
