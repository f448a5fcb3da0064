"""The option files hold together with the code they configure, and with the commands that they show."""

import inspect
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hydra.utils import get_object
from pyarrow import csv, parquet

from linnet import models, optimizers, penalties, schedules
from linnet.cli.train import parse
from linnet.config.check import check
from linnet.config.check_options import declared, nodes
from linnet.config.compose import compose, compose_sweep, session
from linnet.config.groups import GROUPS, shipped
from linnet.data import prepare
from linnet.training.components import PREPARATION

CONF = Path(__file__).parents[2] / "conf"
FILES = sorted(path for path in CONF.rglob("*.yaml") if path.name[0] != "_")

# What a component is given while a run is put together, and so cannot stand in a file.
GIVEN_BY_THE_RUN = {
    "model": {"n_features", "dtype", "loss", "penalty", "optimizer", "schedule", "n_models"},
    "logger": {"save_dir", "resumed_at"},
    "callbacks.checkpoint": {"folder", "monitor", "direction"},
}
# Lightning's own classes: of their many arguments, linnet offers a few.
A_SELECTION = {"trainer", "callbacks.early_stopping"}
# Keys of a node that something other than its `_target_` takes.
TAKEN_ELSEWHERE = {"data": set(PREPARATION), "trainer": {"overfit_batches"}}


def header(path: Path) -> list[str]:
    """The comment that a file opens with, after Hydra's directive if there is one."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("# @package")]
    end = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return [line.removeprefix("#") for line in lines[:end]]


def commands(path: Path) -> list[str]:
    """The `linnet train` command lines of a header, without the explanation that may follow after two spaces."""
    shown = [line.strip() for line in header(path) if line.strip().startswith("linnet train")]
    return [re.split(r"\s{2,}", line)[0] for line in shown]


def components() -> list[tuple[str, str, dict[str, Any]]]:
    """(place, option, node) of every node with a `_target_`."""
    chosen = [(group, option) for group in GROUPS for option in shipped()[group]]
    return [(path, option, node) for group, option in chosen for path, node in nodes(group, option)]


def write_data(folder: Path) -> None:
    """The files that commands of `data=table` and `data=arrays` name."""
    table = pa.table({"id": range(50), "price": [1.5 * i for i in range(50)], "species": ["a", "b"] * 25})
    csv.write_csv(table, folder / "houses.csv")
    (folder / "flowers").mkdir()
    parquet.write_table(table, folder / "flowers" / "some.parquet")
    np.save(folder / "y.npy", np.arange(50) % 3)
    parquet.write_table(table.select(["price", "species"]).rename_columns(["embedding", "label"]), folder / "e.parquet")
    np.savez(folder / "all.npz", x=np.zeros((50, 2)), labels=np.arange(50) % 3)


def argument_names(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)


class TestFile:
    @pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONF)))
    def test_opens_with_what_it_is_and_a_command(self, path):
        lines = header(path)
        assert re.match(r" \S.*[.:?]$", lines[0])
        assert commands(path)

    @pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONF)))
    def test_shows_commands_that_use_it_and_pass_the_check(self, path, workplace):
        if path.stem in ("mlflow", "wandb"):
            pytest.importorskip(path.stem, reason=f"{path.stem} is not installed: pip install {path.stem}")
        write_data(workplace)
        chosen = []
        for command in commands(path):
            request = parse(shlex.split(command)[2:])
            with session():
                config = (compose_sweep if request.multirun else compose)(request.overrides)
                check(config)
            chosen.append(config.hydra.runtime.choices.get(path.parent.relative_to(CONF).as_posix()))
        assert path.parent == CONF or path.stem in chosen


@pytest.mark.parametrize(
    ("place", "node"),
    [pytest.param(place, node, id=f"{place}={option}") for place, option, node in components()],
)
class TestTarget:
    def test_has_the_arguments_that_the_file_sets(self, place, node):
        arguments = argument_names(get_object(node["_target_"])) - GIVEN_BY_THE_RUN.get(place, set())
        arguments.discard("keep_constant")  # of tables: it follows from model.bias
        keys = set(node) - {"_target_"} - (TAKEN_ELSEWHERE.get(place, set()) - arguments)
        if place in A_SELECTION:
            assert keys <= arguments
        else:
            assert keys == arguments

    def test_has_the_arguments_that_the_run_gives(self, place, node):
        assert GIVEN_BY_THE_RUN.get(place, set()) <= argument_names(get_object(node["_target_"]))


@pytest.mark.parametrize("option", sorted(shipped()["data"]))
def test_every_data_set_can_be_prepared_in_every_way(option):
    node = shipped()["data"][option]
    assert {"dtype", "seed", *PREPARATION} - set(node) == (
        {"outlier_value"} if declared(node).task == "classification" else set()  # an outlier is another class there
    )


def test_preparation_takes_its_keys():
    follows = {"dtype", "bias", "centre_targets"}  # from optimizer, model and loss
    assert argument_names(prepare) - {"source", "seed"} - follows == set(PREPARATION)


def test_every_public_optimizer_has_an_option():
    offered = {node["_target_"].rpartition(".")[2] for node in shipped()["optimizer"].values()}
    public = {name for name in vars(optimizers) if name[0].isupper()}
    assert offered == public - {"Evaluate", "Hyperparameter", "Optimizer", "State"}


@pytest.mark.parametrize(
    ("group", "module", "base"),
    [
        ("penalty", penalties, penalties.Penalty),
        ("schedule", schedules, schedules.Schedule),
        ("model", models, models.LinearNetwork),
    ],
)
def test_every_concrete_class_has_an_option(group, module, base):
    classes = {value for value in vars(module).values() if inspect.isclass(value) and issubclass(value, base)}
    offered = {get_object(node["_target_"]) for node in shipped()[group].values()}
    assert offered == {value for value in classes if not inspect.isabstract(value)}
