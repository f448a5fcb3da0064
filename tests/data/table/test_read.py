"""Files become columns whatever their delimiter, encoding or format, and what cannot be read is refused in one line."""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from linnet.data.table.delimited import CsvFormat
from linnet.data.table.read import concatenate, read
from linnet.system.errors import InputError

TEXT = "a,b\n1,x\n2,é\n"
COLUMNS = {"a": ["1", "2"], "b": ["x", "é"]}


@pytest.fixture
def file(tmp_path):
    """A function that writes a file and returns its path as text."""

    def write(content: bytes | str, name: str = "f.csv") -> str:
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return str(tmp_path / name)

    return write


def columns(path, **options) -> dict[str, list]:
    return read("data.path", path, CsvFormat(**options)).table.to_pydict()


def refusal(path, **options) -> str:
    with pytest.raises(InputError) as caught:
        read("data.path", path, CsvFormat(**options))
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


class TestCsv:
    @pytest.mark.parametrize("delimiter", list(",;\t|"))
    def test_of_any_delimiter(self, delimiter, file):
        path = file(TEXT.replace(",", delimiter))
        assert columns(path) == columns(path, delimiter=delimiter) == COLUMNS

    def test_of_a_delimiter_given_by_name_or_unheard_of(self, file):
        assert columns(file(TEXT.replace(",", "\t")), delimiter="tab") == COLUMNS
        assert columns(file(TEXT.replace(",", "~")), delimiter="~") == COLUMNS

    def test_with_commas_in_values_is_not_taken_for_comma_separated(self, file):
        assert columns(file("a;b\n1,5;x\n2,5;y\n")) == {"a": ["1,5", "2,5"], "b": ["x", "y"]}

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
    def test_of_any_encoding_found_out_or_given(self, encoding, file):
        path = file(TEXT.encode(encoding))
        assert columns(path) == COLUMNS
        assert columns(path, encoding=encoding) == COLUMNS

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_of_any_line_end(self, end, file):
        assert columns(file(TEXT.replace("\n", end))) == COLUMNS

    def test_without_a_last_line_end_and_with_empty_lines(self, file):
        assert columns(file("\na,b\n1,x\n\n2,é")) == COLUMNS

    @pytest.mark.parametrize("name", ["f.csv.gz", "f.csv"])
    def test_compressed_whatever_it_is_called(self, name, file):
        assert columns(file(gzip.compress(TEXT.encode(), mtime=0), name)) == COLUMNS

    def test_with_quoted_delimiters_quotes_and_line_breaks(self, file):
        rows = read("data.path", file('a,b\n"x, y","p ""q"""\n"two\nlines",z\n'))
        assert rows.table.to_pydict() == {"a": ["x, y", "two\nlines"], "b": ['p "q"', "z"]}
        assert any("1 of its lines" in note for note in rows.notes)

    def test_leaves_out_a_column_without_a_name_and_says_so(self, file):
        rows = read("data.path", file(",a,b\n0,1,x\n1,2,é\n"))
        assert rows.table.to_pydict() == COLUMNS
        assert any("column 1 has no name and is an index (0, 1), left out" in note for note in rows.notes)

    def test_says_what_it_found_out(self, file):
        notes = " ".join(read("data.path", file(TEXT.replace(",", ";").encode("latin-1"))).notes)
        assert "latin-1" in notes
        assert "semicolon" in notes

    def test_of_a_long_row_count_is_read_whole(self, file):
        rows = read("data.path", file("a,b\n" + "12345,abcdefgh\n" * 3_000_000))  # more than one block
        assert rows.table.num_rows == 3_000_000
        assert rows.table.column("b").unique().to_pylist() == ["abcdefgh"]


