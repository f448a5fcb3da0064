"""Render a page: one HTML file that holds its style, scripts, numbers and pictures, and may fetch nothing.

Its Content-Security-Policy admits its scripts and its style by their hashes, pictures that are part of the page, and
nothing else.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from linnet.comparison.report.blocks import Chart, Charts, Page, Picture, as_data
from linnet.system.sanitize import printable

LONGEST = 20_000
"""Characters of a text, beyond which it is cut: a file of code is the longest."""
UPLOT = "uPlot.iife.min.js"
SCRIPTS = (UPLOT, "charts.js")
STYLES = ("uPlot.min.css", "page.css")
SUMS = "uPlot.sha256"


def render(page: Page) -> str:
    """Return the page as HTML. All texts in it are escaped, and control characters written out."""
    charts = list(_charts(page))
    scripts, styles = ([_asset(name) for name in names] for names in (SCRIPTS, STYLES))
    style = "\n".join(styles)
    return _template().render(
        page=page,
        policy=_policy(scripts if charts else [], style),
        style=Markup(style),
        scripts=[Markup(script) for script in scripts] if charts else [],
        data=embedded([as_data(chart) for chart in charts]),
        number={id(chart): index for index, chart in enumerate(charts)},
    )


def _charts(page: Page) -> Iterator[Chart]:
    for section in page.sections:
        for block in section.blocks:
            if isinstance(block, Chart):
                yield block
            elif isinstance(block, Charts):
                yield from block.charts


def embedded(content: object) -> Markup:
    """Return content as JSON that no text in it can end the script element around."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)  # ASCII only
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _policy(scripts: list[str], style: str) -> str:
    allowed = " ".join(map(_hash, scripts)) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; img-src data:; base-uri 'none'; "
        f"form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _shown(value: object) -> object:
    """Return a value of the template as it is printed: text without control characters, and not endless."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = printable(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def data_address(content: bytes, kind: str = "png") -> str:
    """Return the address of a picture that is part of a page. kind: "png" or "svg+xml"."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _source(picture: Picture) -> str:
    return data_address(picture.png)


@cache
def _asset(name: str) -> str:
    return (files("linnet.comparison.report") / "assets" / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_shown, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "kind": lambda block: type(block).__name__,
        "identity": id,
        "source": _source,
        "safe": Markup,
    }
    return environment.from_string(_asset("page.html"))
