"""Rows become predictions some at a time, each as if it were alone."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from linnet.data.table.column import Column
from linnet.data.table.delimited import CsvFormat
from linnet.data.table.preprocessing import Preprocessing, Target
from linnet.inference import opening, rows, text
from linnet.inference.opening import ColumnarTable
from linnet.inference.predictor import InMemory, Predictor
from linnet.inference.text import CsvTable

RNG = np.random.default_rng(0)
NAMES = tuple("abcdefg")
TABLE = Preprocessing(tuple(Column(name, "number") for name in NAMES), Target("y", "regression"), "drop")
PREDICTOR = Predictor(RNG.standard_normal((3, 7)), RNG.standard_normal(3), "regression", "identity", table=TABLE)


def predictions(table: rows.Table, predictor: Predictor = PREDICTOR) -> tuple[np.ndarray, rows.RowNotes]:
    row_notes = rows.RowNotes()
    parts = list(rows.of_table(predictor, TABLE, table, "the table", (), row_notes))
    return np.concatenate([part.values for part in parts]), row_notes


@pytest.mark.parametrize("numbers", [1, 7, 50, 700])
def test_do_not_depend_on_their_neighbours(numbers, monkeypatch):
    x = RNG.standard_normal((100, 7))
    x[::9, 2] = np.nan
    table = InMemory(pa.table(dict(zip(NAMES, x.T, strict=True))))
    whole, row_notes = predictions(table)
    monkeypatch.setattr(rows, "NUMBERS", numbers)
    found, again = predictions(table)
    assert np.array_equal(found, whole, equal_nan=True)
    assert row_notes == again == {"left out for missing values in c": 12}
    one_by_one = [PREDICTOR.outputs(row[None])[0] for row in x]
    assert np.array_equal(found, one_by_one, equal_nan=True)


def test_are_read_as_they_are_needed(monkeypatch, tmp_path):
    """Of a file of any length, no more is read than the rows to be predicted next."""
    monkeypatch.setattr(text, "BLOCK", 1000)
    monkeypatch.setattr(opening, "VALUES", 700)
    file = io.BytesIO(b"a,b,c,d,e,f,g\n" + b"1,2,3,4,5,6,7\n" * 10_000)
    done = 0
    for part in rows.of_table(
        PREDICTOR, TABLE, CsvTable(Path("f.csv"), file, CsvFormat()), "f.csv", (), rows.RowNotes()
    ):
        done += len(part.known)
        assert file.tell() <= 14 * done + 3000
    assert done == 10_000
    parquet.write_table(pa.table({name: np.zeros(10_000) for name in NAMES}), tmp_path / "f.parquet")
    sizes = [part.num_rows for part in ColumnarTable(tmp_path / "f.parquet", "parquet").read(NAMES)]
    assert (sum(sizes), max(sizes)) == (10_000, 100)


def test_beyond_all_numbers_are_told():
    predictor = Predictor(np.full((1, 7), 200.0), np.zeros(1), "regression", "exp", table=TABLE)
    found, row_notes = predictions(InMemory(pa.table({name: [0.1, 1.0] for name in NAMES})), predictor)
    assert np.isinf(found[:, 0]).tolist() == [False, True]
    assert row_notes == {"the prediction is beyond the largest number": 1}


def test_ever_new_levels_do_not_fill_the_memory():
    row_notes = rows.RowNotes()
    for i in range(3 * rows.MOST):
        row_notes.add({f"level {i}": 1})
    assert len(row_notes) == rows.MOST + 1
    assert row_notes["more of the like"] == 2 * rows.MOST
