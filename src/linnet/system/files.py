"""Write files atomically: a reader, or the next run after a crash, never sees a partial one."""

import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from pathlib import Path
from typing import IO, Any

TEMPORARY = ".tmp-"
"""Part of the names of files that are being written. What a killed process left of them is of no use to anyone."""
_PROCESS = os.urandom(4).hex()
"""Tells processes apart that have the same number on different machines, and share a directory."""
_NUMBERS = count()
_AT_ONCE: ContextVar[bool] = ContextVar("synced at once", default=False)


def write_atomic(path: Path, content: bytes | str, *, durable: bool = True) -> None:
    """Replace `path` by a file with this content, in one step; `durable` as for `replacing`."""
    with replacing(path, durable=durable) as file:
        # Half of a pair of UTF-16, as in a name of no text, has no bytes in UTF-8; in JSON its escape is the same.
        file.write(content.encode(errors="backslashreplace") if isinstance(content, str) else content)


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """Open a file that replaces `path` atomically at the end of the block, or is removed if the block fails.

    The temporary file lies in the same directory, because a rename across file systems is not atomic.

    Args:
        durable: wait until the content is on the disk. Without it a power failure may bring back the old file,
            but other processes never see half of a file.
    """
    temporary = _beside(path)
    try:
        with open(temporary, "wb") as file:  # noqa: PTH123 - of a path, in half the time of its method
            yield file
            file.flush()
            if durable:
                sync(file)
        temporary.replace(path)
        if durable:
            sync_directory(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder of these files, relative name -> content, in one step: it is there as a whole, or not at all.

    The caller has found that nothing is there. A file, a link or a folder with content that has come since is an
    OSError, and stays as it is.
    """
    temporary = _beside(path)
    temporary.mkdir()
    try:
        with synced_at_once():
            for name, content in files.items():
                (temporary / name).parent.mkdir(parents=True, exist_ok=True)
                (temporary / name).write_bytes(content)
        temporary.rename(path)
        sync_directory(path.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _beside(path: Path) -> Path:
    return path.parent / f".{path.name}{TEMPORARY}{_PROCESS}-{os.getpid()}-{next(_NUMBERS)}"


def sync(file: IO[Any]) -> None:
    """Wait until the content of an open file is on the disk; inside `synced_at_once` its end waits instead."""
    if not _AT_ONCE.get():
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Wait until a directory's entries are on the disk as well as their files; see `sync`."""
    if _AT_ONCE.get():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def synced_at_once() -> Iterator[None]:
    """Sync everything written in the block at its end: many small files one by one take 2 ms each."""
    token = _AT_ONCE.set(True)
    try:
        yield
    finally:
        _AT_ONCE.reset(token)
        os.sync()


def write_json(path: Path, content: Any, *, durable: bool = True) -> None:
    """Replace `path` by `content` as UTF-8 JSON, as `to_json` writes it."""
    write_atomic(path, to_json(content) + "\n", durable=durable)


def to_json(content: Any) -> str:
    """Return content as JSON, indented. Non-finite numbers become null, since JSON has no word for them."""
    try:
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(content), indent=2, ensure_ascii=False)


def _finite(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _finite(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_finite(value) for value in node]
    return None if isinstance(node, float) and not math.isfinite(node) else node
