"""The description of a table's preprocessing: what it makes of rows, what it refuses, and that it can be saved."""

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from tables import CITIES, people

from linnet.data.table.fit import fit
from linnet.data.table.preprocessing import Preprocessing, Target
from linnet.system.errors import InputError

TARGET = Target("y", "regression")
KINDS = {"age": "number", "smoker": "boolean", "city": "category"}
ROWS = {"age": ["30", "40", "50"], "smoker": ["true", "false", "true"], "city": ["Oslo", "Rome", "Oslo"]}


def text_table(columns) -> pa.Table:
    """As read from CSV: all text."""
    return pa.table({name: pa.array([str(value) for value in values]) for name, values in columns.items()})


def fitted(columns=None, missing="error", min_count=1, kinds=None) -> Preprocessing:
    kinds = kinds or {name: kind for name, kind in KINDS.items() if name in (columns or KINDS)}
    return fit(text_table(columns or people()), kinds, TARGET, missing, min_count)


def refusal(call, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


class TestFeatures:
    def test_are_numbers_as_they_are_and_a_feature_a_level(self):
        description = fitted(ROWS)
        assert description.feature_names == ("age", "smoker", "city=Oslo", "city=Rome")
        expected = [[30, 1, 1, 0], [40, 0, 0, 1], [50, 1, 1, 0]]
        np.testing.assert_array_equal(description.apply(text_table(ROWS)).x, expected)

    def test_are_the_same_for_text_and_for_typed_columns(self):
        columns = people()
        typed = pa.table(columns | {"smoker": [value == "true" for value in columns["smoker"]]})
        description = fitted()
        np.testing.assert_array_equal(description.apply(typed).x, description.apply(text_table(columns)).x)
        assert fit(typed, KINDS, TARGET, "error", 1) == description

    @pytest.mark.parametrize("kind", [pa.int8(), pa.uint16(), pa.float16(), pa.float32(), pa.decimal128(5, 2)])
    def test_of_any_type_of_number(self, kind):
        typed = text_table(ROWS).set_column(0, "age", pa.array([30, 40, 50]).cast(pa.float64()).cast(kind))
        assert fitted(ROWS).apply(typed).x[:, 0].tolist() == [30, 40, 50]

    @pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())])
    def test_of_text_however_it_is_stored(self, kind):
        stored = text_table(ROWS).set_column(2, "city", text_table(ROWS)["city"].cast(kind))
        np.testing.assert_array_equal(fitted(ROWS).apply(stored).x, fitted(ROWS).apply(text_table(ROWS)).x)

    def test_of_whole_numbers_beyond_float64_are_rounded(self):
        table = pa.table({"age": [2**60 + 1, 1]})
        assert fit(table, {"age": "number"}, TARGET, "error", 1).apply(table).x[:, 0].tolist() == [2.0**60, 1]

    @pytest.mark.parametrize(("text", "value"), [("1e3", 1000), ("+2", 2), (" 7 ", 7), (".5", 0.5), ("-3.", -3)])
    def test_of_numbers_in_any_spelling(self, text, value):
        assert fitted(ROWS).apply(text_table(ROWS | {"age": [text] * 3})).x[:, 0].tolist() == [value] * 3

    def test_of_a_million_rows_do_not_take_a_loop(self):
        rows = 1_000_000
        table = pa.table({"age": np.arange(rows), "city": pa.array(CITIES)[:2].take(pa.array(np.arange(rows) % 2))})
        applied = fit(table.slice(0, 100), {"age": "number", "city": "category"}, TARGET, "error", 1).apply(table)
        assert applied.x.sum(axis=0).tolist() == [rows * (rows - 1) / 2, rows / 2, rows / 2]


