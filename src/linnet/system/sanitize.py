"""Sanitize untrusted text for terminal output."""

import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

LONGEST = 60
HARMLESS = "\n\t\u200c\u200d"
"""Not printable, and kept: line ends, tabs, and the joiners of Persian, Hindi and composed emoji."""
DIGEST = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")  # of a commit, or a sha256


def leaf(value: Any) -> Any:
    """Return a value of untrusted JSON for a report: as it is, or in one line if it is no plain value."""
    return value if value is None or isinstance(value, (bool, int)) else plain(value)


def printable(text: str) -> str:
    """Return text with control and direction characters, which a terminal would obey, written out as escapes."""
    return text if text.isprintable() else "".join(map(_written_out, text))


def _written_out(char: str) -> str:
    obeyed = unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char not in HARMLESS
    return char.encode("unicode_escape").decode() if obeyed else char


def print_note(text: str) -> None:
    """Print a remark of a command on stderr, beside what it prints or writes."""
    print(f"note: {printable(text)}", file=sys.stderr)


def plain(value: Any, longest: int = LONGEST) -> str:
    """Return one line without control characters, cut to `longest` characters; a digest is cut to 12 digits."""
    text = f"a {type(value).__name__}" if isinstance(value, (dict, list)) else f"{value}"
    text = "".join(char if char.isprintable() else "�" for char in text)
    if DIGEST.fullmatch(text):
        return text[:12]
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def shown(path: Path) -> Path:
    """Return a path as a person would type it here: relative, if it lies below the current directory."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def is_text(value: str) -> bool:
    """Return whether a string has a form in UTF-8: half of a surrogate pair, as JSON can name it, has none."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
