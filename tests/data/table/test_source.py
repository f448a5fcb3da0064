"""From files to examples: the columns that are used, the parts, what is told, and what is refused."""

from itertools import chain

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from tables import CITIES, people, source, write_csv

from linnet.data import Source, prepare
from linnet.errors import InputError


@pytest.fixture
def path(tmp_path):
    """A function that writes columns as CSV and returns its path."""

    def write(columns=None, name="f.csv") -> str:
        return write_csv(tmp_path / name, people() if columns is None else columns)

    return write


def refusal(*arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        source(*arguments, **options)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def parts(data: Source):
    return {name: part for name in ("train", "val", "test") if (part := getattr(data, name)) is not None}


def n_rows(data: Source) -> int:
    return sum(len(part) for part in parts(data).values())


def told(data: Source, *words: str) -> bool:
    """Whether one line of the summary has all the words."""
    return any(all(word in line for word in words) for line in data.summary)


class TestColumns:
    def test_are_all_but_the_target(self, path):
        data = source(path())
        assert data.feature_names == ("age", "smoker", "city=Lima", "city=Oslo", "city=Rome")
        assert data.task == "regression"
        assert data.train.y.shape == (len(data.train), 1)

    def test_are_the_chosen_ones(self, path):
        assert source(path(), features=["smoker", "age"]).feature_names == ("age", "smoker")
        assert source(path(), exclude=["city", "age"]).feature_names == ("smoker",)

    def test_hold_the_values_of_the_file(self, path):
        columns = people()
        data = source(path(columns), features=["age", "smoker"])
        expected = sorted(
            zip(columns["age"], (value == "true" for value in columns["smoker"]), columns["y"], strict=True)
        )
        found = torch.cat([torch.cat([part.x, part.y], 1) for part in parts(data).values()])
        assert sorted(map(tuple, found.tolist())) == [tuple(map(float, row)) for row in expected]

    def test_of_numbers_can_be_named_categories(self, path):
        columns = people() | {"code": [1, 2, 3, 4] * 25}
        assert source(path(columns), features=["code"], categorical=["code"]).feature_names == (
            "code=1", "code=2", "code=3", "code=4",
        )  # fmt: skip

    def test_are_the_same_from_csv_and_parquet(self, path, tmp_path):
        columns = people() | {"whole": np.arange(100.0), "code": [1, 2] * 50}
        parquet.write_table(pa.table(columns | {"smoker": [v == "true" for v in columns["smoker"]]}), tmp_path / "f.pq")
        one, other = (source(file, categorical=["code"]) for file in (path(columns), str(tmp_path / "f.pq")))
        assert one.preprocessing == other.preprocessing
        for name, part in parts(one).items():
            assert torch.equal(part.x, parts(other)[name].x)
            assert torch.equal(part.y, parts(other)[name].y)

    def test_of_one_value_are_left_out_and_told(self, path):
        data = source(path(people() | {"same": [7] * 100}))
        assert "same" not in data.feature_names
        assert told(data, "column same is always 7", "left out")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"target": "price"}, ["data.target=price", "its columns are age, smoker, city, y"]),
            ({"features": ["agee"]}, ["data.features=agee", "did you mean age?"]),
            ({"exclude": ["ctiy"]}, ["data.exclude=ctiy", "did you mean city?"]),
            ({"weight": "w8"}, ["data.weight=w8"]),
            ({"group": "grp"}, ["data.group=grp"]),
            ({"split_column": "part"}, ["data.split_column=part"]),
            ({"features": ["age", "y"]}, ["data.features: y is in data.target too"]),
            ({"features": ["age"], "exclude": ["age"]}, ["age is in data.exclude too"]),
            ({"group": "y"}, ["data.group=y: this column is data.target already"]),
            ({"exclude": ["age", "smoker", "city"]}, ["no column is left"]),
        ],
    )
    def test_with_wrong_names_or_two_roles_are_refused(self, options, words, path):
        message = refusal(path(), **options)
        assert all(word in message for word in words), message

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            (
                ["1"] * 98 + ["one", "two"],
                ["column it is numeric but for 2 of its 100", "'one' in rows 99, 100", "f.csv"],
            ),
            (["1,5", "2,25"] * 50, ["column it", "commas"]),
            (["1"] * 99 + ["inf"], ["column it is infinite in row 100"]),
            (["2020-01-31", "2020-02-01"] * 50, ["column it holds dates", "data.exclude=[it]"]),
            (["31.12.2020 10:00", "1.1.2021"] * 50, ["column it holds dates"]),
            (["a\nb", "c"] * 50, ["column it has a line break"]),
            (["", "1"] * 50, ["values are missing: it 50", "rows 1, 3, 5, 7, 9 and 45 more", "data.missing=drop"]),
            (["nan", "1"] * 50, ["values are missing: it 50"]),
        ],
    )
    def test_with_values_that_cannot_be_used_are_refused(self, values, words, path):
        message = refusal(path(people() | {"it": values}))
        assert all(word in message for word in words), message

    @pytest.mark.parametrize("values", [[[1]] * 100, [{"a": 1}] * 100, [b"a", b"b"] * 50])
    def test_of_nested_types_are_refused(self, values, tmp_path):
        parquet.write_table(pa.table({"it": values, "y": range(100)}), tmp_path / "f.parquet")
        assert "column it holds" in refusal(str(tmp_path / "f.parquet"))

    @pytest.mark.parametrize("role", ["target", "group", "weight", "split_column"])
    def test_of_nested_types_are_refused_in_every_role(self, role, tmp_path):
        table = pa.table({"it": [[1]] * 100, "y": range(100), "x": range(100)})
        parquet.write_table(table, tmp_path / "f.parquet")
        assert "it" in refusal(str(tmp_path / "f.parquet"), **{"features": ["x"]} | {role: "it"})

    def test_may_be_thousands(self, tmp_path):
        rng = np.random.default_rng(0)
        table = pa.table({f"x{i}": rng.standard_normal(10) for i in range(2000)} | {"y": rng.standard_normal(10)})
        parquet.write_table(table, tmp_path / "f.parquet")
        assert len(source(str(tmp_path / "f.parquet")).feature_names) == 2000

    def test_of_dates_in_parquet_are_refused(self, tmp_path):
        table = pa.table({"it": pa.array(range(100), pa.timestamp("s")), "y": range(100)})
        parquet.write_table(table, tmp_path / "f.parquet")
        assert "column it holds dates" in refusal(str(tmp_path / "f.parquet"))

    def test_too_large_for_float32_are_refused(self, path):
        assert "data.dtype=float64" in refusal(path({"x": ["1e300", "1"] * 9, "y": range(18)}), dtype="float32")


