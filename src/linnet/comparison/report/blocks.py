"""What a page of a report is made of. Every text in it is untrusted: it is escaped when the page is rendered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Text:
    """A paragraph. kind: "" or the name of a CSS class: "note", "bad"."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells.

    header: names of the columns; the cells of the first one name their rows.
    rows: as many cells as there are columns, or fewer.
    caption: what the table holds.
    texts: numbers of the columns that hold texts; the others hold numbers, and are aligned right.
    bold: number of the row that stands out; None: none.
    shades: of each cell but the first of a row, 0 (worst) to 9 (best), None for none; empty: no cell is shaded.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    texts: Sequence[int] = (0,)
    bold: int | None = None
    shades: Sequence[Sequence[int | None]] = ()


@dataclass(frozen=True)
class Commands:
    """Lines for a shell, each with what it does."""

    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Code:
    """A file or an output, as it stands."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A PNG picture, and what it shows in words."""

    png: bytes
    alt: str
    caption: str


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    name: in the legend and beside the pointer.
    x, y: its points, in the order of x.
    error: half the length of a bar at each point; empty: no bars.
    colour: number of a colour of the page; None: grey.
    legend: lines of one legend entry are switched together; empty: its own name.
    faint: drawn thin and light, as the loss of single minibatches.
    joined: whether its points are joined.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    error: Sequence[float] = ()
    colour: int | None = 0
    legend: str = ""
    faint: bool = False
    joined: bool = True


@dataclass(frozen=True)
class Chart:
    """Lines that a reader can look at closely.

    title, x_label, y_label: in words.
    lines: at least one.
    summary: the same in numbers.
    log_x, log_y: whether an axis is logarithmic at first.
    shown: smallest and largest y that must be in the picture, where lines may leave it; None: all.
    ticks: values of x that are labelled; empty: round numbers.
    missing: values of x without a result, each with its reason.
    note: what was left out or thinned.
    """

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    summary: Table | None = None
    log_x: bool = False
    log_y: bool = False
    shown: tuple[float, float] | None = None
    ticks: Sequence[float] = ()
    missing: Sequence[tuple[float, str]] = ()
    note: str = ""


@dataclass(frozen=True)
class Charts:
    """Charts side by side, where there is room.

    title: of those that are folded away until they are asked for; empty: they are shown.
    """

    charts: Sequence[Chart]
    title: str = ""


@dataclass(frozen=True)
class Markup:
    """HTML that was made of untrusted text by a renderer that escapes it, such as `linnet.reproduction.readme`."""

    html: str


@dataclass(frozen=True)
class Links:
    """Other pages of a book: (address, title, description) of each."""

    entries: Sequence[tuple[str, str, str]]


Block = Text | Table | Commands | Code | Picture | Chart | Charts | Links | Markup


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it.

    title: of the heading.
    blocks: in their order.
    level: 2, or 3 for a part of the section before it.
    state: of a run, shown beside the title; empty: none.
    """

    title: str
    blocks: Sequence[Block] = ()
    level: int = 2
    state: str = ""


@dataclass(frozen=True)
class Page:
    """A whole page.

    title: of the page.
    lines: below the title.
    sections: in their order.
    links: (address on the same site, text) to other pages of a book.
    """

    title: str
    lines: Sequence[str] = ()
    sections: Sequence[Section] = ()
    links: Sequence[tuple[str, str]] = field(default=())


def as_data(chart: Chart) -> dict[str, Any]:
    """Return what the page's script draws; numbers with six digits, which no screen can tell from all of them."""
    return {
        "title": chart.title,
        "x": {"label": chart.x_label, "log": chart.log_x, "ticks": _short(chart.ticks)},
        "y": {"label": chart.y_label, "log": chart.log_y, "shown": _short(chart.shown or ())},
        "lines": [
            {
                "name": line.name, "legend": line.legend or line.name, "colour": line.colour, "faint": line.faint,
                "joined": line.joined, "x": _short(line.x), "y": _short(line.y), "error": _short(line.error),
            }
            for line in chart.lines
        ],
        "missing": [{"x": x, "reason": reason} for x, reason in chart.missing],
    }  # fmt: skip


def _short(values: Sequence[float]) -> list[float]:
    return [value if isinstance(value, int) else float(f"{value:.6g}") for value in values]
