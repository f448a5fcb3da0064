"""An Arrow file in a run directory holds no more than it has bytes, or is refused."""

import io
from contextlib import suppress

import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from linnet.data.saved import DAMAGED
from linnet.data.table.arrow_bytes import read_uncompressed

TABLE = pa.table(
    {"x": [1.0, None, 3.0], "word": pa.array(["a", "b", "a"]).dictionary_encode(), "ok": [True, False, None]}
)


def written(table: pa.Table, compression: str | None = None) -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_file(file, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return file.getvalue()


def test_what_was_written_is_read() -> None:
    assert read_uncompressed(written(TABLE)).equals(TABLE)
    assert read_uncompressed(written(TABLE.slice(0, 0))).equals(TABLE.slice(0, 0))


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
@pytest.mark.parametrize("column", ["x", "word"])
def test_a_compressed_file_is_refused_before_it_is_unpacked(compression: str, column: str) -> None:
    with pytest.raises(ValueError, match="compressed"):
        read_uncompressed(written(TABLE.select([column]), compression))


def test_a_compressed_dictionary_is_refused() -> None:
    words = pa.table({"word": pa.array(["a" * 50] * 2).dictionary_encode()})
    plain, packed = (written(words, compression) for compression in (None, "zstd"))
    first, second = (_messages(content) for content in (plain, packed))
    mixed = first[0] + second[1] + first[2]  # schema, dictionary, record batch
    with pytest.raises(ValueError, match="compressed"):
        read_uncompressed(b"ARROW1\0\0" + mixed)


def _messages(content: bytes) -> list[bytes]:
    """Return the messages of a file, each as bytes."""
    stream = pa.ipc.MessageReader.open_stream(pa.BufferReader(pa.py_buffer(content).slice(8)))
    return [message.serialize().to_pybytes() for message in stream]


def test_rows_without_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="1000000 rows in"):
        read_uncompressed(written(pa.table({"nothing": pa.nulls(1_000_000)})))


@given(st.data())
def test_a_damaged_file_is_an_error_or_another_table(data: st.DataObject) -> None:
    content = bytearray(written(TABLE))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(*DAMAGED, pa.ArrowException):
        read_uncompressed(bytes(content[: data.draw(st.integers(0, len(content)))]))
