"""Find files by path or pattern, and detect their format by their first bytes."""

import glob
import zlib
from collections.abc import Sequence
from pathlib import Path

from linnet.system.errors import InputError
from linnet.system.limits import gunzip

MAGIC = {b"PAR1": "parquet", b"ARROW1": "arrow", b"FEA1": "feather of version 1"}
FOREIGN = {
    b"PK\x03\x04": "a zip archive or a spreadsheet: save it as CSV",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet: save it as CSV",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it",
    b"BZh": "compressed by bzip2: unpack it",
    b"\xfd7zXZ": "compressed by xz: unpack it",
    b"\x93NUMPY": "an array of numpy, not a table",
    b"%PDF": "a PDF document, not a table",
    b"SQLite format 3": "a database: write its table as CSV",
}


def expand(key: str, given: str | Sequence[str]) -> tuple[Path, ...]:
    """Expand a path, a pattern such as `parts/*.csv`, or a list of these to files; patterns sorted by name.

    Args:
        key: the configuration key that names them, for the messages.

    Raises:
        InputError: if there is none, one is no file, or one is named twice.
    """
    found: list[Path] = []
    for text in [given] if isinstance(given, str) else given:
        path = Path(text).expanduser()
        if path.is_dir():
            raise InputError(f"{key}={text}: is a directory, name its files: {key}='{text.rstrip('/')}/*.csv'")
        if path.exists() or not glob.has_magic(text):
            found.append(path)
            continue
        matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207 - of a whole path
        if not matches:
            raise InputError(f"{key}={text}: no file matches this pattern")
        found += [match for match in matches if not match.is_dir()]
    for path in found:
        if not path.exists():
            raise InputError(f"{key}={path}: no such file (looked from {Path.cwd()})")
        if not path.is_file():  # reading a pipe would wait for ever
            raise InputError(f"{key}={path}: is neither a file nor a directory")
    places = [path.resolve() for path in found]
    for path, place in zip(found, places, strict=True):
        if places.count(place) > 1:
            raise InputError(f"{key}: {path} is named twice, its rows would count twice")
    if not found:
        raise InputError(f"{key}: names no file")
    return tuple(found)


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file. Raises InputError if it cannot be read, or is empty."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if not content:
        raise InputError(f"{path} is empty")
    return content


def unpack(path: Path, content: bytes) -> bytes:
    """Decompress gzip content, whatever the file is called; return other content unchanged."""
    if not content.startswith(b"\x1f\x8b"):
        if path.suffix == ".gz":
            raise InputError(f"{path} is not compressed by gzip: rename it, or get it again")
        return content
    try:
        unpacked = gunzip(content)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} is truncated or damaged ({error}): get it again") from error
    except ValueError as error:
        raise InputError(f"{path}: {error}: unpack it yourself") from error
    if not unpacked:
        raise InputError(f"{path} is empty")
    return unpacked


def file_format(path: Path, content: bytes) -> str:
    """Detect the format from the first bytes, not the name: "parquet", "arrow" or "text".

    Raises:
        InputError: if it is something else that is known.
    """
    for magic, name in MAGIC.items():
        if content.startswith(magic):
            if name.startswith("feather"):
                raise InputError(f"{path} is {name}, which is no longer read: save it as version 2 or as Parquet")
            return name
    for magic, words in FOREIGN.items():
        if content.startswith(magic):
            raise InputError(f"{path} is {words}")
    if path.suffix in (".parquet", ".pq", ".feather", ".arrow", ".ipc"):
        raise InputError(f"{path} is not what its name says, or damaged at its beginning: get it again, or rename it")
    return "text"
