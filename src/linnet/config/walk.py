"""Every entry of a configuration in plain containers."""

from collections.abc import Iterator
from typing import Any


def walk(node: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield (dotted path, last key, value) of every entry of nested dicts and lists."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        here = f"{path}.{key}" if path else str(key)
        yield here, str(key), value
        yield from walk(value, here)
