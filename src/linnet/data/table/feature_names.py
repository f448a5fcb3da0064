"""Unique names of features."""

from collections import Counter
from collections.abc import Sequence

from linnet.data.table.column import Column

RESERVED = "bias"
"""What results call the constant term."""


def distinct_names(columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the names of all features, in their order, each on one line.

    Names that would be the same, as of level `x` of category `c` and of a column `c=x`, are `c='x'` and `c=x`; a column
    `bias` is `bias (column)`.
    """
    usual = [name for column in columns for name in column.features]
    counts = Counter([*usual, RESERVED])
    names: list[str] = []
    taken = {name for name in usual if counts[name] == 1} | {RESERVED}
    for column in columns:
        for i, name in enumerate(column.features):
            if counts[name] > 1:
                level = column.kind == "category" and name != f"{column.name} missing"
                own = i == 0 and column.kind != "category"
                rest = name.removeprefix(column.name)
                clear = f"{column.name}='{rest[1:]}'" if level else name if own else f"{column.name} (missing)"
                while clear in taken:
                    clear += " (column)"
                taken.add(clear)
                name = clear
            names.append(" ".join(name.splitlines()))
    return tuple(names)


def renamed(columns: Sequence[Column]) -> list[str]:
    """Return one note per feature that was renamed because its usual name is taken."""
    usual = [name for column in columns for name in column.features]
    return [
        f"feature {was} is called {name} in results, since another has that name"
        for was, name in zip(usual, distinct_names(columns), strict=True)
        if name != " ".join(was.splitlines())
    ]