class TestColumnar:
    TABLE = pa.table({"a": [1, 2], "b": ["x", "é"]})

    @pytest.mark.parametrize("name", ["f.parquet", "f.csv"])
    def test_parquet_whatever_it_is_called(self, name, tmp_path):
        parquet.write_table(self.TABLE, tmp_path / name)
        assert columns(str(tmp_path / name)) == {"a": [1, 2], "b": ["x", "é"]}

    @pytest.mark.parametrize("compression", ["lz4", "zstd", "uncompressed"])
    def test_feather(self, compression, tmp_path):
        feather.write_feather(self.TABLE, tmp_path / "f.feather", compression=compression)
        assert columns(str(tmp_path / "f.feather")) == {"a": [1, 2], "b": ["x", "é"]}

    def test_text_is_one_type_however_it_is_stored(self, tmp_path):
        for kind in (pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()):
            feather.write_feather(pa.table({"b": pa.array(["x", "é"]).cast(kind)}), tmp_path / "f.feather")
            assert read("data.path", str(tmp_path / "f.feather")).table.schema.field("b").type == pa.string()

    def test_index_of_pandas_is_left_out(self, tmp_path):
        parquet.write_table(self.TABLE.append_column("__index_level_0__", [[5, 6]]), tmp_path / "f.parquet")
        rows = read("data.path", str(tmp_path / "f.parquet"))
        assert rows.table.column_names == ["a", "b"]
        assert any("index" in note for note in rows.notes)

    @pytest.mark.parametrize("writer", [parquet.write_table, feather.write_feather])
    def test_truncated_or_altered_is_refused(self, writer, tmp_path):
        writer(pa.table({"a": list(range(5000))}), str(tmp_path / "whole"))
        content = (tmp_path / "whole").read_bytes()
        for cut in (20, len(content) // 2, len(content) - 3):
            (tmp_path / "f.bin").write_bytes(content[:cut])
            assert "truncated or damaged" in refusal(str(tmp_path / "f.bin"))

    def test_altered_values_are_found_by_the_checksums_of_the_file(self, tmp_path):
        parquet.write_table(self.TABLE, tmp_path / "f.parquet", write_page_checksum=True, compression="none")
        content = (tmp_path / "f.parquet").read_bytes()
        (tmp_path / "f.parquet").write_bytes(content.replace("é".encode(), "ä".encode(), 1))
        assert "truncated or damaged" in refusal(str(tmp_path / "f.parquet"))


class TestSeveralFiles:
    def test_by_pattern_come_in_the_order_of_their_names(self, file, tmp_path):
        file("a,b\n2,é\n", "part2.csv")
        file("a,b\n1,x\n", "part1.csv")
        assert columns(str(tmp_path / "part*.csv")) == COLUMNS

    def test_by_list_come_in_its_order_with_columns_in_any(self, file):
        assert columns([file("a,b\n1,x\n", "z.csv"), file("b,a\né,2\n", "y.csv")]) == COLUMNS

    def test_rows_are_named_by_their_own_file(self, file):
        rows = read("data.path", [file("a,b\n1,x\n2,y\n", "first.csv"), file("a,b\n3,z\n", "second.csv")])
        assert rows.where([1]).startswith("row 2 of ")
        assert rows.where([1]).endswith("first.csv")
        assert rows.where([2]).startswith("row 1 of ")
        assert rows.where([2]).endswith("second.csv")
        assert rows.where([0, 2]).endswith("first.csv and 1 in other files")

    def test_whole_numbers_and_fractions_go_together(self, tmp_path):
        for name, values in (("a", [1, 2]), ("b", [0.5])):
            parquet.write_table(pa.table({"x": values}), tmp_path / f"{name}.parquet")
        assert columns(str(tmp_path / "*.parquet")) == {"x": [1, 2, 0.5]}

    @pytest.mark.parametrize(
        ("second", "words"),
        [("a\tc\n1\t2\n", ["lacks b", "has also c"]), ("a,b,c\n1,2,3\n", ["has also c"]), ("a,c\n1,2\n", ["lacks b"])],
    )
    def test_of_different_columns_are_refused(self, second, words, file):
        message = refusal([file(TEXT, "first.csv"), file(second, "second.csv")])
        assert all(word in message for word in [*words, "first.csv", "second.csv"])

    def test_of_different_types_or_formats_are_refused(self, file, tmp_path):
        for name, values in (("a", [1, 2]), ("b", ["x"])):
            parquet.write_table(pa.table({"x": values}), tmp_path / f"{name}.parquet")
        assert "column x is string, but int64" in refusal(str(tmp_path / "*.parquet"))
        assert "different formats" in refusal([file("x,y\n1,2\n"), str(tmp_path / "a.parquet")])

    def test_named_twice_are_refused(self, file):
        path = file(TEXT)
        assert "named twice" in refusal([path, path])
        with pytest.raises(InputError, match=r"data.test_path: .* is in data.path too"):
            concatenate(read("data.path", path), read("data.test_path", path))


class TestChecksum:
    def test_is_of_the_content_and_not_of_the_name(self, file):
        assert read("k", file(TEXT, "a.csv")).checksum == read("k", file(TEXT, "b.csv")).checksum
        assert read("k", file(TEXT, "a.csv")).checksum != read("k", file(TEXT + "3,z\n", "c.csv")).checksum

    def test_of_a_changed_file_is_new(self, file):
        before = read("k", file(TEXT)).checksum
        assert read("k", file(TEXT + "3,z\n")).checksum != before


class TestRefusal:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("", ["is empty"]),
            ("\n\n", ["no header"]),
            ("a,b\n", ["a header and no rows"]),
            ("a,b\n\n\n", ["a header and no rows"]),
            ("a,b,a\n1,2,3\n", ["columns 1, 3 are all called a"]),
            ("a b\n1 2\n", ["one column only", "data.delimiter"]),
            ("a,b\n1,2\n1,2,3\n4,5\n", ["line 3: 3 values where the header has 2"]),
            ("a,b\n\n1,2\n\n7\n4,5\n1\n", ["line 5: 1 value where the header has 2 (and 1 more such lines)"]),
            ('a,b\n1,"2\n3,4\n', ["line 2", "not closed"]),
            ('a,b\n1,"2\n3,4\n5,"6"\n', ["line 2", "not closed"]),
            (b"a,b\n1,\xc3\xa9\n2,\xe9\n", ["not utf-8 (line 3)", "data.encoding"]),
            (b"a,b\n1,\0\n", ["not a text file", "line 2"]),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9, ["not a text file"]),
            (bytes(range(1, 32)) * 40, ["not a text file"]),
            (b"PK\x03\x04" + b"a" * 99, ["a zip archive or a spreadsheet"]),
            ("a,b\n1,é\n".encode("utf-16-le"), ["data.encoding=utf-16"]),
            (b"1" * 10_000_000, ["no line break"]),
            (b"1," * 5_000_000, ["no line break"]),
            (gzip.compress(TEXT.encode() * 99, mtime=0)[:-9], ["truncated or damaged"]),
            (gzip.compress(TEXT.encode() * 99, mtime=0)[:12] + b"\0" * 50, ["truncated or damaged"]),
            (gzip.compress(b"", mtime=0), ["is empty"]),
        ],
    )
    def test_of_a_file(self, content, words, file):
        path = file(content)
        message = refusal(path)
        assert path in message
        assert all(word in message for word in words), message

    def test_of_a_name_that_promises_another_format(self, file):
        assert "not what its name says" in refusal(file(TEXT, "f.parquet"))
        assert "not compressed" in refusal(file(TEXT, "f.csv.gz"))

    def test_of_what_is_not_there(self, file, tmp_path):
        assert "no such file" in refusal(str(tmp_path / "absent.csv"))
        assert "no file matches" in refusal(str(tmp_path / "*.csv"))
        assert "is a directory" in refusal(str(tmp_path))
        assert "names no file" in refusal([])

    def test_of_a_given_delimiter_or_encoding_that_is_not_the_file_s(self, file):
        assert "one column only" in refusal(file(TEXT), delimiter="|")
        assert "not utf-8 (line 3)" in refusal(file(TEXT.encode("latin-1")), encoding="utf-8")

    @pytest.mark.skipif(not Path("/dev/null").exists(), reason="no devices here")
    def test_of_a_device(self):
        assert "neither a file nor a directory" in refusal("/dev/null")
