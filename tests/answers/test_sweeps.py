"""Sweeps run and show the right thing: the cases of users, each through the command line."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_directory import events
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from linnet.config.groups import shipped
from linnet.system.reading import read_json

pytestmark = pytest.mark.usefixtures("workplace")
Answer = Callable[..., tuple[int, str, str]]
QUICK = ("trainer.max_epochs=1", "figures=false", "optimum=off")


def config_of(run: str) -> dict[str, Any]:
    return read_json(Path(run) / "manifest.json")["config"]


def write_table(file: str, columns: dict[str, Any]) -> None:
    with Path(file).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@pytest.fixture
def tables(workplace: Path) -> None:
    """numbers.csv and names.csv, whose column y holds numbers and classes; both.csv, with a column of each."""
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=(2, 40))
    y = u + 2 * v
    kind = np.where(y > 0, "big", "small")
    write_table("numbers.csv", {"u": u, "v": v, "y": y})
    write_table("names.csv", {"u": u, "v": v, "y": kind})
    write_table("both.csv", {"u": u, "v": v, "a": kind, "y": y})
    np.save("x.npy", np.stack([u, v], axis=1))
    np.save("numbers.npy", y)
    np.save("names.npy", (y > 0).astype(np.int64))


class TestKeysThatSomeOptionsLack:
    """`penalty=none,l2 penalty.strength=0.1`: the strength is of l2, and what has none goes without."""

    @pytest.mark.parametrize(("group", "options", "key", "values"), [
        ("penalty", ["l1", "l2"], "penalty.strength", [0.01]),
        ("penalty", ["none", "l2"], "penalty.strength", [0.1, 0.01]),
        ("loss", ["huber", "squared_error"], "loss.delta", [30]),
        ("optimizer", ["sgd", "momentum"], "optimizer.momentum", [0.8]),
        ("optimizer", ["exact", "sgd"], "optimizer.lr", [0.02]),
    ])  # fmt: skip
    def test_grid(self, group: str, options: list[str], key: str, values: list[float], answer: Answer) -> None:
        words = ",".join(map(str, values))
        code, printed, errors = answer("train", "-m", "data=diabetes", *QUICK, f"{group}={','.join(options)}",
                                       f"{key}={words}", "hydra.sweep.dir=s")  # fmt: skip
        assert (code, errors) == (0, "")
        found = []
        for path in Path("s").glob("*/manifest.json"):
            manifest = read_json(path)
            node = manifest["config"][group]
            found.append((manifest["choices"][group], node.get(key.partition(".")[2])))
        has = [option for option in options if key.partition(".")[2] in shipped()[group][option]]
        lacks = [option for option in options if option not in has]
        assert sorted(found, key=str) == sorted(
            [*((option, value) for option in has for value in values), *((option, None) for option in lacks)], key=str
        )
        for option in lacks:
            assert f"{key} of {group}={option}" in printed
        combinations, settings = len(options) * len(values), len(found)
        assert (f"{combinations} combinations give {settings} settings" in printed) == (combinations > settings)

    @pytest.mark.parametrize(("given", "words"), [
        ("penalty.strenght=0.1", "penalty.strenght: no such key"),
        ("penalty.l1_ratio=0.1", "belongs to penalty=elastic_net"),
        ("loss.delta=1", "belongs to loss=huber"),
    ])  # fmt: skip
    def test_a_key_that_no_swept_option_has_is_refused(
        self, given: str, words: str, refusal: Callable[..., str]
    ) -> None:
        assert words in refusal("train", "-m", "data=diabetes", "penalty=none,l2", given, "hydra.sweep.dir=s")

    def test_in_a_search(self, answer: Answer) -> None:
        pytest.importorskip("optuna")
        space = (
            "penalty=choice(none,l2)",
            "penalty.strength=choice(0.1,0.2)",
            "optimizer.lr=0.01",
            "data.batch_size=32",
        )
        code, printed, errors = answer("train", "search=optuna", "data=diabetes", *QUICK, *space,
                                       "hydra.sweeper.n_trials=5", "hydra.sweep.dir=s")  # fmt: skip
        assert (code, errors) == (0, "")
        assert "5 jobs in s" in printed


@pytest.mark.usefixtures("tables")
class TestModelAndLossThatFollow:
    """From the targets, also where a sweep or an experiment says what these are."""

    @pytest.mark.parametrize("given", [
        ("data=table", "data.path=numbers.csv,names.csv", "data.target=y"),
        ("data=table", "data.path=both.csv", "data.target=y,a"),
        ("data=arrays", "data.x=x.npy", "data.y=numbers.npy,names.npy"),
    ])  # fmt: skip
    def test_of_each_job(self, given: tuple[str, ...], answer: Answer) -> None:
        code, _, errors = answer("train", "-m", *given, *QUICK, "hydra.sweep.dir=s")
        assert (code, errors) == (0, "")
        targets = [config_of(f"s/{k}")["model"]["_target_"].rpartition(".")[2] for k in (0, 1)]
        assert targets == ["LinearRegression", "SoftmaxRegression"]
        assert answer("train", "-m", *given, *QUICK, "hydra.sweep.dir=s")[1].count("2 of them finished before") == 1

    @pytest.mark.parametrize(("more", "model", "loss"), [
        ("", "LinearRegression", "SquaredError"),
        ("  - override /loss: huber\n", "LinearRegression", "Huber"),
    ])  # fmt: skip
    def test_of_an_experiment_of_ones_own(self, more: str, model: str, loss: str, answer: Answer) -> None:
        write_experiment(
            "mine", f"defaults:\n  - override /data: table\n{more}data: {{path: numbers.csv, target: y}}\n"
        )
        assert answer("train", "experiment=mine", *QUICK, "hydra.run.dir=run")[0] == 0
        assert answer("train", "-m", "experiment=mine", *QUICK, "seed=0,1", "hydra.sweep.dir=s")[0] == 0
        for run in ("run", "s/0", "s/1"):
            found = [config_of(run)[group]["_target_"].rpartition(".")[2] for group in ("model", "loss")]
            assert found == [model, loss]


def write_experiment(name: str, text: str) -> None:
    folder = Path("experiments") / name
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(f"# @package _global_\n{text}", encoding="utf-8")


class TestSweptExperiments:
    def test_each_brings_its_grid(self, answer: Answer) -> None:
        write_experiment("a", 'hydra: {sweeper: {params: {optimizer.lr: "0.1,0.01"}}}\n')
        write_experiment("b", "defaults:\n  - override /penalty: l2\n"
                              'hydra: {sweeper: {params: {penalty.strength: "0.1,0.2,0.3"}}}\n')  # fmt: skip
        code, printed, errors = answer("train", "-m", "experiment=a,b", "data=diabetes", *QUICK, "hydra.sweep.dir=s")
        assert (code, errors) == (0, "")
        found = [
            (config["optimizer"]["lr"], config["penalty"].get("strength"))
            for config in (config_of(f"s/{k}") for k in range(5))
        ]
        assert found == [(0.1, None), (0.01, None), (0.1, 0.1), (0.1, 0.2), (0.1, 0.3)]
        assert "experiment=b" in printed

    def test_a_value_of_what_one_of_them_chooses(self, answer: Answer) -> None:
        for name, penalty in (("a", "l1"), ("b", "l2")):
            write_experiment(name, f"defaults:\n  - override /penalty: {penalty}\n")
        given = ("experiment=a,b", "penalty.strength=0.3", "data=diabetes")
        assert answer("train", "-m", *given, *QUICK, "hydra.sweep.dir=s")[0] == 0
        assert [config_of(f"s/{k}")["penalty"]["strength"] for k in (0, 1)] == [0.3, 0.3]


class TestEqualSettings:
    def test_are_run_once_and_said_so(self, answer: Answer) -> None:
        swept = ("seed=0,0,1", "penalty=l2", "penalty.strength=1,1.0", "hydra.sweep.dir=s")
        code, printed, _ = answer("train", "-m", "data=diabetes", *QUICK, *swept)
        assert code == 0
        assert "6 combinations give 2 settings: equal ones are run once" in printed
        assert sorted(path.parent.name for path in Path("s").glob("*/status.json")) == ["0", "1"]


class TestPlaces:
    @pytest.mark.parametrize(("given", "words"), [
        ("hydra.sweep.subdir=x", "jobs lie in folders by their numbers"),
        ("hydra.run.dir=x", "a sweep has hydra.sweep.dir=x"),
        ("hydra.job.chdir=true", "relative paths"),
        ('hydra.sweeper.params={optimizer.lr:"0.1,0.2"}', "a grid is given by the overrides themselves"),
        ("+hydra.sweeper.params.seed='0,1'", "a grid is given by the overrides themselves"),
        ("seed=${oc.env:LINNET_NO_SUCH}", "the environment variable LINNET_NO_SUCH is not set"),
    ])  # fmt: skip
    def test_what_a_sweep_cannot_do_is_one_line(self, given: str, words: str, refusal: Callable[..., str]) -> None:
        assert words in refusal("train", "-m", "data=diabetes", *QUICK, given)

    def test_the_environment_is_stored_resolved(self, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MY_SEED", "7")
        monkeypatch.setenv("MY_FOLDER", "some (new), folder")
        given = ("data=diabetes", *QUICK, "seed=${oc.env:MY_SEED}", "optimizer.lr=${oc.env:MY_LR,0.02}")
        place = "hydra.run.dir=${oc.env:MY_FOLDER}/run"
        assert answer("train", *given, place)[0] == 0
        assert answer("train", "-m", *given[:-1], "optimizer.lr=0.1,${oc.env:MY_LR,0.02}", "hydra.sweep.dir=s")[0] == 0
        monkeypatch.delenv("MY_SEED")
        for run in ("some (new), folder/run", "s/1"):
            assert (config_of(run)["seed"], config_of(run)["optimizer"]["lr"]) == (7, 0.02)
            assert "oc.env" not in "".join(path.read_text() for path in Path(run, ".hydra").iterdir())
            assert answer("evaluate", run)[0] == 0


class TestSearch:
    SPACE = ("data=diabetes", "data.batch_size=32", "penalty.strength=0", "hydra.sweep.dir=s", *QUICK)

    @pytest.mark.parametrize(("given", "words"), [
        (("objective.metric=val/r2",), "its trials minimize val/loss, this search would maximize val/r2"),
        (("objective.metric=val/mae",), "its trials minimize val/loss, this search would minimize val/mae"),
        (("optimizer.lr=choice(0.1,0.2)",), "optimizer.lr was searched over"),
        (("optimizer.lr=0.1", "seed=0,1"), "was not searched by the trials that are there"),
    ])  # fmt: skip
    def test_of_another_objective_or_space_is_refused(self, given: tuple[str, ...], words: str, answer: Answer) -> None:
        pytest.importorskip("optuna")
        first = ("train", "search=optuna", *self.SPACE, "hydra.sweeper.n_trials=1", "optimizer.lr=interval(0.01,0.1)")
        assert answer(*first)[0] == 0
        again = [*first[:-2], "hydra.sweeper.n_trials=2", "optimizer.lr=interval(0.01,0.1)"]
        if any(text.startswith("optimizer.lr") for text in given):
            again.pop()
        code, printed, errors = answer(*again, *given)
        assert (code, printed, len(errors.splitlines())) == (2, "", 1)
        assert words in errors and "choose another hydra.sweep.dir" in errors

    @pytest.mark.parametrize("given", ["hydra.sweeper.n_trials=0", "hydra.sweeper.n_jobs=0"])
    def test_of_no_trials_says_why(self, given: str, refusal: Callable[..., str]) -> None:
        assert f"{given}: expected a whole number of at least 1" in refusal(
            "train", "search=optuna", *self.SPACE, given
        )


class TestComparison:
    def test_list_valued_overrides(self, answer: Answer) -> None:
        noise = "data.weight=[1.0,2.0],[3.0,4.0]"
        assert answer("train", "-m", "data=synthetic_regression", *QUICK, noise, "hydra.sweep.dir=s")[0] == 0
        code, printed, errors = answer("compare", "s")
        assert (code, errors) == (0, "")
        assert "[1.0, 2.0]" in printed and "[3.0, 4.0]" in printed
        with Path("s/summary.csv").open(newline="") as file:
            assert {row["data.weight"] for row in csv.DictReader(file)} == {"[1.0, 2.0]", "[3.0, 4.0]"}

    @pytest.mark.usefixtures("tables")
    @pytest.mark.parametrize(("given", "key", "values"), [
        (("data=arrays", "data.x=x.npy", "data.y=numbers.npy", "data.normalize=none,rows"),
         "data.normalize", {"none", "rows"}),
        (("data=diabetes", "model.init=normal,zeros"), "model.init", {"normal", "zeros"}),
        (("data=diabetes", "callbacks=default,early_stopping"), "callbacks", {"default", "early_stopping"}),
        (("data=table", "data.path=numbers.csv", "data.target=y", "data.exclude=[],[v]"),
         "data.exclude", {"[]", '["v"]'}),
    ])  # fmt: skip
    def test_hparams_hold_every_swept_key(
        self, given: tuple[str, ...], key: str, values: set[str], answer: Answer
    ) -> None:
        assert answer("train", "-m", *given, *QUICK, "hydra.sweep.dir=s")[0] == 0
        found = set()
        for run in (Path("s/0"), Path("s/1")):
            content = events(run).PluginTagToContent("hparams")["_hparams_/session_start_info"]
            start = HParamsPluginData.FromString(content).session_start_info
            found.add(start.hparams[key].string_value)
        assert found == values
