"""From files to examples: which rows are used, and in which part."""

import numpy as np
import pytest
import torch
from tables import CITIES, n_rows, parts, people, refusal, row_notes, source


class TestRows:
    COLUMNS = people() | {"age": [None if i % 10 == 0 else i for i in range(100)]}

    def test_in_are_rows_used_and_rows_told(self, path):
        data = source(path(self.COLUMNS), missing="drop")
        assert n_rows(data) == 90
        assert row_notes(data, "10 rows", "left out", "age (10)")

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
        assert row_notes(data, "classification, 3 classes: Lima")


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
        assert row_notes(data, "40 rows", "no level of the training data", "such as 'Bern'")

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
