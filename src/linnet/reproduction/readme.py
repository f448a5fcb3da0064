"""Render the Markdown of a README as HTML that is safe to show, also if the text is untrusted.

HTML in it is shown as text. Links lead to other pages of the same book or to the web; pictures are PNG and SVG files
beside it.
"""

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from linnet.comparison.report.page import data_address
from linnet.comparison.report.pictures import read_drawing, read_picture
from linnet.system.reading import MIB, read_text
from linnet.system.sanitize import plain, printable

README = "README.md"
LIMIT = MIB
COMMENT = re.compile(r"<!--.*-->", re.DOTALL)
"""A paragraph that is not shown, as a browser would not."""


def read_readme(path: Path) -> str:
    """Return the text of a README, empty if there is none, without control characters."""
    try:
        return printable(read_text(path, limit=LIMIT, errors="replace"))
    except (OSError, ValueError):
        return ""


def title_of(text: str) -> str:
    """Return the first heading of a README; empty if it has none."""
    return next((plain(line[2:].strip(), 200) for line in text.splitlines() if line.startswith("# ")), "")


def question_of(text: str) -> str:
    """Return what stands behind **Question.**; empty if nothing does."""
    paragraph = text.partition("**Question.**")[2].split("\n\n")[0]
    return plain(" ".join(paragraph.split()), 600)


def book_of(text: str) -> list[str]:
    """Return the titles that the links behind **Book.** have, as "3.7 Weight Decay"."""
    paragraph = " ".join(text.partition("**Book.**")[2].split("\n\n")[0].split())
    return [plain(title, 100) for title in re.findall(r"\[(\d+\.\d+ [^\]]+)\]", paragraph)]


def markdown(text: str, folder: Path, pages: Mapping[str, str] | None = None) -> str:
    """Return Markdown as HTML, without its first heading.

    Args:
        text: as of `read_readme`.
        folder: of the README; its pictures must lie there.
        pages: name of an experiment -> address of its page, for links to its README; None: such links become text.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    comments = {
        number for number, token in enumerate(tokens) if token.type == "inline" and COMMENT.fullmatch(token.content)
    }
    tokens = [token for number, token in enumerate(tokens) if not {number - 1, number, number + 1} & comments]
    for token in tokens:
        token.attrs.pop("style", None)  # which the page's policy would refuse
        if token.type == "table_open":
            token.attrSet("class", "plain")
        if token.children:
            token.children = _inline(token.children, folder, pages or {})
    return str(parser.renderer.render(tokens, parser.options, {}))


def _inline(tokens: list[Token], folder: Path, pages: Mapping[str, str]) -> list[Token]:
    """Return the parts of a paragraph with links and pictures that lead nowhere else."""
    found: list[Token] = []
    kept: list[bool] = []  # whether each link that is open stays one
    for token in tokens:
        if token.type == "link_open":
            address = _address(str(token.attrs.get("href", "")), pages)
            kept.append(address is not None)
            if address is not None:
                token.attrs = {"href": address}
                found.append(token)
        elif token.type == "link_close":
            if kept.pop():
                found.append(token)
        elif token.type == "image":
            picture = _picture(str(token.attrs.get("src", "")), folder)
            if picture is None:
                found.append(Token("text", "", 0, content=token.content))
            else:
                token.attrs["src"] = picture
                token.attrs.pop("title", None)
                found.append(token)
        else:
            found.append(token)
    return found


def _address(link: str, pages: Mapping[str, str]) -> str | None:
    if link.startswith(("https://", "http://")):
        return link
    parts = posixpath.normpath(link.partition("#")[0]).split("/")
    name = parts[-2] if len(parts) > 1 and parts[-1] == README else parts[-1]
    return pages.get(name)


def _picture(source: str, folder: Path) -> str | None:
    """Return the content of a picture as an address; None for what is no picture beside the README."""
    if "/" in source:
        return None
    if source.endswith(".svg"):
        svg = read_drawing(folder / source, folder)
        return None if svg is None else data_address(svg, "svg+xml")
    png = read_picture(folder / source, folder) if source.endswith(".png") else None
    return None if png is None else data_address(png)
