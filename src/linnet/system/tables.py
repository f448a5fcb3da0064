"""Tables that fit a terminal: no column shrinks to nothing, and no word or number is broken.

rich narrows columns until nothing of them is left. Here a table too wide is first folded between words and parts of
keys, and then divided into several tables that repeat the columns by which their rows are distinguished.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

BETWEEN = re.compile(r"\s+|(?<=[/,=])(?=\S)|(?<=[^\W\d]\.)(?=[^\W\d])")
"""Where a cell may be folded: at spaces, and behind the signs that divide paths, keys and lists, but not numbers."""
BORDERS = 3
"""Characters that a column of a table takes besides its text; the table itself takes one more."""
COMPACT: dict[str, Any] = {"box": SIMPLE_HEAD, "pad_edge": False, "padding": (0, 1, 0, 0), "borders": 2}
"""Options of a table without lines between columns, for many numbers."""

Cell = str | Text


@dataclass(frozen=True)
class Column:
    """A column of a table.

    whole: its cells are never folded, as numbers with their errors.
    """

    name: str
    justify: Literal["left", "center", "right"] = "left"
    whole: bool = False


def print_table(
    console: Console, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, keys: int = 1,
    title: str | None = None, sections: Sequence[int] = (), borders: int = BORDERS, **options: Any,
) -> None:  # fmt: skip
    """Print a table, as several where the console is too narrow for one.

    Args:
        console: where, and how wide.
        columns: of the table.
        rows: cells; short rows are filled up with empty ones.
        keys: number of the first columns, which tell the rows and are repeated.
        title: printed above.
        sections: numbers of the rows that a line is drawn below.
        borders: as `BORDERS`.
        options: as for rich's Table.
    """
    if title is not None:
        console.print(title, style="bold", soft_wrap=True)
    filled = [[*row, *[""] * (len(columns) - len(row))] for row in rows]
    for part, widths in fitted(columns, filled, keys, console.width, borders):
        table = Table(**options)
        for i, width in zip(part, widths, strict=True):
            header = "\n".join(_folded(columns[i].name, width))
            table.add_column(Text(header), justify=columns[i].justify, width=width, overflow="fold")
        for number, row in enumerate(filled):
            cells = [_cell(row[i], width) for i, width in zip(part, widths, strict=True)]
            table.add_row(*cells, end_section=number in sections)
        console.print(table)


def fitted(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], keys: int, width: int, borders: int = BORDERS
) -> list[tuple[list[int], list[int]]]:
    """Return the tables that columns are divided into: the numbers of the columns of each, and their widths."""
    natural, as_cells, least = [], [], []
    for i, column in enumerate(columns):
        cells = [_plain(row[i]) for row in rows]
        widest = max([1, *(cell_len(line) for cell in cells for line in cell.split("\n"))])
        natural.append(max(widest, cell_len(column.name)))
        parts = [*_parts(column.name), *(cells if column.whole else (part for cell in cells for part in _parts(cell)))]
        least.append(max([1, *map(cell_len, parts)]))
        as_cells.append(max(widest, *map(cell_len, [" ", *_parts(column.name)])))
    first, width = list(range(keys)), width - 1
    tables = [first[:]]
    for i in range(keys, len(columns)):
        if len(tables[-1]) > keys and sum(least[j] + borders for j in (*tables[-1], i)) > width:
            tables.append(first[:])
        tables[-1].append(i)
    floors = as_cells, least, [1] * len(columns)  # headers are folded first
    return [
        (
            part,
            _narrowed(
                [natural[i] for i in part], [[floor[i] for i in part] for floor in floors], width - borders * len(part)
            ),
        )
        for part in tables
    ]


def _narrowed(natural: Sequence[int], floors: Sequence[Sequence[int]], width: int) -> list[int]:
    """Return widths whose sum fits, the widest narrowed first, below one floor where no other way is left."""
    widths = list(natural)
    for floor in floors:
        while sum(widths) > width:
            spare = [i for i, taken in enumerate(widths) if taken > floor[i]]
            if not spare:
                break
            widths[max(spare, key=lambda i: widths[i])] -= 1
    return widths


def _cell(cell: Cell, width: int) -> Text:
    return cell if isinstance(cell, Text) else Text("\n".join(_folded(cell, width)))


def _plain(cell: Cell) -> str:
    return cell.plain if isinstance(cell, Text) else cell


def _parts(text: str) -> list[str]:
    return [part for part in BETWEEN.split(text) if part]


def _folded(text: str, width: int) -> Iterator[str]:
    """Yield lines of at most this width; a part that is longer goes on in the next line."""
    for given in text.split("\n"):
        line, end = "", 0
        for match in [*BETWEEN.finditer(given), None]:
            start = len(given) if match is None else match.start()
            part, between = given[end:start], "" if match is None else match.group()
            if line.strip() and cell_len(line + part) > width:
                yield line.rstrip()
                line = ""
            line += part
            while cell_len(line) > width:
                most = next(n for n in range(len(line), 0, -1) if n == 1 or cell_len(line[:n]) <= width)
                yield line[:most]
                line = line[most:]
            line += between
            end = len(given) if match is None else match.end()
        yield line.rstrip()
