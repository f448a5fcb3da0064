"""Data given in Python, which takes the place of files: options of a source name it by its shape and checksum.

What is given stays readable inside a block, in this process only. A run that is to be resumed, evaluated or reproduced
later needs it again, or keeps it in its directory, see `linnet.data.saved`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from linnet.config.data_source import PYTHON as PREFIX
from linnet.system.errors import InputError

PLACE = "the data given in Python"
SPLITS = ("train", "val", "test")
TABLE_SUFFIX = ".arrow"
"""Of the files of tables in memory; here, so that asking for them brings no pyarrow."""


class Given(ABC):
    """Splits of data in memory.

    save: whether a run keeps them in its directory.
    """

    save: bool = False

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Return the number of examples of all splits."""

    @property
    @abstractmethod
    def n_features(self) -> int:
        """Return the number of features of an example, before any of them is encoded."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Return the names of the features, as far as they have any."""

    @cached_property
    @abstractmethod
    def checksum(self) -> str:
        """Return the sha256 of everything that is given."""

    @abstractmethod
    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield (name, content) of each file that holds the data."""

    @property
    def name(self) -> str:
        """Return the value of the option of a data source that names this data."""
        return f"{PREFIX}{self.n_rows}x{self.n_features}:{self.checksum}"

    def record(self) -> dict[str, Any]:
        """Return what the manifest of a run says of the data."""
        return {
            "shape": [self.n_rows, self.n_features], "features": list(self.names), "checksum": self.checksum,
            "saved": self.save,
        }  # fmt: skip


_given: dict[str, list[Given]] = {}
"""Name -> the data of that name, of nested blocks the innermost last."""


@contextmanager
def given(data: Given) -> Iterator[str]:
    """Make data readable by its name, which is the value of the block, until the block ends."""
    name = data.name
    _given.setdefault(name, []).append(data)
    try:
        yield name
    finally:
        _given[name].pop()
        if not _given[name]:
            del _given[name]


def is_given(value: object) -> bool:
    """Return whether the value of an option names data given in Python."""
    return isinstance(value, str) and value.startswith(PREFIX)


def given_name(options: Mapping[str, Any]) -> str | None:
    """Return the name of the data given in Python that the options of a data source ask for; None if they do not."""
    return next((str(options[key]) for key in ("path", "x") if is_given(options.get(key))), None)


def find_given(name: str) -> Given | None:
    """Return the data of this name, if it is readable now."""
    return _given[name][-1] if name in _given else None


def require_given(name: str) -> Given:
    """Return the data of this name.

    Raises:
        InputError: it is not readable now.
    """
    found = find_given(name)
    if found is None:
        shape, _, checksum = name.removeprefix(PREFIX).partition(":")
        raise InputError(
            f"trained on arrays given in Python ({shape.replace('x', ' × ', 1)}, checksum {checksum[:12]}), which are "
            f"not here: linnet.resume(RUN, X, y) takes them again, linnet evaluate RUN --input FILE takes others, and "
            f"a run of linnet.train(X, y, save_data=True) keeps them"
        )
    return found


def place_of(split: str) -> str:
    """Return what messages call the rows of a split."""
    return PLACE if split == "train" else f"the {split} part of {PLACE}"
