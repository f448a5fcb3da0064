"""Examples that a function of another module returns: arrays, tensors, datasets or a LightningDataModule."""

from collections.abc import Callable, Mapping
from inspect import signature
from math import prod
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from linnet.data.storage.checksum import checksum
from linnet.data.storage.class_labels import distinct, in_order, is_number
from linnet.data.storage.examples import Examples, Source, Task
from linnet.data.storage.stored_examples import ByteExamples
from linnet.system.errors import InputError

SPLITS = ("train", "val", "test")
FORMS = "(x, y), a Dataset of such pairs, a dictionary of train, val and test with these, or a LightningDataModule"


def own_source(function: Callable[..., Any], options: Mapping[str, Any], *, dtype: str, seed: int) -> Source:
    """Return the examples of a function, flattened to features `[n, D]`.

    Features of bytes are image levels, and become levels / 255. Targets of whole numbers or text are classes by value,
    others are numbers to predict, unless the function has an attribute `task`.

    Args:
        function: returns (x `[n, …]`, y `[n]` or `[n, C]`) as arrays or tensors; a Dataset of pairs of one example; a
            dictionary split -> one of both; or a LightningDataModule, whose datasets are taken.
        options: its keyword arguments.
        dtype: what features are trained in, "float32" or "float64".
        seed: of the run; both are passed on where the function takes arguments of these names.

    Raises:
        InputError: it returns something else, or the splits do not fit together.
    """
    name, taken = f"data={function.__module__}.{function.__qualname__}", signature(function).parameters
    more = {key: value for key, value in (("dtype", dtype), ("seed", seed)) if key in taken}
    return source_of(name, function(**options, **more), getattr(function, "task", None), dtype)


def source_of(name: str, found: Any, task: Task | None, dtype: str) -> Source:
    """Return the examples of what a function returned, or of data given in Python; as `own_source`.

    Args:
        name: of the data, for messages.
        found: in one of the forms of `own_source`.
        task: None: as `own_source` finds it.
        dtype: what features are trained in.
    """
    splits = pairs_of(name, found)
    targets = {split: np.asarray(y) for split, (_, y) in splits.items()}
    task = task or ("regression" if targets["train"].dtype.kind == "f" else "classification")
    names, ready = _classes(name, targets) if task == "classification" else ((), _numbers(targets))
    shape = tuple(splits["train"][0].shape[1:])
    examples = {split: _examples(name, x, ready[split], shape, dtype) for split, (x, _) in splits.items()}
    return Source(
        task=task, train=examples["train"], val=examples.get("val"), test=examples.get("test"), class_names=names,
        image_shape=shape if len(shape) == 2 and splits["train"][0].dtype == torch.uint8 else None,
        checksum=checksum(*(examples.get(split) for split in SPLITS)), unrounded=True,
        stratified=task == "classification",
    )  # fmt: skip


def pairs_of(name: str, found: Any) -> dict[str, tuple[Tensor, Any]]:
    """Return split -> features `[n, …]` and targets `[n, …]` of data in one of the forms of `own_source`."""
    return {split: _pair(name, some) for split, some in _splits(name, found).items()}


def _splits(name: str, found: Any) -> Mapping[str, Any]:
    """Return split -> what the function returned for it."""
    if isinstance(found, LightningDataModule):
        found.prepare_data()
        for stage in ("fit", "test"):
            found.setup(stage)
        loaders = {split: _loader(found, split) for split in SPLITS}
        found = {split: loader.dataset for split, loader in loaders.items() if loader is not None}
    if not isinstance(found, Mapping):
        return {"train": found}
    if "train" not in found or not found.keys() <= set(SPLITS):
        raise InputError(f"{name}: returned {', '.join(map(str, found))}, expected train, and perhaps val and test")
    return {split: some for split, some in found.items() if some is not None}


def _loader(module: LightningDataModule, split: str) -> Any:
    """Return the loader of a split, or None where the module has none of its own: that of the base class raises."""
    name = f"{split}_dataloader"
    is_its_own = getattr(type(module), name) is not getattr(LightningDataModule, name)
    return getattr(module, name)() if is_its_own else None


def _pair(name: str, found: Any) -> tuple[Tensor, Any]:
    """Return features `[n, …]` as a tensor, and targets `[n, …]`."""
    if isinstance(found, TensorDataset) and len(found.tensors) == 2:
        found = found.tensors
    elif isinstance(found, Dataset):
        rows = [found[i] for i in range(len(found))]  # type: ignore[arg-type]
        if not rows or not all(isinstance(row, tuple) and len(row) == 2 for row in rows):
            raise InputError(f"{name}: items of the dataset are not pairs (x, y)")
        found = np.stack([np.asarray(x) for x, _ in rows]), np.stack([np.asarray(y) for _, y in rows])
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise InputError(f"{name}: returned {type(found).__name__}, expected {FORMS}")
    array, y = np.asarray(found[0]), np.asarray(found[1])
    x = torch.as_tensor(array if array.flags.writeable else array.copy())
    if x.dim() < 2 or len(x) != len(y) or len(x) == 0:
        raise InputError(
            f"{name}: x has shape {list(x.shape)} and y {list(y.shape)}, expected [n, …] and [n] or [n, C]"
        )
    return x, y


def _examples(name: str, x: Tensor, y: Tensor, shape: tuple[int, ...], dtype: str) -> Examples:
    if tuple(x.shape[1:]) != shape:
        raise InputError(f"{name}: examples have shape {list(shape)} for training and {list(x.shape[1:])} elsewhere")
    features = x.reshape(len(x), prod(shape))
    if x.dtype == torch.uint8:
        return ByteExamples(features, y, getattr(torch, dtype))
    if not features.isfinite().all() or not y.isfinite().all():
        raise InputError(f"{name}: holds values that are not finite")
    return Examples(features.double(), y)


def _numbers(targets: Mapping[str, Any]) -> dict[str, Tensor]:
    return {split: torch.as_tensor(y).reshape(len(y), -1).double() for split, y in targets.items()}


def _classes(name: str, targets: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Tensor]]:
    """Return the names of the training targets' classes, and the class indices `[n]` of each split."""
    labels = {split: distinct(f"y of {name}", y) for split, y in targets.items()}
    names = in_order(labels["train"][0], all(map(is_number, labels["train"][0])))
    if len(names) < 2:
        raise InputError(f"{name}: has one class only, {names[0]}: there is nothing to tell apart")
    unknown = {label for some, _ in labels.values() for label in some} - set(names)
    if unknown:
        raise InputError(f"{name}: the class {min(unknown)} is not among the training examples")
    number = {label: i for i, label in enumerate(names)}
    indices = {
        split: torch.from_numpy(np.array([number[label] for label in some], np.int64)[index])
        for split, (some, index) in labels.items()
    }
    return tuple(names), indices
