"""Changes of binary files that keep to their formats: headers that lie, parts repeated, checksums made to fit."""

import hashlib
import io
import json
import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from linnet.tracking.checkpoint_file import COMMENT, DIGEST

DTYPES = ("F64", "F32", "F16", "BF16", "I64", "I32", "U8", "BOOL", "F8_E4M3", "C64", "X", "", None, 3)
SHAPES: tuple[Any, ...] = (
    [], [0], [1], [-1, 64], [2**31, 2**31], [2**63, 2], [10**9, 10**9], [1.5, 2], ["1"], None, 7, [[1]], [True, 64],
    [1] * 40,
)  # fmt: skip
METADATA: tuple[Any, ...] = ({}, None, [], {"linnet": "{}"}, {"linnet": "[" * 5000}, {"linnet": 3}, {"a": "b"})
NPY_SHAPES = (
    "()", "(0,)", "(-1, 64)", "(True, 64)", "(10**9, 10**9)", "(1000000000000, 1)", "(2.0, 3)", "('1',)", "None", "[3]",
    "(9223372036854775808,)", "(3,)", "(1,) * 40", "(1, 1, 1, 1, 1, 1, 1)",
)  # fmt: skip
NPY_DTYPES = (
    "'|O'", "'<f4'", "'>f8'", "'<f2'", "'<i8'", "'|u1'", "'|b1'", "'<U4'", "'|S3'", "'|V8'", "'<M8[s]'", "'<c16'",
    "'x'", "''", "None", "[('a', '<f8')]", "'<f16'", "'(2,)<f8'", "'<U0'", "{'names': []}",
)  # fmt: skip


