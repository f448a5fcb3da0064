"""`linnet train ... init_from=RUN`: the first weights of one run are the last ones of another, in its own units."""

import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interrupted_run import BLOBS, COMMON, at_step, one_line, resume
from tables import write_csv

import linnet
from linnet.cli import main as cli
from linnet.system.reading import read_json, sha256

STILL = ("data.dtype=float64", "optimizer.lr=1e-300", "trainer.max_epochs=1")
"""Too small a step to change any weight that is not 0."""


def train(directory: Path, *overrides: str) -> int:
    return cli.run(["train", f"hydra.run.dir={directory}", *COMMON, *overrides])


def columns(n_rows: int = 120) -> dict[str, list[Any]]:
    """Three features of other scales, a number to predict, and a class."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(50, 4, n_rows), rng.normal(-3, 0.01, n_rows)
    city = rng.choice(["Oslo", "Rome", "Lima"], n_rows)
    y = 0.3 * a - 200 * b + 5 * (city == "Rome") + rng.normal(0, 0.1, n_rows)
    kind = np.where(rng.normal(a - 50, 3) > 1, "hot", np.where(rng.normal(a - 50, 3) > -3, "mild", "cold"))
    found = {"a": a, "b": b, "city": city, "y": y, "kind": kind}
    return {name: values.tolist() for name, values in found.items()}


def table(path: Path, values: Mapping[str, Sequence[Any]], target: str) -> list[str]:
    other = {"y": "kind", "kind": "y"}[target]
    return [
        "data=table", f"data.path={write_csv(path, values)}", f"data.target={target}", f"data.exclude=[{other}]",
        "data.test_fraction=0",
    ]  # fmt: skip


class TestStartsFromTheSameFunction:
    """Predictions of the run that takes no step are those of the run whose weights it has."""

    @pytest.mark.parametrize("target", ["y", "kind"])
    @pytest.mark.parametrize("units", [(True, False), (False, True)], ids=["from standardized", "to standardized"])
    def test_in_other_units_and_another_order(self, target, units, tmp_path):
        values = columns()
        given = table(tmp_path / "t.csv", values, target)
        there, here = (f"data.standardize={str(unit).lower()}" for unit in units)
        lr = "optimizer.lr=1e-4" if there.endswith("false") else "optimizer.lr=0.1"
        assert train(tmp_path / "first", *given, there, "data.dtype=float64", lr) == 0
        # The rows of another file: other means and deviations, and columns that stand in another order.
        turned = {name: values[name][:90] for name in ("kind", "city", "y", "b", "a")}
        given = table(tmp_path / "u.csv", turned, target)
        assert train(tmp_path / "second", *given, here, *STILL, f"init_from={tmp_path / 'first'}") == 0
        first, second = (linnet.load(tmp_path / name)(values) for name in ("first", "second"))
        # The bias comes as a difference of numbers as large as weight · mean, about 1e5 at most, in double precision.
        np.testing.assert_allclose(second, first, rtol=0, atol=1e5 * 2**-52 * 10)
        assert np.ptp(first) > 1e-3

    def test_keeps_bits_in_equal_units(self, tmp_path):
        assert train(tmp_path / "first", *BLOBS) == 0
        assert train(tmp_path / "second", *BLOBS, f"init_from={tmp_path / 'first'}", "trainer.max_epochs=1") == 0
        initial = tmp_path / "second" / "initial_weights.safetensors"
        assert initial.read_bytes() == (tmp_path / "first" / "weights.safetensors").read_bytes()
        entry = read_json(tmp_path / "second" / "manifest.json")["init_from"]
        assert entry["run"] == str(tmp_path / "first")
        assert entry["run_weights_sha256"] == entry["sha256"] == sha256(initial)

    # Without momentum and with a constant rate, the state of training is the weights alone: two runs of half the
    # epochs are one, but for the order of minibatches, which full batches do not have.
    @pytest.mark.parametrize("more", [(), ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2")])
    def test_goes_on_where_the_other_ended(self, more, tmp_path):
        full = (*BLOBS, "data.batch_size=60", "data.n_val=0", "optimizer.lr=0.5", "data.dtype=float64")
        assert train(tmp_path / "whole", *full, "trainer.max_epochs=6") == 0
        assert train(tmp_path / "half", *full, "trainer.max_epochs=3") == 0
        assert train(tmp_path / "rest", *full, "trainer.max_epochs=3", f"init_from={tmp_path / 'half'}", *more) == 0
        expected, found = (linnet.load(tmp_path / name).model for name in ("whole", "rest"))
        # Sums of 60 terms of size 1 in another order, over six steps.
        np.testing.assert_allclose(found.weight, expected.weight, rtol=0, atol=6 * 60 * 2**-53)


class TestIsSelfContained:
    @pytest.fixture
    def runs(self, tmp_path: Path) -> tuple[Path, Path]:
        assert train(tmp_path / "first", *BLOBS) == 0
        assert train(tmp_path / "second", *BLOBS, f"init_from={tmp_path / 'first'}", "optimizer=adam") == 0
        return tmp_path / "first", tmp_path / "second"

    def test_reproduced_without_the_other_run(self, runs, tmp_path, capsys):
        first, second = runs
        shutil.rmtree(first)
        assert cli.run(["reproduce", str(second), "--dir", str(tmp_path / "again")]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "identical"

    def test_changed_initial_weights_show(self, runs, tmp_path, capsys):
        file = runs[1] / "initial_weights.safetensors"
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert cli.run(["reproduce", str(runs[1]), "--dir", str(tmp_path / "again")]) == 1
        assert "initial_weights.safetensors" in capsys.readouterr().out

    @pytest.mark.parametrize("step", [1, 22])
    def test_resumed_without_the_other_run(self, step, runs, tmp_path):
        first, second = runs
        with pytest.MonkeyPatch.context() as patch:
            at_step(patch, step, lambda: signal.raise_signal(signal.SIGTERM))
            assert train(tmp_path / "third", *BLOBS, f"init_from={first}", "optimizer=adam") == 143
        if step == 1:
            shutil.rmtree(tmp_path / "third" / "checkpoints")  # as if killed before
        shutil.rmtree(first)
        assert resume(tmp_path / "third") == 0
        for name in ("weights.safetensors", "history.csv", "metrics.json"):
            assert (tmp_path / "third" / name).read_bytes() == (second / name).read_bytes()


class TestInSweeps:
    def test_side_by_side(self, tmp_path):
        """Jobs of a group begin as they do alone; a job without `init_from` begins with drawn weights."""
        assert train(tmp_path / "first", *BLOBS) == 0
        swept = f"init_from={tmp_path / 'first'},null"
        sweep = [f"hydra.sweep.dir={tmp_path / 'sweep'}", *COMMON, *BLOBS, swept, "optimizer.lr=0.1,0.2"]
        sweep.append("hydra/launcher=vectorized")
        assert cli.run(["train", "-m", *sweep]) == 0
        assert read_json(tmp_path / "sweep" / "1" / "manifest.json")["side_by_side"] == [0, 1, 2, 3]
        assert train(tmp_path / "alone", *BLOBS, f"init_from={tmp_path / 'first'}", "optimizer.lr=0.2") == 0
        assert not (tmp_path / "sweep" / "2" / "initial_weights.safetensors").exists()
        alone, together, drawn = (linnet.load(tmp_path / name).model for name in ("alone", "sweep/1", "sweep/3"))
        # 45 steps in float32, whose products are summed in another order: see tests/sweeps/test_vectorized.py.
        np.testing.assert_allclose(together.weight, alone.weight, rtol=1e-4, atol=1e-5)
        assert np.abs(drawn.weight - alone.weight).max() > 1e-3


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    assert train(folder / "run", *table(folder / "t.csv", columns(), "y")) == 0
    return folder / "run"


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "target", "said"),
        [
            ({}, "kind", "it is a model of regression, this data is for classification"),
            ({"extra": list(range(120))}, "y", "its model has 5 features, this run has 6"),
            ({"a": None, "A": list(range(120))}, "y", "its model has other features"),
        ],
    )
    def test_another_problem(self, change, target, said, first, tmp_path, capsys):
        values = {name: column for name, column in (columns() | change).items() if column is not None}
        given = table(tmp_path / "t.csv", values, target)
        assert train(tmp_path / "run", *given, f"init_from={first}") == 2
        message = one_line(capsys)
        assert message.startswith(f"linnet: init_from={first}: ")
        assert said in message
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            (["loss=poisson_nll", "data.features=[a]"], "its loss has the link identity, that of this run exp"),
            (["optimizer=exact"], "optimizer=exact begins with no weights"),
            (["model.bias=false", "data.standardize=false"], "its model has a bias"),
        ],
    )
    def test_another_model(self, more, said, first, tmp_path, capsys):
        values = columns()
        given = table(tmp_path / "t.csv", values | {"y": [abs(y) for y in values["y"]]}, "y")
        assert train(tmp_path / "run", *given, f"init_from={first}", *more) == 2
        assert said in one_line(capsys)
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize("state", [None, "interrupted"])
    def test_no_completed_run(self, state, first, tmp_path, capsys):
        if state:
            (tmp_path / "other").mkdir()
            (tmp_path / "other" / "status.json").write_text(f'{{"state": "{state}"}}')
        given = table(tmp_path / "t.csv", columns(), "y")
        assert train(tmp_path / "run", *given, f"init_from={tmp_path / 'other'}") == 2
        assert one_line(capsys).startswith(f"linnet: init_from={tmp_path / 'other'}: ")
