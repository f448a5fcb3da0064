"""Changes of a file of a run that an accident, or somebody, may have made; each drawn by a seed."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1.5e308, "", "x", "[/red]", "\x1b[31m", "a\nb", "../../../etc/hosts", [], {}, [[]],
    {"a": {}}, ["a", "a"], "linnet.evil.Handler", "${oc.env:HOME}",
)  # fmt: skip


def mutate(path: Path, rng: random.Random) -> str:
    """Change a file, and say how. The kind follows from the file's name and the generator."""
    kinds: list[Callable[[Path, random.Random], str]] = [flip_bit, truncate, insert, repeat, empty, gone, other_kind]
    if path.suffix == ".json":
        kinds += [edit_json] * len(kinds)
    if path.suffix == ".yaml":
        kinds += [edit_yaml] * len(kinds)
    return f"{path.name}: {rng.choice(kinds)(path, rng)}"


def flip_bit(path: Path, rng: random.Random) -> str:
    content = bytearray(path.read_bytes() or b"\0")
    place = rng.randrange(len(content))
    content[place] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return f"a bit of byte {place} flipped"


def truncate(path: Path, rng: random.Random) -> str:
    content = path.read_bytes()
    length = rng.randrange(len(content) + 1)
    path.write_bytes(content[:length])
    return f"cut to {length} bytes"


def insert(path: Path, rng: random.Random) -> str:
    content = path.read_bytes()
    place, more = rng.randrange(len(content) + 1), rng.randbytes(rng.choice((1, 8, 4096)))
    path.write_bytes(content[:place] + more + content[place:])
    return f"{len(more)} bytes inserted at {place}"


def repeat(path: Path, rng: random.Random) -> str:
    content = path.read_bytes()
    start = rng.randrange(len(content) + 1)
    path.write_bytes(content + content[start:])
    return f"repeated from {start}"


def empty(path: Path, rng: random.Random) -> str:
    path.write_bytes(
        rng.choice((b"", b"\n", b"{}", b"[]", b"null", b"[" * 100_000, b"1" * 5000, b"\xff\xfe", b"- " * 5000))
    )
    return "replaced by almost nothing"


def gone(path: Path, rng: random.Random) -> str:
    path.unlink()
    return "removed"


def other_kind(path: Path, rng: random.Random) -> str:
    path.unlink()
    kind = rng.choice(("pipe", "link out", "loop", "directory", "device"))
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to({"link out": "/etc/hosts", "loop": path.name, "device": "/dev/zero"}[kind])
    return f"replaced by a {kind}"


def edit_json(path: Path, rng: random.Random) -> str:
    node = json.loads(path.read_text(encoding="utf-8"))
    said = edit(node, rng)
    path.write_text(json.dumps(node), encoding="utf-8")
    return said


def edit_yaml(path: Path, rng: random.Random) -> str:
    node = yaml.safe_load(path.read_text(encoding="utf-8"))
    said = edit(node, rng)
    path.write_text(yaml.safe_dump(node), encoding="utf-8")
    return said


def edit(node: Any, rng: random.Random) -> str:
    """Change one value, key or entry at any depth of nested dicts and lists."""
    places = [(node, key) for key in _keys(node)]
    for parent, key in places:  # grows
        places += [(parent[key], below) for below in _keys(parent[key])]
    if not places:
        return "nothing to edit"
    parent, key = rng.choice(places)
    if rng.random() < 0.2:
        del parent[key]
        return f"{key} deleted"
    if isinstance(parent, dict) and rng.random() < 0.2:
        parent[f"{key}x"] = parent.pop(key)
        return f"{key} renamed"
    parent[key] = rng.choice(VALUES)
    return f"{key} = {parent[key]!r}"


def _keys(node: Any) -> list[Any]:
    return list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
