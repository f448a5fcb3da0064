"""From files to examples: weights, columns that give the target away, and what is told before training."""

from itertools import chain

import numpy as np
import pytest
import torch
from tables import parts, people, refusal, row_notes, source

from linnet.data import prepare


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
        assert row_notes(data, "warning: column it", "data.exclude=[it]")

    @pytest.mark.parametrize(
        "names", [{"Oslo": "1", "Rome": "2", "Lima": "3"}, {"Oslo": "O", "Rome": "R", "Lima": "L"}]
    )
    def test_of_classes_under_other_names_are_warned_of(self, names, path):
        columns = people()
        data = source(path(columns | {"it": [names[city] for city in columns["city"]]}), "city")
        assert row_notes(data, "warning: column it is the target under other names")

    def test_of_very_large_numbers_are_warned_of(self, path):
        columns = people()
        data = source(path(columns | {"it": [1e200 * value for value in columns["y"]]}))
        assert row_notes(data, "warning: column it")

    def test_are_not_seen_where_there_are_none(self, path):
        columns = people() | {"id": range(100)}
        noise = np.random.default_rng(0).standard_normal(100) / 100
        columns["close"] = (np.array(columns["y"]) + noise).tolist()
        assert not row_notes(source(path(columns)), "warning")
        assert not row_notes(source(path(columns), "city"), "warning")
        assert not row_notes(source(path(columns), "smoker"), "warning")


class TestSummary:
    def test_says_rows_target_features_and_parts(self, path):
        lines = "\n".join(source(path()).summary)
        assert "100 rows of " in lines
        assert "target y: regression" in lines
        assert "features: 5 from 3 columns (1 number, 1 boolean, 1 category)" in lines
        assert "parts: 72 train, 8 val, 20 test" in lines

    def test_says_how_to_take_few_numbers_otherwise(self, path):
        file = path({"x": range(100), "y": [0, 1] * 50})
        assert row_notes(source(file), "classification", "model=linear_regression")
        assert row_notes(source(file, task="regression"), "regression, 0 … 1", "model=softmax_regression")
        assert not row_notes(source(path()), "model=")

    def test_identifies_the_data(self, path, tmp_path):
        from linnet.system.reading import sha256

        assert source(path()).checksum == sha256(tmp_path / "f.csv")
