"""Roles of a table's columns: target, features, weight, group, split, fold."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from linnet.data.table.column_types import kind_of
from linnet.data.table.dates import UNIT
from linnet.data.table.messages import RowLocator, listed, require_column
from linnet.data.table.notation import Notation
from linnet.data.table.values import Kind, cleaned, examples, is_missing
from linnet.system.errors import InputError


@dataclass(frozen=True)
class Roles:
    """Names of columns, as the configuration gives them; see `linnet.data.sources.table.table_rows`."""

    target: str
    features: tuple[str, ...] | None
    exclude: tuple[str, ...]
    categorical: tuple[str, ...]
    weight: str | None
    group: str | None
    split: str | None
    fold: str | None = None

    def single(self) -> dict[str, str]:
        """Map configuration key to column, for the roles that a single column plays."""
        given = {"target": self.target, "weight": self.weight, "group": self.group, "split_column": self.split,
                 "fold": self.fold}  # fmt: skip
        return {f"data.{key}": name for key, name in given.items() if name is not None}

    def chosen(self, columns: Sequence[str], place: str) -> tuple[str, ...]:
        """Return the columns that become features, in the order of the table.

        Raises:
            InputError: if a column does not exist, or has two roles.
        """
        lists = {
            "data.features": self.features or (),
            "data.exclude": self.exclude,
            "data.categorical": self.categorical,
        }
        for key, names in {**{key: (name,) for key, name in self.single().items()}, **lists}.items():
            for name in names:
                require_column(key, name, columns, place)
        roles: dict[str, str] = {}
        for key, name in self.single().items():
            if name in roles:
                raise InputError(f"{key}={name}: this column is {roles[name]} already")
            roles[name] = key
        for name in self.features or ():
            if name in roles or name in self.exclude:
                raise InputError(f"data.features: {name} is in {roles.get(name, 'data.exclude')} too")
        if self.features is not None:
            return tuple(name for name in columns if name in self.features)
        return tuple(name for name in columns if name not in roles and name not in self.exclude)


def feature_kinds(
    table: pa.Table,
    names: Sequence[str],
    categorical: Sequence[str],
    where: RowLocator,
    notation: Notation,
    dates_as_days: bool = False,
) -> dict[str, Kind]:
    """Column -> kind.

    Raises:
        InputError: if a column holds dates, times, numbers in another notation, or numbers and other texts.
    """
    kinds: dict[str, Kind] = {}
    for name in names:
        column = cleaned(table[name])
        otherwise = f"or data.categorical={listed([name])} if they are names of categories"
        kinds[name] = (
            "category"
            if name in categorical
            else kind_of(f"column {name}", name, column, where, otherwise, notation.of_column(column))
        )
    durations = [name for name, kind in kinds.items() if kind == "duration"]
    if durations:
        column = cleaned(table[durations[0]])
        raise InputError(
            f"column {durations[0]} holds times or durations ({examples(column, ~is_missing(column), where)}): leave "
            f"it out by data.exclude={listed(durations)}, or make numbers of it, such as seconds"
        )
    dates = [name for name, kind in kinds.items() if kind == "date"]
    if dates and not dates_as_days:
        raise InputError(
            f"column {dates[0]} holds dates: give data.dates=days to take them as {UNIT}, leave it out by "
            f"data.exclude={listed(dates)}, or make numbers of it, such as the month or the weekday"
        )
    return kinds
