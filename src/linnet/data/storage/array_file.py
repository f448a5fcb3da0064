"""One array in a file: its header, and its rows, memory-mapped where possible."""

import json
import struct
import zipfile
import zlib
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linnet.data.storage.whole_arrays import PARQUET, TORCH, header, is_named, names_in, read_whole
from linnet.system.errors import InputError

MAGIC = b"\x93NUMPY"
NAMED = (".npz", ".safetensors")
"""Endings of files that may hold several arrays."""
LOCAL_HEADER = 30
"""Bytes of the fixed part of what precedes a member of a zip archive; the last four are the lengths of the rest."""
SAFETENSORS = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "BF16": "<f4", "F32": "<f4", "F64": "<f8",
}  # fmt: skip
"""Its kinds of numbers, as numpy has them. It has no bfloat16, whose 16 bits are the upper half of a float32."""
UNREADABLE = (
    OSError, ValueError, EOFError, SyntaxError, TokenError, RuntimeError, KeyError, struct.error, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
"""What the readers of the formats raise for files that are damaged, locked or none of theirs."""


class File(NamedTuple):
    """Header and file metadata of an array.

    name: of the array among others in its file; None: the file holds no names.
    dtype: of its numbers as read.
    offset: of its first number in the file; None: it can be read as a whole only.
    bfloat16: whether the file has but the upper halves of its float32 numbers.
    """

    path: Path
    name: str | None
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: Literal["C", "F"]
    offset: int | None
    size: int
    modified: int
    bfloat16: bool = False

    def __str__(self) -> str:
        return str(self.path) if self.name is None else f"{self.path}:{self.name}"

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """Return the rows, memory-mapped while referenced: mapped pages stay in the memory of the process."""
        try:
            if self.offset is None:
                return self._unpacked()[start:stop]
            kind = np.dtype("<u2") if self.bfloat16 else self.dtype
            whole: NDArray[Any] = np.memmap(self.path, kind, "r", self.offset, self.shape, self.order)
        except UNREADABLE as error:
            raise InputError(
                f"{self.path} cannot be read any more ({' '.join(str(error).split())}): "
                f"it is damaged, or was changed or removed since the run began"
            ) from error
        rows = whole[start:stop]
        return (rows.astype(np.uint32) << 16).view(np.float32) if self.bfloat16 else rows

    def _unpacked(self) -> NDArray[Any]:
        if self.path.suffix in (PARQUET, *TORCH):
            return read_whole(self.path, self.name)
        with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.name}.npy") as member:
            array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
            return array


def open_array(key: str, path: Path, name: str | None) -> File:
    """Read the header of an array; its rows can be read later.

    Args:
        key: that names the file in the configuration, such as "data.x_test".
        path: an existing file.
        name: of the array in it; None: x_test, else x, else the only one there is.

    Raises:
        InputError: if the file cannot be read, has no such array, or that holds no numbers.
    """
    try:
        if path.suffix == ".npz":
            file = _in_npz(key, path, name)
        elif path.suffix == ".safetensors":
            file = _in_safetensors(key, path, name)
        elif path.suffix in (PARQUET, *TORCH):
            name = _choose(key, path, name, names_in(path)) if name is not None or is_named(path) else None
            file = _file(path, name, *header(path, name), "C", None)
        else:
            file = _npy(path)
    except UNREADABLE as error:
        why, remedy = (
            " ".join(str(error).split()),
            "save it again" if path.suffix in (*NAMED, PARQUET, *TORCH) else "write it again with numpy.save",
        )
        raise InputError(f"{path} cannot be read ({why}): {remedy}") from error
    if not file.shape or not all(type(size) is int and size > 0 for size in file.shape):
        raise InputError(f"{file} holds an array of shape {list(file.shape)}: expected at least one row of numbers")
    return file


def _npy(path: Path) -> File:
    with path.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise InputError(
                f"{path} is not an .npy file: write it with numpy.save, or let its name end in .npz, .safetensors, "
                f".parquet or .pt"
            )
        stream.seek(0)
        dtype, shape, order = _npy_header(str(path), stream)
        file = _file(path, None, dtype, shape, order, stream.tell())
    _check_length(prod(shape) * dtype.itemsize, file.size - (file.offset or 0))
    return file


def _in_npz(key: str, path: Path, name: str | None) -> File:
    with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
        members = {info.filename[:-4]: info for info in archive.infolist() if info.filename.endswith(".npy")}
        name = _choose(key, path, name, list(members))
        info = members[name]
        with archive.open(info) as stream:
            dtype, shape, order = _npy_header(f"{path}:{name}", stream)
            header = stream.tell()
        _check_length(prod(shape) * dtype.itemsize, info.file_size - header)
        if info.compress_type != zipfile.ZIP_STORED:
            return _file(path, name, dtype, shape, order, None)
        raw.seek(info.header_offset)
        before = LOCAL_HEADER + sum(struct.unpack("<26xHH", raw.read(LOCAL_HEADER)))
        return _file(path, name, dtype, shape, order, info.header_offset + before + header)


def _in_safetensors(key: str, path: Path, name: str | None) -> File:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as checked:
            name = _choose(key, path, name, list(checked.keys()))
    except SafetensorError as error:
        raise ValueError(error) from error
    with path.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        about = json.loads(stream.read(length))[name]
    if about["dtype"] not in SAFETENSORS:
        raise InputError(f"{path}:{name} holds {about['dtype']}: expected numbers, such as float32 or uint8")
    dtype, start = np.dtype(SAFETENSORS[about["dtype"]]), 8 + length + about["data_offsets"][0]
    file = _file(path, name, dtype, tuple(about["shape"]), "C", start)
    return file._replace(bfloat16=about["dtype"] == "BF16")


def _npy_header(name: str, stream: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...], Literal["C", "F"]]:
    """Read the header of an .npy file and check that it holds numbers."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise InputError(f"{name} holds Python objects, which are not read: save an array of numbers")
    if dtype.kind not in "fiubUS":
        raise InputError(f"{name} holds {dtype}: expected numbers, such as float32 or uint8")
    return dtype, shape, "F" if fortran else "C"


def _choose(key: str, path: Path, name: str | None, there: list[str]) -> str:
    """Choose one of the arrays in a file."""
    full = key.removeprefix("data.") if key.startswith("data.") else "x"
    for wanted in (full, full[:1]) if name is None else (name,):
        if wanted in there:
            return wanted
    if name is None and len(there) == 1:
        return there[0]
    if not there:
        raise InputError(f"{key}={path}: there are no arrays in this file")
    some = f"{', '.join(sorted(there)[:10])}{', …' if len(there) > 10 else ''}"
    raise InputError(
        f"{key}={path}: no array is named {name or full[:1]}, there are {some}: say which, "
        f"as in {key}={path}:{sorted(there)[0]}"
    )


def _check_length(needed: int, there: int) -> None:
    if there < needed:
        raise ValueError("it is shorter than its header says")


def _file(
    path: Path,
    name: str | None,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    order: Literal["C", "F"],
    offset: int | None,
) -> File:
    about = path.stat()
    return File(path, name, dtype, shape, order, offset, about.st_size, about.st_mtime_ns)