class TestLevels:
    def test_of_few_rows_are_counted_together(self):
        description = fitted({"city": ["Oslo"] * 5 + ["Rome"] * 5 + ["Lima", "Bern"]}, min_count=5)
        assert description.feature_names == ("city=Oslo", "city=Rome", "city=(other)")
        assert description.apply(text_table({"city": ["Bern", "Paris", "Rome"]})).x.tolist() == [
            [0, 0, 1], [0, 0, 1], [0, 1, 0],
        ]  # fmt: skip

    def test_never_seen_are_none_of_the_known_ones_and_told(self):
        applied = fitted(ROWS).apply(text_table(ROWS | {"city": ["Bern", "Rome", "Bern"]}))
        assert applied.x[:, 2:].tolist() == [[0, 0], [0, 1], [0, 0]]
        ((row_notes, count),) = applied.row_notes.items()
        assert "'Bern'" in row_notes
        assert count == 2

    def test_are_sorted_whatever_their_order_in_the_file(self):
        backwards = {name: values[::-1] for name, values in people().items()}
        assert fitted(backwards) == fitted(people())


class TestDropped:
    @pytest.mark.parametrize(
        ("values", "kind", "why"),
        [
            (["3"] * 9, "number", "is always 3"),
            (["3", ""] + ["3"] * 7, "number", "is always 3"),
            (["true"] * 9, "boolean", "is always 1"),
            (["Oslo"] * 9, "category", "is always 'Oslo'"),
            ([""] * 9, "empty", "has no values"),
            (list("abcdefghi"), "category", "has 9 levels, none with 2 rows"),
        ],
    )
    def test_is_a_column_that_tells_nothing(self, values, kind, why):
        columns = {"age": range(9), "it": values}
        description = fitted(columns, "mean", 2, {"age": "number", "it": kind})
        assert description.feature_names == ("age",)
        ((name, said),) = description.dropped
        assert name == "it"
        assert said.startswith(why)

    def test_last_column_is_missed(self):
        assert "no column is left to predict y from: age is always 1" in refusal(fitted, {"age": [1, 1]})


INCOMPLETE = {"age": ["10", "", "40"], "smoker": ["true", "false", "NA"], "city": ["Oslo", "Rome", " "]}


class TestMissing:
    def test_is_refused_by_column_count_and_row(self):
        message = refusal(fitted(ROWS).apply, text_table(INCOMPLETE))
        assert all(words in message for words in ("age 1", "smoker 1", "city 1", "row 2", "data.missing=mean"))

    def test_rows_are_dropped_and_told(self):
        applied = fitted(ROWS, "drop").apply(text_table(INCOMPLETE))
        assert applied.rows.tolist() == [0]
        assert applied.x.tolist() == [[10, 1, 1, 0]]
        assert list(applied.row_notes.values()) == [2]

    def test_values_become_training_means_with_an_indicator(self):
        description = fitted(INCOMPLETE, "mean")
        assert description.feature_names == (
            "age", "age missing", "smoker", "smoker missing", "city=Oslo", "city=Rome", "city missing",
        )  # fmt: skip
        applied = description.apply(text_table(INCOMPLETE))
        assert applied.x.tolist() == [[10, 0, 1, 0, 1, 0, 0], [25, 1, 0, 0, 0, 1, 0], [40, 0, 0.5, 1, 0, 0, 1]]
        assert not applied.row_notes

    def test_values_where_training_lacked_none_are_told(self):
        applied = fitted(ROWS, "mean").apply(text_table(INCOMPLETE))
        assert applied.x[:, 0].tolist() == [10, 40, 40]
        assert sum(applied.row_notes.values()) == 3

    def test_values_are_null_and_nan_in_typed_columns(self):
        table = pa.table({"age": [30.0, np.nan, None], "smoker": [True, False, None], "city": ["Oslo", "Rome", None]})
        assert fitted(ROWS, "drop").apply(table).rows.tolist() == [0]


