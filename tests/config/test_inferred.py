"""`data=table` and `data=arrays` without model and loss: they follow from the targets, or from what else is named."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tables import people, write_csv

from linnet.config.check import check
from linnet.config.compose import compose, compose_sweep, session
from linnet.sweeps.composer import Composer
from linnet.system.errors import InputError

NUMBERS = ["data=table", "data.path=f.csv", "data.target=y"]
CLASSES = ["data=table", "data.path=f.csv", "data.target=city"]
REGRESSION = ("LinearRegression", "SquaredError", "regression")
CLASSIFICATION = ("SoftmaxRegression", "CrossEntropy", "classification")


@pytest.fixture(autouse=True)
def table(workplace):
    write_csv(workplace / "f.csv", people() | {"few": [0, 1] * 50})


def parts(config) -> tuple[str, str, str]:
    model, loss = (config[group]["_target_"].rpartition(".")[2] for group in ("model", "loss"))
    return model, loss, config["data"]["task"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (NUMBERS, REGRESSION),
        (CLASSES, CLASSIFICATION),
        (["data=table", "data.path=f.csv", "data.target=few"], CLASSIFICATION),
        (["data=table", "data.path=f.csv", "data.target=few", "model=linear_regression"], REGRESSION),
        (
            ["data=table", "data.path=f.csv", "data.target=few", "loss=huber"],
            ("LinearRegression", "Huber", "regression"),
        ),
        (["data=table", "data.path=f.csv", "data.target=few", "data.task=regression"], REGRESSION),
        ([*NUMBERS, "loss=absolute_error"], ("LinearRegression", "AbsoluteError", "regression")),
        ([*CLASSES, "loss=torch_cross_entropy"], ("SoftmaxRegression", "TorchCrossEntropy", "classification")),
        (["data.path=[f.csv]", "data.target=y", "data=table"], REGRESSION),
    ],
)
def test_model_loss_and_task_follow(given, expected, checked):
    assert parts(checked(*given)) == expected


def test_overrides_are_recorded_so_that_the_run_repeats_them():
    with session():
        task = compose(NUMBERS).hydra.overrides.task
    assert list(task) == [*NUMBERS, "model=linear_regression", "loss=squared_error", "data.task=regression"]
    Path("f.csv").unlink()
    with session():
        assert parts(check(compose(task))) == REGRESSION  # and the file is not looked at again


def test_jobs_of_a_sweep_get_them_too():
    from hydra.core.global_hydra import GlobalHydra

    with session():
        master = compose_sweep([*NUMBERS, "optimizer.lr=0.1,0.2"])
        composer = Composer(master, GlobalHydra.instance().config_loader())
        words = [word for word in master.hydra.overrides.task if not word.startswith("optimizer.lr")]
        assert parts(check(*composer.compose([*words, "optimizer.lr=0.2"]))) == REGRESSION


def test_a_swept_loss_decides_if_all_are_of_one_task():
    with session():
        words = compose_sweep([*NUMBERS, "loss=huber,squared_error"]).hydra.overrides.task
    assert "model=linear_regression" in words
    assert "data.task=regression" in words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["data=table"], ["data.path=None: expected a file, a pattern or a list of these: data.path=my.csv"]),
        (["data=table", "data.path=f.csv"], ["data.target=None: expected the name of the column to predict"]),
        (["data=table", "data.path=g.csv", "data.target=y"], ["data.path=g.csv: no such file"]),
        (["data=table", "data.path=f.csv", "data.target=yy"], ["data.target=yy", "did you mean y?"]),
        ([*NUMBERS, "data.weight=[1.0]"], ["data.weight=[1.0]: expected a text or null"]),
        ([*NUMBERS, "data.missing=ignore"], ["one of error, drop, mean"]),
        ([*NUMBERS, "data.test_fraction=1"], ["data.test_fraction=1"]),
        (
            [*NUMBERS, "data.delimiter=ab"],
            ["data.delimiter=ab: expected one of comma, semicolon, tab, bar or one character"],
        ),
        ([*NUMBERS, "data.exclude=age"], ["data.exclude=age: expected a list of texts"]),
        ([*NUMBERS, "data.val_fraction=null"], ["data.val_fraction=null", "give a number"]),
        ([*NUMBERS, "model=linear_regression", "loss=cross_entropy"], ["loss=cross_entropy predicts classes"]),
        ([*NUMBERS, "data.task=classification", "loss=huber"], ["loss=huber predicts numbers"]),
        (["data=synthetic_regression", "data.weight=w"], ["data.weight=w: expected a list of numbers"]),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(given, words, checked):
    with pytest.raises(InputError) as caught:
        checked(*given)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert all(word in message for word in words), message


class TestArrays:
    GIVEN = ("data=arrays", "data.x=x.npy", "data.y=y.npz:y")

    @pytest.mark.parametrize(
        ("kind", "more", "expected"),
        [
            ("int64", [], CLASSIFICATION),
            ("bool", [], CLASSIFICATION),
            ("float32", [], REGRESSION),
            ("float32", ["loss=huber"], ("LinearRegression", "Huber", "regression")),
            ("float16", ["model=softmax_regression"], CLASSIFICATION),  # refused once the arrays are read
        ],
    )
    def test_model_and_loss_follow_from_the_header_of_y(self, kind, more, expected, checked):
        np.savez("y.npz", y=np.zeros(5, kind))
        config = checked(*self.GIVEN, *more)
        assert tuple(config[group]["_target_"].rpartition(".")[2] for group in ("model", "loss")) == expected[:2]
        assert config["data"]["task"] == (None if expected[2] == "regression" else expected[2])

    def test_are_recorded(self):
        np.savez("y.npz", y=np.zeros(5))
        with session():
            task = compose(self.GIVEN).hydra.overrides.task
        assert list(task) == [*self.GIVEN, "model=linear_regression", "loss=squared_error"]

    def test_targets_that_are_not_there_are_said_to_be_missing(self, checked):
        with pytest.raises(InputError, match=r"data.y=y.npz:y: no such file"):
            checked(*self.GIVEN)
        with pytest.raises(InputError, match=r"data.y=None: expected an .npy, .npz, .*or .pt file"):
            checked("data=arrays", "data.x=x.npy")

    def test_torch_is_not_imported_for_it(self):
        np.save("y.npy", np.zeros(5))
        code = (
            "import sys\nfrom linnet.config.check import check\n"
            "from linnet.config.compose import compose, session\nwith session():\n"
            "    check(compose(['data=arrays', 'data.x=x.npy', 'data.y=y.npy']))\nsys.exit('torch' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_other_data_is_left_alone():
    with session():
        assert list(compose(["data=diabetes"]).hydra.overrides.task) == ["data=diabetes"]
