"""Pieces of HTML for notebooks: every text is escaped, there is no script, no style sheet and no address.

Looks are inline and take the colours of the page, light or dark.
"""

import html
from collections.abc import Collection, Iterable, Sequence

from linnet.results.svg import COLOURS
from linnet.system.sanitize import plain

LONGEST, LONGEST_CELL = 120, 48
"""Characters of a text and of a cell, which may be anybody's; longer ones are cut."""
CELL = "padding:0.15em 0.7em;border:0;white-space:nowrap;font-variant-numeric:tabular-nums"
FAINT = "opacity:0.65"


def escaped(text: object, longest: int = LONGEST) -> str:
    """Return text in one line, without control characters, as HTML that shows it as it stands."""
    return html.escape(plain(text, longest))


def page(title: str, lines: Iterable[str], table: str = "", picture: str = "") -> str:
    """Return a result: a bold title, lines of HTML, and a table and a picture side by side where there is room."""
    head = f'<div style="font-weight:600">{escaped(title)}</div>'
    body = f'<div style="flex:0 1 auto;min-width:0;max-width:100%">{table}</div>' if table else ""
    body += f'<div style="flex:1 1 320px;max-width:480px">{picture}</div>' if picture else ""
    return (
        f'<div style="max-width:100%;line-height:1.4">{head}{"".join(f"<div>{line}</div>" for line in lines)}'
        f'<div style="display:flex;flex-wrap:wrap;gap:0.5em 2em;align-items:flex-start;margin-top:0.4em">{body}</div>'
        f"</div>"
    )


def faint(text: object, longest: int = LONGEST) -> str:
    """Return escaped text in a lighter shade."""
    return f'<span style="{FAINT}">{escaped(text, longest)}</span>'


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    texts: Collection[str] = (),
    bold: int | None = None,
) -> str:
    """Return a table whose cells are escaped.

    Args:
        header: names of the columns.
        rows: cells, as many as there are columns or fewer.
        texts: names of columns that hold texts; the others hold numbers.
        bold: number of the row that stands out.
    """
    align = ["left" if name in texts else "right" for name in header]
    rule = "border-bottom:1px solid currentColor"
    head = "".join(
        f'<th style="{CELL};text-align:{side};{rule}">{escaped(name, LONGEST_CELL)}</th>'
        for name, side in zip(header, align, strict=True)
    )
    body = []
    for number, row in enumerate(rows):
        weight = ";font-weight:600" if number == bold else ""
        cells = "".join(
            f'<td style="{CELL};text-align:{side}{weight}">{escaped(cell, LONGEST_CELL)}</td>'
            for cell, side in zip([*row, *[""] * (len(header) - len(row))], align, strict=True)
        )
        body.append(f"<tr>{cells}</tr>")
    return (
        f'<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:0"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def legend(entries: Iterable[tuple[str, int]]) -> str:
    """Return a line that names the colours of a chart: pairs of a text and an index into `COLOURS`."""
    marks = (
        f'<span style="white-space:nowrap;margin-right:1em"><span style="color:{COLOURS[colour % len(COLOURS)]}">━━'
        f"</span> {escaped(text, 60)}</span>"
        for text, colour in entries
    )
    return f'<div style="font-size:85%">{" ".join(marks)}</div>'
