"""Read a text file in chunks of whole rows, in UTF-8; the file may have another encoding, and quoted line breaks."""

import codecs
import re
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from gzip import BadGzipFile
from pathlib import Path
from typing import IO

from linnet.data.table.delimited import BLOCK, count_lines
from linnet.data.table.encoding import has_utf8, to_utf8
from linnet.system.errors import InputError

BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
OPTION = "--encoding"


class Lines:
    """Chunks of whole lines of a file, in UTF-8.

    The encoding is what `to_utf8` detects in the whole file: as long as all is ASCII, it is not known.

    Args:
        path: for the messages.
        file: open for reading, uncompressed.
        encoding: as `to_utf8` takes it.

    Attributes:
        found: the encoding as far as it is known.
    """

    def __init__(self, path: Path, file: IO[bytes], encoding: str | None) -> None:
        self.path, self._file = path, file
        self.given, self.found = encoding, encoding

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks. Raises InputError if one is no text or in another encoding, or the file is damaged."""
        line = 1
        for piece in self._whole_lines():
            text = self._utf8(piece, line)
            line += count_lines(text)
            yield text

    def _utf8(self, piece: bytes, line: int) -> bytes:
        if self.found == "utf-16":  # decoded already
            return to_utf8(self.path, piece, "utf-8", line, OPTION)[0]
        guessed = self.found in ("latin-1", "cp1252") and self.given is None
        if guessed and has_utf8(piece):
            raise InputError(
                f"{self.path} is {self.found} at first and UTF-8 in line {line} or after: give {OPTION}, or mend it"
            )
        open_yet = self.found is None or (guessed and self.found == "latin-1")  # which agrees with cp1252 so far
        text, found = to_utf8(self.path, piece, None if open_yet else self.found, line, OPTION)
        if open_yet and not piece.isascii():
            self.found = found
        return text

    def _whole_lines(self) -> Iterator[bytes]:
        rest, decoder = b"", None
        while piece := self._read():
            if decoder is None and (self.found == "utf-16" or (self.found is None and _has_mark(rest + piece))):
                self.found, decoder = "utf-16", codecs.getincrementaldecoder("utf-16")()
            rest += self._decode(decoder, piece)
            # A carriage return at the very end may be the first half of a line end.
            end = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, len(rest) - 1)) + 1
            if end:
                yield rest[:end]
                rest = rest[end:]
            elif len(rest) > BLOCK:
                raise InputError(f"{self.path} has no line break in {BLOCK >> 20} MB: it is not a table of rows")
        rest += self._decode(decoder, b"", final=True)
        if rest:
            yield rest

    def _read(self) -> bytes:
        try:
            return self._file.read(BLOCK)
        except (BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{self.path} is truncated or damaged ({error}): get it again") from error

    def _decode(self, decoder: codecs.IncrementalDecoder | None, piece: bytes, final: bool = False) -> bytes:
        if decoder is None:
            return piece
        try:
            return decoder.decode(piece, final).encode()
        except UnicodeError as error:
            raise InputError(f"{self.path} is not utf-16 ({error}): give {OPTION}, or get it again") from error


def records(path: Path, lines: Iterable[bytes], delimiter: str) -> Iterator[tuple[bytes, int]]:
    """Yield chunks of whole rows, and the number of their first line.

    A quote opens where a value begins and closes at the next quote that is not doubled, as in Arrow and Python.

    Raises:
        InputError: if a quote stays open for longer than a row may be.
    """
    # The quote comes before the look at what stands in front of it, since Python finds a literal fast.
    quoted = re.compile(rb'"(?<=[\r\n' + re.escape(delimiter.encode()) + rb']")[^"]*(?:""[^"]*)*("|\Z)')
    rest, line = b"", 1
    for text in lines:
        rest += text
        end = _end_of_rows(rest, quoted)
        if end:
            yield rest[:end], line
            line += count_lines(rest[:end])
            rest = rest[end:]
        elif len(rest) > BLOCK:
            raise InputError(
                f"{path}: a quote that opens in line {line} or after is not closed within {BLOCK >> 20} MB"
            )
    if rest:
        yield rest, line


def _end_of_rows(lines: bytes, quoted: "re.Pattern[bytes]") -> int:
    """Return where the last whole row ends, in whole lines."""
    if b'"' not in lines:
        return len(lines)
    text = b"\n" + lines  # so that something stands before the first value
    last = next(iter(deque(quoted.finditer(text), maxlen=1)), None)
    if last is None or last.group(1):
        return len(lines)
    end, outside = 0, 0  # the row that holds the open quote is not whole
    for match in quoted.finditer(text):
        end = max(end, text.rfind(b"\n", outside, match.start()), text.rfind(b"\r", outside, match.start()))
        outside = match.end()
    return end


def _has_mark(start: bytes) -> bool:
    return start.startswith(BYTE_ORDER_MARKS)
