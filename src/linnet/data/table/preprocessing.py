"""Preprocessing of a table into features: fitted once to the training rows, then applied to any rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linnet.config.option_types import check_fields
from linnet.data.table.column import Column, distinct_names, fill
from linnet.data.table.messages import RowLocator, hint, join_names, row_words
from linnet.data.table.notation import PLAIN, Notation
from linnet.data.table.values import Floats
from linnet.system.errors import InputError

VERSION = 1
Missing = Literal["error", "drop", "mean"]


@dataclass(frozen=True)
class Target:
    """The target column.

    class_names: in the order of the logits; empty for regression.
    """

    name: str
    task: Literal["regression", "classification"]
    class_names: tuple[str, ...] = ()


class Applied(NamedTuple):
    """Features, the rows kept, and notes.

    x: features `[N', D]`, float64.
    rows: indices of the rows that they come from `[N']`.
    row_notes: what was done -> to how many rows.
    """

    x: Floats
    rows: NDArray[np.int64]
    row_notes: Counter[str]


@dataclass(frozen=True)
class Preprocessing:
    """Preprocessing of each row of a table.

    columns: those that become features, in the order of the features.
    target: what is predicted.
    missing: "error": missing values are refused; "drop": their rows are left out; "mean": training means stand in.
    dropped: (column, why) of those that tell nothing.
    ignored: columns of the training table with another role, or none.
    notation: how numbers and missing values are written in text.
    """

    columns: tuple[Column, ...]
    target: Target
    missing: Missing
    dropped: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    notation: Notation = PLAIN

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Unique names of all D features, none `bias`."""
        return distinct_names(self.columns)

    def apply(self, table: pa.Table, where: RowLocator = row_words) -> Applied:
        """Compute the features of a table; columns may be in any order. Each row's result depends on that row alone.

        Args:
            table: as read from CSV (all text) or with typed columns.
            where: says where its rows are, given indices.

        Raises:
            InputError: naming a column that is missing, or rows whose values are of another kind, infinite, or missing
                where that is refused.
        """
        table = self.notation.without_tokens(table)
        unknown = self.unknown(table.column_names, "the table")
        row_notes = Counter(
            {f"column {name} was not in the training data: ignored": table.num_rows for name in unknown}
        )
        x = np.zeros((table.num_rows, len(self.feature_names)))
        missing: dict[str, NDArray[np.bool_]] = {}
        start = 0
        for column in self.columns:
            end = start + len(column.features)
            missing[column.name] = fill(x[:, start:end], column, table[column.name], where, row_notes, self.notation)
            start = end
        keep = self._keep(missing, table.num_rows, where, row_notes)
        rows = np.flatnonzero(keep)
        return Applied(x if keep.all() else x[rows], rows, row_notes)

    def unknown(self, columns: Sequence[str], place: str) -> list[str]:
        """Return those of `columns` that the training data did not have.

        Raises:
            InputError: naming a column that features are made of and that is not among them.
        """
        needed = {column.name for column in self.columns}
        missing = [column.name for column in self.columns if column.name not in columns]
        if missing:
            raise InputError(
                f"{place} has no column {join_names(missing, 20)}, which the model needs{hint(missing[0], columns)}"
            )
        known = {*needed, *self.ignored, self.target.name, *(name for name, _ in self.dropped)}
        return [name for name in columns if name not in known]

    def _keep(
        self, missing: Mapping[str, NDArray[np.bool_]], n_rows: int, where: RowLocator, row_notes: Counter[str]
    ) -> NDArray[np.bool_]:
        """Return which rows are kept after missing values are handled."""
        counts = {name: int(mask.sum()) for name, mask in missing.items() if mask.any()}
        if self.missing == "error" and counts:
            refuse_missing(missing, where, "give them, or train a model with data.missing=mean or drop")
        if self.missing == "mean":
            for column in self.columns:
                if column.name in counts and not column.indicator:
                    row_notes[f"column {column.name}: missing, as no training value was"] += counts[column.name]
            return np.ones(n_rows, np.bool_)
        keep: NDArray[np.bool_] = ~np.logical_or.reduce([np.zeros(n_rows, np.bool_), *missing.values()])
        if not keep.all():
            row_notes[f"left out for missing values in {join_names(counts, 20)}"] += int((~keep).sum())
        return keep

    def to_node(self) -> dict[str, Any]:
        """Convert to plain containers that JSON stores exactly, for `from_node`."""
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def from_node(cls, node: Mapping[str, Any]) -> "Preprocessing":
        """Restore from the output of `to_node`, possibly read from JSON. Raises ValueError for anything else."""
        try:
            node = dict(node)
            if node.pop("version") != VERSION:
                raise ValueError("another version of linnet wrote it")
            columns = tuple(Column(**_frozen(column, Column)) for column in node.pop("columns"))
            target = Target(**_frozen(node.pop("target"), Target))
            notation = Notation(**_frozen(node.pop("notation", {}), Notation))
            node["dropped"] = [tuple(pair) for pair in node["dropped"]]
            preprocessing = cls(columns=columns, target=target, notation=notation, **_frozen(node, cls))
            for part in (preprocessing, target, notation, *columns):
                check_fields(part)
            return preprocessing
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"table is damaged: {error}") from error


def refuse_missing(missing: Mapping[str, NDArray[np.bool_]], where: RowLocator, remedy: str) -> None:
    """Raise the InputError about missing values, given by column which rows lack one `[N]`."""
    counts = {name: int(mask.sum()) for name, mask in missing.items() if mask.any()}
    first = next(iter(counts))
    raise InputError(
        f"values are missing: {join_names((f'{name} {count}' for name, count in counts.items()), 20)} "
        f"({first}: {where(np.flatnonzero(missing[first]).tolist())}): {remedy}"
    )


def _frozen(node: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Convert a node to a dataclass's arguments: lists to tuples, no unknown key."""
    unknown = set(node) - {field.name for field in fields(kind)}
    if unknown:
        raise KeyError(f"unknown key {min(unknown)}")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in node.items()}
