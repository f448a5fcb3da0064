"""Detect the encoding of a text file and convert it to UTF-8."""

import codecs
import re
from pathlib import Path

from linnet.system.errors import InputError

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1")
C1 = re.compile(rb"[\x80-\x9f]")
"""Letters and signs of cp1252 such as € and “, and control characters of latin-1, which no text has."""
NOT_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
# What text holds none of; escape sequences and form feeds are let pass.
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
SAMPLE = 1 << 16


def to_utf8(
    path: Path, content: bytes, encoding: str | None, first_line: int = 1, option: str = "data.encoding"
) -> tuple[bytes, str]:
    """Convert text to UTF-8 without byte order mark; return it with the name of its original encoding.

    Bytes that are not UTF-8 are taken for cp1252 (Windows) if some are letters or signs there and control characters in
    latin-1, else for latin-1, where every byte is a character; both agree on all others. If something else in the file
    is UTF-8, the file is damaged: reading it so would change its other words.

    Args:
        encoding: one of `ENCODINGS`; None: found out.
        first_line: number of the content's first line in the file.
        option: what the encoding is given by.

    Raises:
        InputError: if it is no text, or not in this encoding.
    """
    if encoding is None:
        encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
        sure = encoding == "utf-16"
    else:
        sure = True
    if encoding != "utf-16":
        _refuse_binary(path, content, first_line, option)
    if encoding in ("utf-8", "utf-8-sig"):
        content = content.removeprefix(codecs.BOM_UTF8)
    if content.isascii() and encoding != "utf-16":
        return content, encoding
    try:
        text = content.decode("utf-8" if encoding == "utf-8-sig" else encoding)
    except UnicodeDecodeError as error:
        if sure or has_utf8(content):
            line = first_line - 1 + line_of(content, error.start)
            raise InputError(
                f"{path} is not {encoding} (line {line}): give {option}, one of {', '.join(ENCODINGS)}, or mend that "
                f"line"
            ) from error
        encoding = "cp1252" if C1.search(content) and not NOT_CP1252.search(content) else "latin-1"
        return content.decode(encoding).encode(), encoding
    if encoding == "utf-16":
        _refuse_binary(path, text.encode(), first_line, option)
    return (content if encoding.startswith("utf-8") else text.encode()), encoding


def line_of(content: bytes, position: int) -> int:
    """Return the number, counted from 1, of the line that holds this byte."""
    return content.count(b"\n", 0, position) + 1


def has_utf8(content: bytes) -> bool:
    """Whether some characters beyond ASCII are valid UTF-8."""
    letters = set(content.decode("utf-8", "surrogateescape"))
    return any(ord(letter) > 127 and not 0xDC80 <= ord(letter) <= 0xDCFF for letter in letters)


def _refuse_binary(path: Path, content: bytes, first_line: int, option: str) -> None:
    nul = content.find(b"\0")
    if nul >= 0 or len(CONTROL.findall(content[:SAMPLE])) > len(content[:SAMPLE]) / 100:
        where = f", a zero byte is in line {first_line - 1 + line_of(content, nul)}" if nul >= 0 else ""
        raise InputError(
            f"{path} is not a text file{where}: expected CSV, Parquet or Feather (for UTF-16 without byte order mark "
            f"give {option}=utf-16)"
        )
