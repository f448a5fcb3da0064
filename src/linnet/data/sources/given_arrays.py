"""Arrays given in Python that are no table: images, several targets, a Dataset or a LightningDataModule."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linnet.data.given import PLACE, SPLITS, Given, require_given
from linnet.data.sources.array_weights import normalized
from linnet.data.sources.own_source import source_of
from linnet.data.storage.examples import Source, Task

Pair = tuple[NDArray[Any], NDArray[Any]]
SUFFIX = ".npy"
KEYS = (*(f"{split}_{what}" for split in SPLITS for what in "xy"), "train_weight", "names")
"""Names of the arrays in files."""
WEIGHT = "sample_weight"


@dataclass(frozen=True)
class GivenArrays(Given):
    """Arrays in memory.

    parts: split -> features `[n, …]` and targets `[n]` or `[n, C]`.
    names: of the features, if they have any.
    weight: how much each training example counts `[n]`; None: all the same.
    """

    parts: Mapping[str, Pair]
    names: tuple[str, ...] = ()
    weight: NDArray[np.float64] | None = None
    save: bool = False

    @property
    def n_rows(self) -> int:
        return sum(len(x) for x, _ in self.parts.values())

    @property
    def n_features(self) -> int:
        return prod(self.parts["train"][0].shape[1:])

    @cached_property
    def checksum(self) -> str:
        digest = hashlib.sha256()
        for name, array in self._arrays():
            digest.update(repr((name, array.dtype.str, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")
        return digest.hexdigest()

    def _arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        for split, (x, y) in self.parts.items():
            yield f"{split}_x", x
            yield f"{split}_y", y
        if self.weight is not None:
            yield "train_weight", self.weight
        if self.names:
            yield "names", np.array(self.names)

    def files(self) -> Iterator[tuple[str, bytes]]:
        for name, array in self._arrays():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            yield f"{name}{SUFFIX}", buffer.getvalue()

    @classmethod
    def of_files(cls, arrays: Mapping[str, NDArray[Any]]) -> "GivenArrays":
        """Return the data in arrays of these names, as `files` yields them. Raises KeyError if one is missing."""
        parts = {split: (arrays[f"{split}_x"], arrays[f"{split}_y"]) for split in SPLITS if f"{split}_x" in arrays}
        names = arrays["names"].tolist() if "names" in arrays else ()
        return cls(parts, tuple(map(str, names)), arrays.get("train_weight"))


def given_source(name: str, task: Task | None, dtype: str, *, normalize_rows: bool) -> Source:
    """Return the examples of arrays given in Python, as `own_source` makes them.

    Args:
        name: of the data.
        task: None: as `own_source` finds it.
        dtype: what features are trained in.
        normalize_rows: divide every row of features by its Euclidean norm.

    Raises:
        InputError: the data is not here, or the splits do not fit together.
    """
    found = require_given(name)
    assert isinstance(found, GivenArrays)
    parts = {
        split: (_features(x, found.weight is not None, normalize_rows), y) for split, (x, y) in found.parts.items()
    }
    source = source_of(PLACE, parts, task, dtype)
    train = source.train
    if found.weight is not None:
        train = replace(train, weight=normalized(WEIGHT, found.weight, len(train)))
    return replace(
        source, train=train, feature_names=found.names, checksum=found.checksum, row_norm=normalize_rows,
        summary=(f"{found.n_rows} examples of {PLACE}",),
    )  # fmt: skip


def _features(x: NDArray[Any], weighted: bool, normalize_rows: bool) -> NDArray[Any]:
    """Return features as they are trained on; bytes are numbers where each row has a weight or is normalised."""
    if not weighted and not normalize_rows:
        return x
    values = x.astype(np.float64)
    if normalize_rows:
        norms = np.linalg.norm(values.reshape(len(x), -1), axis=1).reshape(-1, *[1] * (x.ndim - 1))
        values /= np.where(norms > 0, norms, 1)
    return values
