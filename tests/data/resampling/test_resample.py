"""From a configuration to the resamples of a run's training examples, and what is refused on the way."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import csv
from scipy.sparse import csr_array

from linnet.config.option_types import options_of
from linnet.data import Examples, Source
from linnet.data.resampling import Bootstrap, GivenFolds, KFold, LeaveOneOut, NoResampling, TimeSeries, resample
from linnet.data.sources.table import table_rows
from linnet.data.storage.sparse_examples import SparseExamples
from linnet.system.errors import InputError
from linnet.training.components import make


def source_of(y, weight=None, **labels):
    y = torch.tensor(y)
    task = "regression" if y.is_floating_point() else "classification"
    names = ("cat", "dog") if task == "classification" else ()
    x = torch.zeros(len(y), 1)
    train = Examples(x, y, None if weight is None else torch.tensor(weight))
    return Source(task, train, None, "", class_names=names, **labels)


def made(part, source):
    return resample(part, source.train, source, 0)


def test_without_resampling_there_are_none():
    assert made(NoResampling(), source_of([0.0, 1.0])) is None


@pytest.mark.parametrize(
    ("part", "source", "message"),
    [
        (LeaveOneOut(), source_of([0, 0, 1]), "resample 2 trains on no example of class dog"),
        (TimeSeries(2), source_of([0, 0, 0, 1, 1, 1]), "resample 0 trains on no example of class dog"),
        (GivenFolds(), source_of([0, 0, 1, 1], folds=torch.tensor([0, 0, 1, 1])), "resample 0 .* of class cat"),
        (Bootstrap(50), source_of([0] * 9 + [1]), "of class dog: .* resampling.stratified=true"),
        (
            KFold(2, shuffle=False), source_of([0.0, 1.0, 2.0, 3.0], [1.0, 1.0, 0.0, 0.0]),
            "all training examples of resample 0 have weight 0",
        ),
        (LeaveOneOut(), source_of([0, 0, 1, 1], [1.0, 1.0, 1.0, 0.0]), "resample 2 trains on no example of class dog"),
    ],
)  # fmt: skip
def test_refuses_a_resample_that_no_model_can_be_trained_on(part, source, message):
    with pytest.raises(InputError, match=message):
        made(part, source)


def test_a_class_that_only_the_test_part_has_is_not_missed():
    source = source_of([0, 1, 0, 1])
    assert len(made(KFold(2), replace(source, absent_classes=("cow",)))) == 2


def test_refuses_sparse_features():
    sparse = SparseExamples(csr_array(np.eye(4)), torch.zeros(4, 1))
    source = replace(source_of([0.0] * 4), train=sparse)
    with pytest.raises(InputError, match="resampling: the features are sparse"):
        made(KFold(2), source)


@pytest.fixture
def table(tmp_path):
    """A table of 40 rows in 8 groups and 4 folds, one row in none."""
    fold = ["north", "south", "west", "east"] * 10
    fold[5] = None
    columns = {"x": np.arange(40.0), "y": np.arange(40.0) % 7 / 2, "who": np.arange(40) // 5, "where": fold}
    path = tmp_path / "rows.csv"
    csv.write_csv(pa.table(columns), path)
    return path


class TestTable:
    def test_groups_and_folds_are_those_of_the_training_rows(self, table, checked):
        overrides = ("data.fold=where", "data.group=who", "resampling=given_folds")
        node = checked("data=table", f"data.path={table}", "data.target=y", *overrides)["data"]
        source = make({key: value for key, value in node.items() if key == "_target_" or key in options_of(table_rows)})
        rows = source.train.x[:, 0].long()
        assert torch.equal(source.groups, rows // 5)
        names = ["east", "north", "south", "west"]  # in the order of the values
        expected = [-1 if row == 5 else names.index(["north", "south", "west", "east"][row % 4]) for row in rows]
        assert source.folds.tolist() == expected and source.feature_names == ("x",)

    @pytest.mark.parametrize(
        ("overrides", "message"),
        [
            (["resampling=group_kfold"], "resampling=group_kfold needs the column data.group of a table: give data.g"),
            (["resampling=given_folds"], "needs the column data.fold of a table: give data.fold=NAME"),
            (["data.fold=where"], "data.fold=where: resampling=none makes no use of it, use resampling=given_folds"),
            (
                ["data.group=who", "resampling=kfold"],
                "resampling=kfold: rows of one group would be on both sides of a fold, data.group=who: use "
                "resampling=group_kfold",
            ),
            (["resampling=kfold", "optimizer=torch_sgd"], "the optimizers of torch train one model at a time"),
            (["resampling=kfold", "trainer=ddp", "trainer.devices=2"], "trainer=ddp divides one model"),
            (["resampling=kfold", "resampling.n_folds=1"], "resampling.n_folds=1: expected a whole number in [2, inf)"),
            (["resampling=kfolds"], "resampling=kfolds: no such option, did you mean kfold?"),
            (["data.fold=wher"], "data.fold=wher: "),
        ],
    )
    def test_refuses(self, overrides, message, table, refusal, workplace):
        line = refusal("train", "data=table", f"data.path={table}", "data.target=y", *overrides)
        assert message in line

    def test_of_other_data_has_no_groups(self, refusal, workplace):
        line = refusal("train", "resampling=group_kfold")
        assert line.endswith("needs the column data.group of a table: use data=table, which has it")
