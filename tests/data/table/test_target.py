"""What a target column is: numbers or classes, by what it holds, and what cannot be a target."""

import subprocess
import sys

import pyarrow as pa
import pytest
from pyarrow import parquet
from tables import write_csv

from linnet.data.table.messages import row_words
from linnet.data.table.target import infer_task, read_target
from linnet.system.errors import InputError


def target(values, task=None):
    return read_target(pa.chunked_array([pa.array(values)]), "y", task, row_words)


def refusal(values, task=None) -> str:
    with pytest.raises(InputError) as caught:
        target(values, task)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


class TestTask:
    @pytest.mark.parametrize(
        ("values", "class_names"),
        [
            (["b", "a", "b", "b"], ("a", "b")),
            (["True", "false", "true", "TRUE"], ("false", "true")),
            ([True, False, True, True], ("false", "true")),
            (["10", "9"] * 5, ("9", "10")),
            ([10, 9] * 5, ("9", "10")),
            ([10.0, 9.0] * 5, ("9", "10")),
            (["10.0", "9"] * 5, ("9", "10")),
            (list(range(20)) * 5, tuple(map(str, range(20)))),
        ],
    )
    def test_is_classification_of_sorted_classes(self, values, class_names):
        found = target(values)
        assert found.target.class_names == class_names
        names = [class_names[k] for k in found.y]
        assert [name.casefold() for name in names] == [
            f"{float(value):.0f}" if str(value)[0].isdigit() else str(value).casefold() for value in values
        ]

    @pytest.mark.parametrize(
        "values", [list(range(21)) * 5, [1, 2] * 4, [0.5, 1.5] * 10, ["0.5", "1"] * 10, ["1e9", "2"] * 2]
    )
    def test_is_regression(self, values):
        found = target(values)
        assert found.target.task == "regression"
        assert found.y.tolist() == [float(value) for value in values]

    def test_can_be_asked_for(self):
        assert target([1, 2] * 9, "regression").y.tolist() == [1, 2] * 9
        assert target([True, False], "regression").y.tolist() == [1, 0]
        assert target([1, 2] * 3, "classification").target.class_names == ("1", "2")
        assert target(["1", "2", "x"] * 2, "classification").target.class_names == ("1", "2", "x")


class TestRefusal:
    @pytest.mark.parametrize(
        ("values", "words"),
        [
            (["a", "", "b", "NA"], ["target y is missing in rows 2, 4", "2 of 4"]),
            ([1.0, float("nan"), 2.0], ["target y is missing in row 2"]),
            ([None, None], ["no values"]),
            (["a"] * 9, ["one class only, 'a'"]),
            ([1] * 9, ["one class only, '1'"]),
            ([1.5] * 9, ["1.5 in all rows"]),
            (["1", "2", "many"], ["numeric but for 1 of its 3 values", "'many' in row 3"]),
            (["1,5", "2,5"], ["'1,5' in rows 1, 2", 'data.decimal=","']),
            (["2020-01-01", "2020-01-02"], ["dates"]),
            ([float("inf"), 1.0], ["infinite in row 1"]),
            (["a", "b", "c"], ["3 classes in 3 rows"]),
        ],
    )
    def test_names_rows_and_remedy(self, values, words):
        message = refusal(values)
        assert "target y" in message
        assert all(word in message for word in words), message

    def test_of_text_where_numbers_are_asked_for(self):
        assert "expected numbers, found 'a' in rows 1, 2" in refusal(["a", "b"], "regression")


class TestInferTask:
    def test_is_the_same_for_csv_and_parquet(self, tmp_path):
        for column, task in ([1, 2] * 9, "classification"), ([0.1, 2] * 9, "regression"):
            path = write_csv(tmp_path / "f.csv", {"x": range(18), "y": column})
            parquet.write_table(pa.table({"x": range(18), "y": column}), tmp_path / "f.parquet")
            assert infer_task(path, "y") == infer_task(str(tmp_path / "f.parquet"), "y") == task

    def test_suggests_a_column_for_one_that_is_not_there(self, tmp_path):
        path = write_csv(tmp_path / "f.csv", {"price": [1], "y": [1]})
        with pytest.raises(InputError, match=r"data.target=Prise: .* did you mean price\?"):
            infer_task(path, "Prise")

    def test_needs_no_torch(self, tmp_path):
        path = write_csv(tmp_path / "f.csv", {"x": range(18), "y": [1, 2] * 9})
        code = (
            "import sys; from linnet.data.table.target import infer_task; print(infer_task(sys.argv[1], 'y'));"
            "assert not {'torch', 'hydra', 'pytorch_lightning', 'sklearn'} & set(sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "classification"
