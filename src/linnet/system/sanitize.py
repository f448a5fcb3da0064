"""Sanitize untrusted text for terminal output."""

import re
from typing import Any

LONGEST = 60
DIGEST = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")  # of a commit, or a sha256


def leaf(value: Any) -> Any:
    """Return a value of untrusted JSON for a report: as it is, or in one line if it is no plain value."""
    return value if value is None or isinstance(value, (bool, int)) else plain(value)


def plain(value: Any, longest: int = LONGEST) -> str:
    """Return one line without control characters, cut to `longest` characters; a digest is cut to 12 digits."""
    text = value if isinstance(value, str) else f"a {type(value).__name__}" if _is_nested(value) else f"{value}"
    text = "".join(char if char.isprintable() else "�" for char in text)
    if DIGEST.fullmatch(text):
        return text[:12]
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _is_nested(value: Any) -> bool:
    return isinstance(value, (dict, list))
