"""The door through which every file of a run, a sweep or an experiment is read, since anybody may have written it.

Only regular files are opened, since reading a pipe or a device may never end; only inside the directory that they
belong to, links included; and only up to a size. JSON and YAML are limited in depth, digits and repetition.
"""

import errno
import hashlib
import io
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from linnet.system.decoding import check_yaml, decode_json, safe_loader
from linnet.system.errors import InputError

MIB = 2**20
JSON_LIMIT, YAML_LIMIT, TABLE_LIMIT, TENSOR_LIMIT = 256 * MIB, 4 * MIB, 4096 * MIB, 16384 * MIB
"""Bytes that a file may have: JSON, YAML, history.csv, weights and checkpoints."""
HEADER_LIMIT = MIB
"""Bytes of the header of a file of tensors, which names the few that a run has."""
LINE = 65_536
"""Bytes of a line of history.csv."""


Look = Callable[[int, int], None]
"""(descriptor of an open file, its size) -> nothing, or an error."""


class Unreadable(InputError, ValueError):
    """A file that is not read: what is wrong with it, and what to do, in one line."""


def read_bytes(path: Path, root: Path | None = None, limit: int = JSON_LIMIT, look: Look | None = None) -> bytes:
    """Return a file's content.

    Args:
        path: the file.
        root: the directory that it must lie in, once links are followed; None: its own.
        limit: bytes that it may have.
        look: given the open file and its size before it is read as a whole; may refuse it by an error.

    Raises:
        OSError: it is not there, or may not be read.
        Unreadable: it leads out of the directory, is no regular file, or is too large.
    """
    parts = list(_parts(path, root, limit, look=look))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_safetensors(path: Path, root: Path | None = None) -> bytes:
    """Return the content of a file of tensors. Arguments and errors as for `read_bytes`.

    Raises:
        ValueError: its size is not what its header says, so that one that was made to grow is not read as a whole.
    """
    return read_bytes(path, root, TENSOR_LIMIT, _hold_to_header)


def _hold_to_header(descriptor: int, size: int) -> None:
    length = int.from_bytes(os.pread(descriptor, 8, 0), "little")
    if not 0 < length <= min(size - 8, HEADER_LIMIT):
        raise ValueError("its header is damaged")
    try:
        header = json.loads(os.pread(descriptor, length, 8))
        ends = [int(tensor["data_offsets"][1]) for name, tensor in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("its header is damaged") from error
    expected = 8 + length + max(ends, default=0)
    if size != expected:
        raise ValueError(f"it has {size} bytes, and by its header {expected}")


def _parts(
    path: Path, root: Path | None, limit: int, size: int | None = None, look: Look | None = None
) -> Iterator[bytes]:
    """Yield the content in parts of a size; None: as one, but for files of gigabytes. Otherwise as `read_bytes`."""
    descriptor = _open(path, path.parent if root is None else root)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            kind = "a directory" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
            raise Unreadable(f"{path} is {kind}, not a file: remove it")
        if found.st_size > limit:
            raise Unreadable(f"{path} has {found.st_size} bytes, and such a file may have {limit}")
        if look is not None:
            look(descriptor, found.st_size)
        while part := os.read(descriptor, max(found.st_size, 1) if size is None else size):
            yield part
    finally:
        os.close(descriptor)


def _open(path: Path, root: Path) -> int:
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
    folder = path.parent
    while folder not in (root, folder.parent) and not folder.is_symlink():
        folder = folder.parent
    if folder == root:
        try:
            return os.open(path, flags)
        except OSError as error:
            if error.errno != errno.ELOOP:  # of a link
                raise
    try:
        real, inside = path.resolve(), root.resolve()
    except RuntimeError as error:  # Python's word for it before 3.13
        raise Unreadable(f"{path} is a link that leads to itself: remove it") from error
    if not real.is_relative_to(inside):
        raise Unreadable(f"{path} leads out of {inside}: replace the link by what it points to")
    return os.open(real, flags)


def read_text(path: Path, root: Path | None = None, limit: int = JSON_LIMIT, errors: str = "strict") -> str:
    """Return a file's content as UTF-8. Arguments and errors as for `read_bytes`; ValueError for other bytes."""
    return read_bytes(path, root, limit).decode(errors=errors)


def read_lines(path: Path, root: Path | None = None, limit: int = TABLE_LIMIT, errors: str = "strict") -> Iterator[str]:
    """Yield the lines of a file as UTF-8, without their ends; a last one that has no end is left out.

    Only a part of the file is in memory at a time. Arguments and errors as for `read_bytes`; ValueError for other bytes
    and for lines of more than `LINE` bytes.
    """
    rest = b""
    for part in _parts(path, root, limit, MIB):
        whole, end, rest = (rest + part).rpartition(b"\n")
        if len(rest) > LINE:
            raise ValueError(f"it has a line of more than {LINE} bytes")
        if end:
            yield from whole.decode(errors=errors).split("\n")


def read_json(path: Path, root: Path | None = None) -> Any:
    """Return the content of a JSON file. Arguments as for `read_bytes`.

    Raises:
        OSError, Unreadable: as `read_bytes`.
        ValueError: it is no JSON, or too deep, or holds numbers that linnet never writes.
    """
    return decode_json(read_text(path, root, JSON_LIMIT))


def read_yaml(path: Path, root: Path | None = None) -> Any:
    """Return the content of a YAML file as OmegaConf does. Arguments and errors as for `read_json`."""
    from omegaconf import OmegaConf  # late, as all that reads YAML: most files are JSON

    return _yaml(path, root, lambda text: OmegaConf.load(io.StringIO(text)))


def read_texts(path: Path, root: Path | None = None) -> list[str]:
    """Return the texts in a YAML file that is a list; other entries are left out. Otherwise as for `read_json`.

    OmegaConf would take half a millisecond for each.
    """
    import yaml

    content = _yaml(path, root, lambda text: yaml.load(text, Loader=safe_loader()))
    return [entry for entry in content if isinstance(entry, str)] if isinstance(content, list) else []


def _yaml(path: Path, root: Path | None, load: Callable[[str], Any]) -> Any:
    text = read_text(path, root, YAML_LIMIT)
    try:
        check_yaml(text)
        return load(text)
    except OSError as error:  # how OmegaConf says that it is neither a list nor a dictionary
        raise ValueError(str(error)) from error
    except Exception as error:  # any that its readers let through
        raise ValueError(" ".join(str(error).split())) from error


def sha256(path: Path, root: Path | None = None) -> str:
    """Return the sha256 of a file's content, hexadecimal. Arguments and errors as for `read_bytes`."""
    digest = hashlib.sha256()
    for part in _parts(path, root, TENSOR_LIMIT, MIB):  # not as a whole: anybody may have made it grow
        digest.update(part)
    return digest.hexdigest()
