"""From files to examples: which columns become features, and which are refused."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from tables import parts, people, refusal, row_notes, source

from linnet.data import prepare
from linnet.system.errors import InputError


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
        assert row_notes(data, "column same is always 7", "left out")

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
            (["1,5", "2,25"] * 50, ["column it", "'1,5' in rows 1, 2", 'data.decimal=","']),
            (["1"] * 99 + ["inf"], ["column it is infinite in row 100"]),
            (["2020-01-31", "2020-02-01"] * 50, ["column it holds dates", "data.exclude=[it]"]),
            (["31.12.2020 10:00", "1.1.2021"] * 50, ["column it holds dates"]),
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

    def test_too_large_for_float32_are_refused_unless_standardised(self, path):
        found = source(path({"x": ["1e300", "1"] * 9, "y": range(18)}), dtype="float32")
        with pytest.raises(InputError, match=r"1e\+300 is too large for data.dtype=float32"):
            prepare(found, 4, None, False, 0, seed=0, dtype="float32")
        x = prepare(found, 4, None, True, 0, seed=0, dtype="float32").train.x
        assert x.dtype == torch.float32
        assert set(x[:, 0].sign().tolist()) == {-1.0, 1.0}
