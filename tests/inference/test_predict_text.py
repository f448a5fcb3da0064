"""A file read some rows at a time is the file read at once, wherever the pieces end."""

import codecs
import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings, strategies as st

from linnet.data.table.delimited import CsvFormat, count_lines, read_delimited
from linnet.data.table.encoding import to_utf8
from linnet.inference import text
from linnet.inference.text import CsvTable
from linnet.system.errors import InputError

PATH = Path("f.csv")
VALUES = st.text(st.sampled_from("ab é\",;\n\r'\t1"), max_size=6)


def lines(content: bytes, size: int, encoding: str | None = None) -> tuple[list[bytes], str]:
    """The pieces of a content that is read `size` bytes at a time, and the encoding they were found to be in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "BLOCK", size)
        reader = text.Lines(PATH, io.BytesIO(content), encoding)
        return list(reader), reader.found or "utf-8"


def table(content: bytes, size: int) -> pa.Table:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "BLOCK", size)
        reader = CsvTable(PATH, io.BytesIO(content), CsvFormat(",", "utf-8"))
        return pa.concat_tables(reader.read(reader.names))


class TestLines:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
    @pytest.mark.parametrize("size", [11, 12, 13, 40])
    def test_are_whole_and_those_of_the_whole_file(self, size, encoding, end):
        content = (end.join(["a,b", *["1,2"] * 9, "é,ü", "3,x", "4,ß"]) + end).encode(encoding)
        pieces, found = lines(content, size)
        assert len(pieces) > 1
        whole, expected = to_utf8(PATH, content, None)
        assert (b"".join(pieces), found) == (whole, expected)
        assert all(piece.endswith(end.encode()) for piece in pieces)
        assert sum(map(count_lines, pieces)) == count_lines(whole)
        assert b"".join(lines(content, size, encoding)[0]) == whole

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"a,b\n" * 9 + "é,2\n".encode() + b"1,2\n" * 9 + b"\xe9,2\n", "not utf-8 (line 20): give --encoding"),
            (
                b"a,b\n" * 9 + b"\xe9,2\n" + b"1,2\n" * 9 + "é,2\n".encode(),
                "is latin-1 at first and UTF-8 in line 20 or after",
            ),
            (b"a,b\n" * 9 + b"1,\0\n", "a zero byte is in line 10"),
            (codecs.BOM_UTF16_LE + b"a\0,\0b\0\n\0" * 9 + b"\0\xd8\n\0", "is not utf-16"),
            (b"a,b\n" + b"1" * 99, "no line break"),
        ],
    )
    def test_are_refused_where_the_whole_file_would_be(self, content, words):
        with pytest.raises(InputError) as caught:
            lines(content, 16)
        assert words in str(caught.value)
        with pytest.raises(InputError):
            whole, _ = to_utf8(PATH, content, None)
            read_delimited(PATH, whole, CsvFormat(",", "utf-8"))


class TestRecords:
    @settings(max_examples=200)
    @given(
        rows=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=30),
        size=st.integers(40, 200),
        # Python leaves a carriage return unquoted where a line ends in a line feed alone.
        style=st.sampled_from([(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_ALL, "\n")]),
    )
    def test_give_the_table_of_the_whole_file(self, rows, size, style):
        sink = io.StringIO(newline="")
        writer = csv.writer(sink, quoting=style[0], lineterminator=style[1])
        writer.writerows([("a", "b"), *rows])
        content = sink.getvalue().encode()
        try:
            expected, found = (
                read_delimited(PATH, content, CsvFormat(",", "utf-8"))[0].combine_chunks(),
                table(content, size),
            )
        except InputError as error:
            assume("looks like rows" not in str(error))  # which such a text may do by chance
            raise
        assert found.equals(expected)

    @settings(max_examples=200)
    @given(rows=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=30), size=st.integers(40, 200))
    def test_of_text_that_no_writer_wrote_are_the_same_or_refused(self, rows, size):
        content = "a,b\n" + "".join(f"{one},{other}\n" for one, other in rows)
        expected, refused = None, ""
        try:
            expected = read_delimited(PATH, content.encode(), CsvFormat(",", "utf-8"))[0].combine_chunks()
        except InputError as error:
            refused = str(error)
        try:
            found = table(content.encode(), size)
        except InputError:
            return  # a quote that is open for longer than a piece is refused, and not in the whole file
        # A quote that closes within a value is a fault only where a line goes on a row: here, in the same piece.
        assert (
            found.equals(expected)
            if expected is not None
            else any(words in refused for words in ("is not closed there", "looks like rows"))
        )

    @pytest.mark.parametrize("size", range(40, 60))
    def test_leave_quotes_within_values_alone(self, size):
        content = b"a,b\n" + b'1,5" pipe\n2,"x\ny"\n3,"p ""q"""\n' * 20
        assert table(content, size).equals(read_delimited(PATH, content, CsvFormat(",", "utf-8"))[0].combine_chunks())

    def test_say_where_they_begin(self):
        content = b'a,b\n1,"x\ny"\n2,z\n'
        found = list(text.records(PATH, [content[:9], content[9:]], ","))
        assert found == [(b"a,b\n", 1), (b'1,"x\ny"\n2,z\n', 2)]

    def test_refuse_a_quote_that_swallows_the_file(self):
        content = b"a,b\n" + b"1,2\n" * 50 + b'3,"4\n' + b"1,2\n" * 300
        with pytest.raises(InputError, match=r"a quote that opens in line 52 or after is not closed"):
            table(content, 200)