class TestRows:
    COLUMNS = people() | {"age": [None if i % 10 == 0 else i for i in range(100)]}

    def test_in_are_rows_used_and_rows_told(self, path):
        data = source(path(self.COLUMNS), missing="drop")
        assert n_rows(data) == 90
        assert told(data, "10 rows", "left out", "age (10)")

    def test_all_lacking_a_value_are_refused(self, path):
        columns = self.COLUMNS | {"city": [None if i % 10 else "Oslo" for i in range(100)]}
        assert "leaves no rows" in refusal(path(columns), missing="drop")

    def test_keep_their_missing_values_as_means(self, path):
        data = source(path(self.COLUMNS), missing="mean")
        assert n_rows(data) == 100
        missing = torch.cat([part.x[:, 1] for part in parts(data).values()])
        assert missing.sum() == 10
        filled = data.train.x[data.train.x[:, 1] == 1, 0]
        present = data.train.x[data.train.x[:, 1] == 0, 0]
        torch.testing.assert_close(filled, present.mean().expand(len(filled)))

    def test_have_targets_of_their_class(self, path):
        columns = people()
        data = source(path(columns), "city", exclude=["y"])
        assert data.class_names == tuple(sorted(CITIES))
        counts = torch.bincount(torch.cat([part.y for part in parts(data).values()]))
        assert counts.tolist() == [columns["city"].count(name) for name in sorted(CITIES)]
        assert told(data, "classification, 3 classes: Lima")


