"""Read CSV in chunks of whole rows, with the checks of `linnet.data.table.delimited`.

A file may have another encoding than UTF-8, quoted line breaks, titles and comments, and may be a pipe: pyarrow's own
reader by chunks needs UTF-8, and names neither the line nor the remedy in its errors.
"""

import codecs
import re
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from gzip import BadGzipFile
from itertools import chain
from pathlib import Path
from typing import IO

import pyarrow as pa

from linnet.data.table.delimited import BLOCK, CsvFormat, blanked, count_lines, parse, spanning_note
from linnet.data.table.encoding import has_utf8, to_utf8
from linnet.data.table.layout import find_layout
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
            marked = self.found is None and (rest + piece).startswith(BYTE_ORDER_MARKS)
            if decoder is None and (marked or self.found == "utf-16"):
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


class CsvTable:
    """The rows of a CSV file as columns of text.

    Args:
        path: for the messages.
        file: open for reading, uncompressed.
        csv_format: how to read it.

    Raises:
        InputError: if the file is empty or no text, or its header does not name columns.
    """

    def __init__(self, path: Path, file: IO[bytes], csv_format: CsvFormat) -> None:
        self.path = path
        self._lines = Lines(path, file, csv_format.encoding)
        lines = iter(self._lines)
        first = blanked(next(lines, b""), csv_format.comment, csv_format.skip_rows)
        if not first:
            raise InputError(f"{path} is empty")
        self._text = chain([first], (blanked(text, csv_format.comment, 0) for text in lines))
        self._layout = find_layout(path, first, csv_format.delimiter, "--delimiter", least=1)
        self._spanning = self._empty = 0

    @property
    def names(self) -> tuple[str, ...]:
        return self._layout.named

    @property
    def notes(self) -> list[str]:
        """Notes on the file, as far as it was read."""
        found = self._lines.found
        notes = [] if self._lines.given or found in (None, "utf-8") else [f"{self.path}: read as {found}"]
        notes += [*self._layout.notes, *spanning_note(self.path, self._spanning)]
        return notes + ([f"{self.path}: empty lines are no rows ({self._empty} here)"] if self._empty else [])

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield these columns in chunks of rows; to be called once.

        Raises:
            InputError: naming the line where the file is ragged, damaged, or in another encoding.
        """
        n_rows = 0
        for text, line in records(self.path, self._text, self._layout.delimiter):
            if len(self._layout.header) == 1:  # where it might have been meant as a missing value
                self._empty += text.splitlines().count(b"")
            if text.strip(b"\r\n"):
                table, spanning = parse(self.path, text, self._layout, columns, line)
                self._spanning += spanning
                n_rows += table.num_rows
                yield table
        if n_rows == 0:
            raise InputError(f"{self.path} has a header and no rows")