def edit_safetensors(path: Path, rng: random.Random) -> str:
    """Change the header: dtypes, shapes, offsets, names, metadata, its own length."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    names = [name for name in header if name != "__metadata__"]
    name, other, way = rng.choice(names), rng.choice(names), rng.randrange(11)
    if way == 0:
        header[name]["dtype"] = rng.choice(DTYPES)
        said = f"{name} has dtype {header[name]['dtype']}"
    elif way == 1:
        header[name]["shape"] = rng.choice(SHAPES)
        said = f"{name} has shape {header[name]['shape']}"
    elif way == 2:
        shape = header[name]["shape"]
        header[name]["shape"] = rng.choice(([1, *shape], [*shape, 1], shape[::-1], [_product(shape)]))
        said = f"{name} has another rank: {header[name]['shape']}"
    elif way == 3:
        header[name], header[other] = header[other], header[name]
        said = f"{name} and {other} swapped"
    elif way == 4:
        start, end = header[name]["data_offsets"]
        header[name]["data_offsets"] = rng.choice(
            ([end, start], [start, end + 8], [-8, end], [start, 2**63], [0, 0], [], None, [start + 1, end + 1])
        )
        said = f"{name} is at {header[name]['data_offsets']}"
    elif way == 5:
        header[rng.choice(("", "x", "bias", "weight", "__metadata__", "../x", "a\nb"))] = header.pop(name)
        said = f"{name} renamed"
    elif way == 6:
        del header[name]
        said = f"{name} left out"
    elif way == 7:
        header["__metadata__"] = rng.choice(METADATA)
        said = f"metadata {header['__metadata__']!r:.40}"
    elif way == 8 and "__metadata__" in header and "linnet" in header["__metadata__"]:
        words = json.loads(header["__metadata__"]["linnet"])
        words[rng.choice([*words, "x"])] = rng.choice((None, [], {}, "x", 10**400, -1, True))
        header["__metadata__"]["linnet"] = json.dumps(words)
        said = "its words edited"
    elif way == 9:
        data = struct.pack("<d", rng.choice((float("nan"), float("inf"), 1e308, 5e-324))) + data[8:]
        said = "its first number is extreme"
    else:
        text = json.dumps(header).encode()
        lie = rng.choice((0, 1, 7, len(text) + 8, len(content), 10**8, 2**40, 2**63, 2**64 - 1))
        path.write_bytes(lie.to_bytes(8, "little") + text + data)
        return f"its header claims {lie} bytes"
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return said


def edit_npy(path: Path, rng: random.Random) -> str:
    """Change the header: shape, order, dtype, version, its own length."""
    content = path.read_bytes()
    (length,) = struct.unpack("<H", content[8:10])
    text, data, version = content[10 : 10 + length].decode("latin1"), content[10 + length :], content[6:8]
    header = {key: repr(value) for key, value in eval(text, {}).items()}  # of a file that numpy has just written
    way = rng.randrange(7)
    if way <= 1:
        header["shape"] = rng.choice(NPY_SHAPES)
    elif way <= 3:
        header["descr"] = rng.choice(NPY_DTYPES)
    elif way == 4:
        header["fortran_order"] = rng.choice(("True", "1", "'x'", "None"))
    elif way == 5:
        header[rng.choice(("'x'", "more", "shape"))] = "__import__('os').remove('decoys/precious')"
    else:
        version = bytes(rng.choice(((0, 0), (1, 1), (2, 0), (3, 0), (9, 9), (255, 255))))
    text = "{" + ", ".join(f"{key!r}: {value}" for key, value in header.items()) + ", }\n"
    lie = rng.choice((0, len(text) + 1, 65535)) if rng.random() < 0.1 else len(text)
    path.write_bytes(content[:6] + version + struct.pack("<H", lie) + text.encode("latin1") + data)
    return f"version {tuple(version)}, header of {lie} bytes: {text.strip()[:200]}"


def edit_parquet(path: Path, rng: random.Random) -> str:
    """Change bytes of the metadata, its length, or write the table with other types, names or codecs."""
    content = bytearray(path.read_bytes())
    length = int.from_bytes(content[-8:-4], "little")
    way = rng.randrange(8)
    if way <= 2:
        for _ in range(rng.choice((1, 1, 3))):
            content[-8 - 1 - rng.randrange(length)] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        said = "bytes of its metadata changed"
    elif way == 3:
        lie = rng.choice((0, 1, length - 1, length + 1, len(content), 2**31 - 1, 2**32 - 1))
        content[-8:-4], said = lie.to_bytes(4, "little"), f"its metadata claims {lie} bytes"
    elif way == 4:
        content, said = content[: len(content) // 2] + content[-length - 8 :], "half of its pages left out"
    else:
        table = parquet.read_table(path)
        k = rng.randrange(table.num_columns)
        name, n = table.column_names[k], table.num_rows
        odd = rng.choice((
            pa.nulls(n), pa.array([[1.0]] * n), pa.array([{"a": 1}] * n), pa.array([b"\xff"] * n),
            pa.array([2**62] * n), pa.array([float("nan")] * n), pa.array(["x"] * n), pa.array([True, None] * n)[:n],
            pa.array(["a"] * n).dictionary_encode(), pa.array([0] * n, pa.timestamp("ns", "UTC")),
            pa.array([0] * n, pa.duration("s")), pa.array([None] * n, pa.float64()),
            pa.array([1] * n, pa.decimal128(38, 5)),
            pa.array(["x" * 100_000] * n),
        ))  # fmt: skip
        names = [*table.column_names]
        if way == 5:
            table, said = table.set_column(k, name, odd), f"{name} is {odd.type}"
        elif way == 6:
            names[k] = rng.choice(("", names[0], "x", "a\nb", "\x1b[31m", "__index_level_0__", "a" * 10_000))
            table, said = table.rename_columns(names), f"{name} is called {names[k][:20]!r}"
        else:
            table, said = (
                rng.choice((table.slice(0, 0), table.select([]), table.slice(0, 1))),
                "rows or columns left out",
            )
        parquet.write_table(table, path, compression=rng.choice(("none", "gzip", "zstd", "snappy")))
        return said
    path.write_bytes(content)
    return said


def edit_checkpoint(path: Path, rng: random.Random) -> str:
    """Change the zip archive of a checkpoint; its checksum is mostly made to fit."""
    archive = path.read_bytes()[: -DIGEST - len(COMMENT)]
    with zipfile.ZipFile(io.BytesIO(archive + b"\0\0")) as opened:
        parts = [(info.filename, opened.read(info)) for info in opened.infolist()]
    k, way = rng.randrange(len(parts)), rng.randrange(8)
    name, data = parts[k]
    compression = zipfile.ZIP_STORED
    if way == 0:
        parts.append((name, rng.choice((data, b"", rng.choice(parts)[1]))))
        said = f"{name} twice"
    elif way == 1:
        parts.pop(k)
        said = f"{name} left out"
    elif way == 2:
        parts[k] = (rng.choice(("", "../x", f"../{name}", name.upper(), name.replace("data", "d"))), data)
        said = f"{name} renamed"
    elif way == 3:
        parts[k], compression = (name, bytes(2**20 * rng.choice((1, 64)))), zipfile.ZIP_DEFLATED
        said = f"{name} unpacks to zeros"
    elif way == 4 and data:
        place = rng.randrange(len(data))
        parts[k] = (name, data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :])
        said = f"a bit of {name} flipped"
    elif way == 5:
        parts[k] = (name, data[: rng.randrange(len(data) + 1)])
        said = f"{name} cut"
    elif way == 6:
        i = rng.randrange(len(parts))
        (first, a), (second, b) = parts[k], parts[i]
        parts[k], parts[i] = (first, b), (second, a)
        said = f"{first} and {second} swapped"
    else:
        said = "sizes of its parts are lies"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as written:
        for part, content in parts:
            written.writestr(zipfile.ZipInfo(part) if compression == zipfile.ZIP_STORED else part, content)
    new = bytearray(buffer.getvalue()[:-2])
    if way == 7 or said == "sizes of its parts are lies":
        entry = new.find(rng.choice((b"PK\x01\x02", b"PK\x03\x04")), rng.randrange(len(new) // 2))
        at = entry + (20 if new[entry + 2] == 1 else 18) + 4 * rng.randrange(2)
        new[at : at + 4] = rng.choice((0, 1, 2**20, 2**31, 2**32 - 1)).to_bytes(4, "little")
    if rng.random() < 0.2:
        path.write_bytes(new + b"\0\0")
        return said
    path.write_bytes(new + COMMENT + hashlib.sha256(new).hexdigest().encode())
    return f"{said}; checksum made to fit"


def _product(shape: list[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total