class TestParts:
    def test_hold_classes_in_equal_shares(self, path):
        data = source(path({"x": range(200), "y": ["a"] * 150 + ["b"] * 50}))
        assert {name: torch.bincount(part.y).tolist() for name, part in parts(data).items()} == {
            "train": [108, 36], "val": [12, 4], "test": [30, 10],
        }  # fmt: skip

    def test_are_a_pure_function_of_the_seed(self, path):
        file = path()
        assert torch.equal(source(file).test.x, source(file).test.x)
        assert not torch.equal(source(file).test.x, source(file, seed=1).test.x)

    def test_come_from_files_of_their_own(self, path):
        data = source(path(people(50), "a.csv"), test_path=path(people(30, seed=1), "b.csv"), features=["age"])
        assert {name: len(part) for name, part in parts(data).items()} == {"train": 45, "val": 5, "test": 30}
        assert data.test.y[:, 0].tolist() == people(30, seed=1)["y"]

    def test_come_from_a_column(self, path):
        names = ["train"] * 60 + ["Validation"] * 10 + ["TEST"] * 30
        data = source(path(people() | {"part": names}), split_column="part")
        assert {name: len(part) for name, part in parts(data).items()} == {"train": 60, "val": 10, "test": 30}
        assert data.test.y[:, 0].tolist() == people()["y"][70:]
        assert not any(name.startswith("part") for name in data.feature_names)

    def test_keep_groups_whole(self, path):
        groups = np.random.default_rng(0).integers(0, 12, 100)
        data = source(path({"x": groups, "y": people()["y"], "patient": groups}), group="patient", features=["x"])
        found = [set(part.x[:, 0].tolist()) for part in parts(data).values()]
        assert len(found) == 3
        assert sum(map(len, found)) == len(set.union(*found)) == len(set(groups.tolist()))

    def test_can_be_left_out(self, path):
        data = source(path(), test_fraction=0, val_fraction=0)
        assert list(parts(data)) == ["train"]
        assert len(data.train) == 100

    def test_levels_and_means_are_those_of_the_training_part(self, path):
        columns = people() | {"part": ["train"] * 60 + ["test"] * 40}
        columns["city"] = ["Oslo", "Rome"] * 30 + ["Bern"] * 40
        data = source(path(columns), split_column="part", val_fraction=0)
        assert data.feature_names == ("age", "smoker", "city=Oslo", "city=Rome")
        assert not data.test.x[:, 2:].any()
        assert told(data, "40 rows", "'Bern' is no level of the training data")

    @pytest.mark.parametrize(
        ("columns", "options", "words"),
        [
            ({"part": ["train", "other"] * 50}, {"split_column": "part"}, ["'other' in rows 2, 4"]),
            ({"part": ["train", None] * 50}, {"split_column": "part"}, ["'' in rows 2, 4"]),
            ({"part": ["test"] * 100}, {"split_column": "part"}, ["no rows are left to train on"]),
            ({"g": [1, None] * 50}, {"group": "g"}, ["data.group=g: the group is missing in rows 2, 4"]),
            ({"g": [1] * 100}, {"group": "g"}, ["one group"]),
            (
                {"g": [1] * 100, "part": ["train", "test"] * 50},
                {"group": "g", "split_column": "part", "val_fraction": 0},
                ["data.group=g", "train part (row 1", "test part (row 2"],
            ),
            (
                {"y": ["a", "b"] * 49 + ["c", "c"], "part": ["train"] * 98 + ["test"] * 2},
                {"split_column": "part"},
                ["the test part has c (rows 99, 100", "no training row has"],
            ),
            ({"part": ["train"] * 100}, {"split_column": "part", "test_path": "f.csv"}, ["give one of them"]),
        ],
    )
    def test_that_cannot_be_are_refused(self, columns, options, words, path):
        message = refusal(path(people() | columns), **options)
        assert all(word in message for word in words), message

    def test_of_several_test_files_are_named_by_their_own_rows(self, path):
        files = [path(people(30), "b.csv"), path(people(30) | {"age": [20] * 29 + ["old"]}, "c.csv")]
        assert "'old' in row 30 of " in (message := refusal(path(), test_path=files))
        assert "c.csv" in message

    def test_of_test_files_with_other_columns_are_refused(self, path):
        test = path({name: values for name, values in people().items() if name != "age"}, "test.csv")
        assert "test.csv lacks age" in refusal(path(), test_path=test)


