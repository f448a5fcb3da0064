"""Decode JSON and YAML that anybody may have written, within limits of depth, digits and repetition."""

import json
from typing import Any

DEPTH = 64
"""Lists and dictionaries inside one another."""
NODES = 100_000
"""Values of a YAML file, those that its aliases repeat included."""
DIGITS = 40
"""Of a whole number; those of 64 bits have 19."""


def decode_json(text: str) -> Any:
    """Return what a JSON text holds.

    Raises:
        ValueError: it is no JSON, or too deep, or holds numbers that linnet never writes.
    """
    try:
        content = _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError(f"it is nested more than {DEPTH} deep") from error
    if text.count("[") + text.count("{") > DEPTH:
        _check_depth(content)
    return content


def _whole_number(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"it has a number of {len(text)} digits")
    return int(text)


def _no_constant(name: str) -> None:
    raise ValueError(f"it has {name}, which is not JSON")


_DECODER = json.JSONDecoder(parse_int=_whole_number, parse_constant=_no_constant)


def _check_depth(content: Any) -> None:
    """Raise ValueError if lists and dictionaries are nested deeper than `DEPTH`."""
    level = [content]
    for _ in range(DEPTH):
        level = [
            below
            for node in level
            if isinstance(node, (dict, list))
            for below in (node.values() if isinstance(node, dict) else node)
            if isinstance(below, (dict, list))
        ]
        if not level:
            return
    raise ValueError(f"it is nested more than {DEPTH} deep")


def safe_loader() -> Any:
    """Return PyYAML's safe loader, the one in C where there is one."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def check_yaml(text: str) -> None:
    """Raise ValueError if a document is too deep, or too large once its aliases are written out."""
    if "*" not in text and sum(map(text.count, ("[", "{", "- ", "? ", "  "))) <= DEPTH:
        return  # at once: most files are small
    import yaml

    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, Loader=safe_loader()):
        if isinstance(event, yaml.AliasEvent):
            total += sizes.get(event.anchor, 1)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            open_nodes.append((event.anchor, total))
            total += 1
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            anchor, before = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = total - before
        if total > NODES:
            raise ValueError(f"it holds more than {NODES} values, once its aliases are written out")
        if len(open_nodes) > DEPTH:
            raise ValueError(f"it is nested more than {DEPTH} deep")
