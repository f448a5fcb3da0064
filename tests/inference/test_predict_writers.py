"""Files of predictions: named columns, missing values, and nothing that a reader would take for something else."""

import csv
import gzip
import io
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from linnet.inference.predictor import Predictor
from linnet.inference.rows import Predicted
from linnet.inference.writers import WRITERS, output_names
from linnet.system.errors import InputError

ONE = Predictor(np.zeros((1, 2)), np.zeros(1), "regression", "identity")
TWO = Predictor(np.zeros((2, 2)), np.zeros(2), "regression", "identity")
CLASSES = Predictor(np.zeros((2, 2)), np.zeros(2), "classification", "softmax", class_names=("a", 'b "b"'))


def written(ending: str, predictor: Predictor, *parts: Predicted) -> bytes:
    file = io.BytesIO()
    writer = WRITERS[ending](file, predictor)
    for part in parts:
        writer.write(part)
    writer.close()
    return file.getvalue()


def predicted(values: list[list[float]], **ids: list) -> Predicted:
    array = np.array(values)
    return Predicted(array, ~np.isnan(array).any(axis=1), pa.table(ids))


def test_outputs_have_names():
    assert output_names(ONE) == ("prediction",)
    assert output_names(TWO) == ("prediction_0", "prediction_1")
    assert output_names(CLASSES) == ("prediction", "probability_a", 'probability_b "b"')


class TestCsv:
    def test_is_read_back_exactly(self):
        ids = {"id": ['say "hi"', "a,b", "two\nlines", None], "n": [1, None, 3, 4], "day": [datetime(2020, 1, 2)] * 4}
        values = [[1 / 3, 2 / 3], [0.75, 0.25], [np.nan, np.nan], [1e-300, 1.0]]
        content = written(".csv", CLASSES, predicted(values, **ids)).decode()
        header, *found = csv.reader(io.StringIO(content, newline=""))
        assert header == ["id", "n", "day", *output_names(CLASSES)]
        assert [row[0] for row in found] == ['say "hi"', "a,b", "two\nlines", ""]
        assert [row[1] for row in found] == ["1", "", "3", "4"]
        assert {row[2] for row in found} == {"2020-01-02 00:00:00.000000"}
        assert [row[3] for row in found] == ['b "b"', "a", "", 'b "b"']
        numbers = [[float(value) if value else np.nan for value in row[4:]] for row in found]
        assert np.array_equal(numbers, values, equal_nan=True)

    def test_has_no_empty_lines(self):
        assert written(".csv", ONE, predicted([[1.5], [np.nan]])) == b'prediction\n1.5\n""\n'

    def test_cannot_hold_lists(self):
        with pytest.raises(InputError, match=r"--id=z: the column holds list.*write .parquet"):
            written(".csv", ONE, predicted([[1.0]], z=[[1, 2]]))


@pytest.mark.parametrize("ending", WRITERS)
def test_in_parts_is_the_whole(ending):
    values = np.random.default_rng(0).random((50, 2)).tolist()
    parts = [predicted(values[:20]), predicted(values[20:])]
    content = io.BytesIO(written(ending, TWO, *parts))
    if ending == ".csv.gz":
        content = io.BytesIO(gzip.decompress(content.getvalue()))
    if ending == ".npy":
        found = np.load(content)
    elif ending in (".csv", ".csv.gz"):
        found = np.loadtxt(content, delimiter=",", skiprows=1)
    else:
        read = parquet.read_table if ending == ".parquet" else feather.read_table
        found = np.column_stack(read(content).columns)
    assert found.tolist() == values