class TestSchema:
    def test_may_have_its_columns_in_any_order(self):
        columns, description = people(), fitted()
        backwards = dict(reversed(columns.items()))
        expected = description.apply(text_table(columns)).x
        np.testing.assert_array_equal(description.apply(text_table(backwards)).x, expected)

    def test_may_lack_the_target_and_what_was_never_used(self):
        fitted(ROWS).apply(text_table(ROWS))

    def test_must_not_lack_a_column(self):
        message = refusal(fitted(ROWS).apply, text_table(ROWS).rename_columns(["Age", "smoker", "city"]))
        assert "the table has no column age, which the model needs, did you mean Age?" in message

    def test_tells_of_a_column_that_is_not_known(self):
        applied = fitted(ROWS).apply(text_table(ROWS | {"height": [1, 2, 3], "y": [1, 2, 3]}))
        ((row_notes, count),) = applied.row_notes.items()
        assert row_notes.startswith("column height")
        assert count == 3

    @pytest.mark.parametrize(
        ("name", "values", "words"),
        [
            ("age", ["30", "old", "oldest"], ["column age", "'old' in rows 2, 3"]),
            ("age", ["30", "inf", "1e999"], ["column age is infinite in rows 2, 3"]),
            ("age", [True, False, True], ["column age: expected numbers, found bool"]),
            ("smoker", ["true", "maybe", "1"], ["column smoker: expected true or false, found 'maybe' in row 2"]),
            ("smoker", [1, 0, 7], ["column smoker", "'7' in row 3"]),
            ("city", pa.array([0, 1, 2], pa.int32()).cast(pa.date32()), ["column city: expected text, found date32"]),
        ],
    )
    def test_refuses_another_kind(self, name, values, words):
        table = text_table(ROWS)
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
        message = refusal(fitted(ROWS).apply, table)
        assert all(word in message for word in words), message


class TestChunks:
    @pytest.mark.parametrize("missing", ["drop", "mean"])
    @pytest.mark.parametrize("size", [1, 7, 64])
    def test_give_what_the_whole_gives(self, missing, size):
        columns = people(200)
        columns["age"][::9] = [""] * len(columns["age"][::9])
        columns["city"][::11] = ["Bern"] * len(columns["city"][::11])
        table = text_table(columns)
        description = fit(table.slice(0, 150), KINDS, TARGET, missing, 20)
        whole = description.apply(table)
        parts = [description.apply(table.slice(start, size)) for start in range(0, 200, size)]
        np.testing.assert_array_equal(np.concatenate([part.x for part in parts]), whole.x)
        rows = [part.rows + start for part, start in zip(parts, range(0, 200, size), strict=True)]
        np.testing.assert_array_equal(np.concatenate(rows), whole.rows)
        assert sum(sum((part.row_notes for part in parts), Counter()).values()) == sum(whole.row_notes.values())


class TestJson:
    @pytest.mark.parametrize("missing", ["error", "drop", "mean"])
    def test_is_read_back_exactly(self, missing):
        columns = people() | {"pi": [np.pi * i for i in range(100)], "same": [1] * 100}
        columns["age"][3] = "" if missing == "mean" else columns["age"][3]
        kinds = KINDS | {"pi": "number", "same": "number"}
        before = fit(text_table(columns), kinds, Target("y", "classification", ("é", "b")), missing, 40, ["id"])
        after = Preprocessing.from_node(json.loads(json.dumps(before.to_node())))
        assert after == before
        assert after.to_node() == before.to_node()

    @pytest.mark.parametrize("damage", [{}, [], None, {"version": 1}])
    def test_that_is_something_else_is_refused(self, damage):
        with pytest.raises(ValueError, match="is damaged"):
            Preprocessing.from_node(damage)

    @pytest.mark.parametrize("change", [{"version": 2}, {"columns": [{"nom": "a"}]}, {"columns": 3}, {"more": 1}])
    def test_that_was_changed_is_refused(self, change):
        with pytest.raises(ValueError, match="is damaged"):
            Preprocessing.from_node(fitted().to_node() | change)
