"""CSV files, read in chunks of rows with the checks of `linnet.data.table.delimited`."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO

import pyarrow as pa

from linnet.data.table.comments import blanked
from linnet.data.table.delimited import parse, spanning_note
from linnet.data.table.layout import find_layout
from linnet.inference.text import Lines, records
from linnet.system.errors import InputError


class CsvTable:
    """The rows of a CSV file as columns of text.

    Args:
        path: for the messages.
        file: open for reading, uncompressed.
        delimiter: as `find_layout` takes it.
        encoding: as `to_utf8` takes it.
        comment, skip_rows: as `blanked` takes them.

    Raises:
        InputError: if the file is empty or no text, or its header does not name columns.
    """

    def __init__(
        self,
        path: Path,
        file: IO[bytes],
        delimiter: str | None,
        encoding: str | None,
        comment: str | None = None,
        skip_rows: int = 0,
    ) -> None:
        self.path = path
        self._lines = Lines(path, file, encoding)
        lines = iter(self._lines)
        first = blanked(next(lines, b""), comment, skip_rows)
        if not first:
            raise InputError(f"{path} is empty")
        self._text = chain([first], (blanked(text, comment, 0) for text in lines))
        self._layout = find_layout(path, first, delimiter, "--delimiter", least=1)
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
