"""Changes of a file that an accident, or somebody, may have made; each drawn by a generator of random numbers."""

import gzip
import json
import os
import random
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from formats import edit_checkpoint, edit_npy, edit_parquet, edit_safetensors

Mutation = Callable[[Path, random.Random], str]
DECOY = "decoys/precious"
"""A file outside the run, seen from the current directory."""
SPARSE = 3 * 2**30

VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1.5e308, "", "x", "[/red]", "\x1b[31m", "a\nb", "../../../etc/hosts", f"../{DECOY}",
    DECOY, [], {}, [[]], {"a": {}}, ["a", "a"], [10**9, 10**9], 10**9, "\ud800", "a" * 100_000, "linnet.evil.Handler",
    "${oc.env:HOME}",
)  # fmt: skip
BOMB = "\n".join(["b0: &b0 [x, x]", *(f"b{k}: &b{k} [*b{k - 1}, *b{k - 1}, *b{k - 1}]" for k in range(1, 25))])
YAML_TEXTS = (
    "*nothing", "&a [*a]", f"!!python/object/apply:os.remove [{DECOY}]", "!!binary aGVsbG8=", "2001-01-01", ".nan",
    "-.inf", "0x" + "f" * 40, "1:30", "${oc.env:HOME}", "${a.b}", "${.}", "???", "!!int x", "? [a]\n: b", "|", ">-",
    "'", "{", "[" * 100 + "]" * 100, "!!set {a}", "%YAML 9.9", "\x07",
)  # fmt: skip
JSON_TEXTS = (
    "NaN", "-Infinity", "1e999", "1e-999", "-0", "1" * 400, "[" * 100 + "]" * 100, r'"\ud800"', r'"\u0000"', "tru", ",",
    '{"a": 1, "a": 2}', "1e308", "[[1], 2]", '"',
)  # fmt: skip
CELLS = ("", "nan", "inf", "1e999", "-5", "x", '"', "=1+1", "9" * 30, "\x00", "ü", ",", "a" * 100_000, "0.1.2", "1e5")


def mutate(path: Path, rng: random.Random, others: Sequence[Path] = ()) -> tuple[str, bool]:
    """Change a file.

    Args:
        path: an existing file.
        rng: draws how.
        others: of the same run, one of which may take its place.

    Returns:
        What was done, and whether the file's own checksum was made to fit, as its author could.
    """
    raw: list[Mutation] = [flip_bit, truncate, insert, repeat, empty, gone, other_kind]
    formats: dict[str, list[Mutation]] = {
        ".json": [edit_json, edit_json_text], ".yaml": [edit_yaml, edit_yaml_text, edit_yaml_text], ".npy": [edit_npy],
        ".csv": [edit_csv], ".gz": [edit_gzip], ".npz": [edit_npz],
        ".safetensors": [edit_safetensors], ".parquet": [edit_parquet], ".ckpt": [edit_checkpoint],
    }  # fmt: skip
    known = formats.get(path.suffix)
    if others and rng.random() < 0.1:
        return swap(path, rng.choice(others)), False
    if rng.random() < 0.001:
        os.truncate(path, SPARSE)
        return f"{path.name}: grown to {SPARSE} bytes", False
    change = rng.choice(known) if known and rng.random() < 0.6 else rng.choice(raw)
    said = change(path, rng)
    return f"{path.name}: {said}", said.endswith("checksum made to fit")


def swap(path: Path, other: Path) -> str:
    contents = path.read_bytes(), other.read_bytes()
    path.write_bytes(contents[1])
    other.write_bytes(contents[0])
    return f"{path.name} and {other.name} swapped"


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
        path.symlink_to({"link out": Path(DECOY).resolve(), "loop": path.name, "device": "/dev/zero"}[kind])
    return f"replaced by a {kind}"


def edit_json(path: Path, rng: random.Random) -> str:
    node = json.loads(path.read_text(encoding="utf-8"))
    said = edit(node, rng)
    path.write_text(json.dumps(node), encoding="utf-8")
    return said


def edit_json_text(path: Path, rng: random.Random) -> str:
    """Put a text that the writer of the file never makes in the place of a value, or repeat a key."""
    text = path.read_text(encoding="utf-8")
    values = list(re.finditer(r'(?<=: )("[^"\n]*"|[-\w.]+)', text)) or list(re.finditer(r"\d+", text))
    if not values:
        return empty(path, rng)
    at, new = rng.choice(values), rng.choice(JSON_TEXTS)
    path.write_text(text[: at.start()] + new + text[at.end() :], encoding="utf-8")
    return f"{at.group()[:40]} replaced by {new[:40]!r}"


def edit_yaml(path: Path, rng: random.Random) -> str:
    node = yaml.safe_load(path.read_text(encoding="utf-8"))
    said = edit(node, rng)
    path.write_text(yaml.safe_dump(node), encoding="utf-8")
    return said


def edit_yaml_text(path: Path, rng: random.Random) -> str:
    """Write what YAML gives a meaning to: aliases, tags, anchors, interpolations, several documents."""
    lines = path.read_text(encoding="utf-8").splitlines()
    way = rng.randrange(8)
    if way == 0:
        path.write_text("\n".join([BOMB, *lines]))
        return "begins with aliases that multiply"
    if way == 1:
        path.write_text("\n".join([*lines, "---", *lines]))
        return "two documents"
    at = rng.randrange(len(lines) or 1)
    if way == 2:
        path.write_text("\n".join([*lines[:at], *lines[at:][:1], *lines[at:]]))
        return f"line {at} repeated"
    new = rng.choice(YAML_TEXTS)
    if lines:
        key, colon, _ = lines[at].partition(": ")
        lines[at] = f"{key}{colon}{new}" if colon else f"{lines[at].partition('- ')[0]}- {new}"
    path.write_text("\n".join(lines))
    return f"line {at} has {new[:40]!r}"


def edit_csv(path: Path, rng: random.Random) -> str:
    """Change a cell, or the order and number of lines and columns."""
    rows = [line.split(",") for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()]
    if not rows:
        return empty(path, rng)
    i, j = rng.randrange(len(rows)), rng.randrange(len(rows))
    way = rng.randrange(7)
    if way <= 2:
        cell = rng.choice(CELLS)
        rows[i][rng.randrange(len(rows[i]))] = cell
        said = f"a cell of line {i} is {cell[:40]!r}"
    elif way == 3:
        rows[i], rows[j], said = rows[j], rows[i], f"lines {i} and {j} swapped"
    elif way == 4:
        rows.insert(j, rows[i])
        said = f"line {i} again at {j}"
    elif way == 5:
        del rows[i]
        said = f"line {i} left out"
    else:
        rows, said = [[*row, row[-1]] for row in rows], "the last column twice"
    text = "\n".join(",".join(row) for row in rows) + "\n"
    path.write_bytes(text.encode(errors="surrogateescape"))
    return said


def edit_gzip(path: Path, rng: random.Random) -> str:
    """Change the CSV that is compressed."""
    plain = Path("out") / path.stem
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    said = edit_csv(plain, rng)
    path.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    return said


def edit_npz(path: Path, rng: random.Random) -> str:
    """Change an array in the archive, or how it is stored."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        member = Path("out") / names[0]
        member.write_bytes(archive.read(names[0]))
    said = edit_npy(member, rng)
    with zipfile.ZipFile(path, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        archive.write(member, rng.choice((names[0], names[0], "y.npy", "x", "../x.npy")))
    member.unlink()
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
    return f"{key} = {parent[key]!r:.60}"


def _keys(node: Any) -> list[Any]:
    return list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