class TestWeight:
    def test_comes_with_the_examples(self, path):
        columns = {"x": range(100), "y": people()["y"], "w": [i / 10 for i in range(100)]}
        data = source(path(columns), weight="w")
        assert data.feature_names == ("x",)
        for part in parts(data).values():
            torch.testing.assert_close(part.weight, part.x[:, 0] / part.x[:, 0].mean())

    def test_goes_with_the_rows_wherever_they_go(self, path):
        columns = {"x": range(100), "y": people()["y"], "w": [i / 10 for i in range(100)]}
        data = prepare(source(path(columns), weight="w"), 10, 0.5, False, 3, 0)
        torch.testing.assert_close(data.val.weight, data.val.x[:, 0] / data.val.x.mean())
        mean = data.train.x.mean()
        for part in (data.train, data.train.to(torch.device("cpu")), data.train.take(torch.tensor([3, 1]))):
            torch.testing.assert_close(part.weight, part.x[:, 0] / mean)
        rows = torch.arange(len(data.train)).flip(0)
        for batch in chain(data.train.batches(rows, [len(rows) - 2, 2]), data.train.chunks(10)):
            torch.testing.assert_close(batch.weight, batch.x[:, 0] / mean)
        scaled = prepare(source(path(columns), weight="w"), 10, None, True, 0, 0)
        assert torch.equal(scaled.train.weight, scaled.source.train.weight)

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ([1] * 99 + [-1], "negative in row 100"),
            ([1] * 99 + [None], "missing in row 100"),
            ([1] * 99 + ["much"], "'much' in row 100"),
            ([1] * 99 + ["inf"], "infinite in row 100"),
            ([0] * 100, "all weights of the train part are 0"),
        ],
    )
    def test_that_is_none_is_refused(self, values, words, path):
        message = refusal(path(people() | {"w": values}), weight="w")
        assert message.startswith("data.weight=w")
        assert words in message

    @pytest.mark.parametrize("part", ["train", "val", "test"])
    def test_of_a_part_that_is_nowhere_positive_is_refused(self, part, path):
        where = ["train"] * 60 + ["val"] * 20 + ["test"] * 20
        columns = people() | {"part": where, "w": [float(each != part) for each in where]}
        message = refusal(path(columns), weight="w", split_column="part")
        assert message == f"data.weight=w: all weights of the {part} part are 0, nothing would count"

    def test_of_any_size_has_a_finite_mean(self, path):
        data = source(path(people() | {"w": [1e308] * 100}), weight="w", dtype="float32")
        assert torch.equal(data.train.weight, torch.ones(len(data.train)))


class TestLeaks:
    @pytest.mark.parametrize(
        "copy",
        [lambda y: y, lambda y: [-2 * value + 7 for value in y], lambda y: [round(value, 9) for value in y]],
    )
    def test_of_numbers_are_warned_of(self, copy, path):
        columns = people()
        data = source(path(columns | {"it": copy(columns["y"])}))
        assert told(data, "warning: column it", "data.exclude=[it]")

    @pytest.mark.parametrize(
        "names", [{"Oslo": "1", "Rome": "2", "Lima": "3"}, {"Oslo": "O", "Rome": "R", "Lima": "L"}]
    )
    def test_of_classes_under_other_names_are_warned_of(self, names, path):
        columns = people()
        data = source(path(columns | {"it": [names[city] for city in columns["city"]]}), "city")
        assert told(data, "warning: column it is the target under other names")

    def test_of_very_large_numbers_are_warned_of(self, path):
        columns = people()
        data = source(path(columns | {"it": [1e200 * value for value in columns["y"]]}))
        assert told(data, "warning: column it")

    def test_are_not_seen_where_there_are_none(self, path):
        columns = people() | {"id": range(100)}
        noise = np.random.default_rng(0).standard_normal(100) / 100
        columns["close"] = (np.array(columns["y"]) + noise).tolist()
        assert not told(source(path(columns)), "warning")
        assert not told(source(path(columns), "city"), "warning")
        assert not told(source(path(columns), "smoker"), "warning")


class TestSummary:
    def test_says_rows_target_features_and_parts(self, path):
        lines = "\n".join(source(path()).summary)
        assert "100 rows of " in lines
        assert "target y: regression" in lines
        assert "features: 5 from 3 columns (1 number, 1 boolean, 1 category)" in lines
        assert "parts: 72 train, 8 val, 20 test" in lines

    def test_says_how_to_take_few_numbers_otherwise(self, path):
        file = path({"x": range(100), "y": [0, 1] * 50})
        assert told(source(file), "classification", "model=linear_regression")
        assert told(source(file, task="regression"), "regression, 0 … 1", "model=softmax_regression")
        assert not told(source(path()), "model=")

    def test_identifies_the_data(self, path, tmp_path):
        from linnet.files import sha256

        assert source(path()).checksum == sha256(tmp_path / "f.csv")
