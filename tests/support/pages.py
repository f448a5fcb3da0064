"""What a page of a report holds, found by the parser of the standard library, and what may not be in it."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

SCRIPT = "</script><script>document.title='run'</script>"
PICTURE = "<img src=x onerror=document.title='run'>"
"""Texts of strangers that must be shown as they stand."""
VOID = {"meta", "img", "br", "hr", "link"}
HTTP = re.compile(r"https?:")


class Parsed(HTMLParser):
    """elements: (tag, attributes, text within, without that of inner elements) of each, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[int] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.elements[self._open.pop()][0] == tag, f"{tag} ends where another element is open"

    def handle_data(self, data: str) -> None:
        if self._open:
            self.elements[self._open[-1]][2].append(data)

    def texts(self, tag: str) -> list[str]:
        return ["".join(text).strip() for name, _, text in self.elements if name == tag]

    @property
    def text(self) -> str:
        shown = [text for name, _, text in self.elements if name not in ("script", "style")]
        return " ".join(" ".join("".join(text).split()) for text in shown)

    def rows(self, heading: str) -> list[list[str]]:
        """Cells of the rows of the table whose caption contains `heading`."""
        names = [name for name, _, _ in self.elements]
        captions = (
            i for i, (name, _, text) in enumerate(self.elements) if name == "caption" and heading in "".join(text)
        )
        start = next(captions)
        end = next((i for i in range(start, len(names)) if names[i] == "table"), len(names))
        found: list[list[str]] = []
        for name, _, text in self.elements[start:end]:
            if name == "tr":
                found.append([])
            elif name in ("th", "td"):
                found[-1].append("".join(text))
        return found


def charts(html: str) -> list[dict[str, Any]]:
    """What the page's script draws."""
    found = [text for name, attrs, text in Parsed(html).elements if attrs.get("id") == "charts"]
    return json.loads("".join(found[0])) if found else []


def check(html: str) -> Parsed:
    """Check that a page fetches nothing and runs its own scripts only, and return it parsed."""
    page = Parsed(html)
    policy = next(attrs["content"] for _, attrs, _ in page.elements if attrs.get("http-equiv"))
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"
    for name, attrs, text in page.elements:
        assert not [key for key in attrs if key.startswith("on") or key in ("style", "srcset", "srcdoc", "action")], (
            attrs
        )
        assert name not in ("link", "iframe", "object", "embed", "base", "form", "audio", "video"), name
        kinds = ("data:image/png;base64,", "data:image/svg+xml;base64,")
        assert attrs.get("src", kinds[0]).startswith(kinds)
        address = attrs.get("href", "#")
        assert address.startswith(("#", "https://", "http://")) or re.fullmatch(r"[\w/. -]+\.html", address), address
        assert name == "a" or not HTTP.search(" ".join(attrs.values())), attrs
        if name in ("script", "style") and attrs.get("type") != "application/json":
            content = "".join(text)
            assert digest(content) in rules[f"{name}-src"].split(), "a script or style that the policy refuses"
            assert not re.search(r"@import|url\(|import\s*\(|fetch\(|XMLHttpRequest|WebSocket|sendBeacon", content)
    return page


def digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
