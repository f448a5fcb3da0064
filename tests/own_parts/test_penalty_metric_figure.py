"""Penalties, metrics and figures of others, beside linnet's own."""

import json
from pathlib import Path

import pytest
import torch

from linnet.system.reading import read_json
from linnet.tracking.history import read_history
from linnet.tracking.weights import load_weights

TRUST = ("--trust", "./my_parts.py")
EXACTLY = ("data=diabetes", "data.standardize=true", "data.dtype=float64")


def weights(run: Path) -> torch.Tensor:
    return torch.as_tensor(load_weights(run)["weight"])


def metrics(run: Path) -> dict[str, float]:
    return read_json(run / "metrics.json")


class TestPenalty:
    @pytest.mark.parametrize(("own", "ours"), [("Ridge", "l2"), ("Lasso", "l1")])
    @pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
    def test_of_a_known_formula_gives_the_weights_of_linnets(self, train, own, ours, optimizer):
        words = (*EXACTLY, f"optimizer={optimizer}", "optimizer.lr=0.01", "penalty.strength=20")
        theirs = train(*words, f"penalty=my_parts.{own}", run="own")
        here = train(*words, f"penalty={ours}", run="ours")
        torch.testing.assert_close(weights(theirs), weights(here), rtol=1e-9, atol=1e-9)
        assert metrics(theirs)["train/objective"] == pytest.approx(metrics(here)["train/objective"], rel=1e-9)
        assert metrics(theirs).get("parameter/nonzero") == metrics(here).get("parameter/nonzero")

    def test_optimum_is_not_known(self, linnet):
        words = ("data=diabetes", "penalty=my_parts.Ridge", "trainer.max_epochs=1", "figures=false")
        code, output, _ = linnet("train", *TRUST, *words, "optimum=always", "hydra.run.dir=run")
        assert code == 0 and "not looked for, there is no exact solver for Ridge" in output
        code, _, errors = linnet("train", *TRUST, *words, "optimizer=exact", "hydra.run.dir=exact")
        assert code == 2 and "with the penalty Ridge is not known" in errors

    def test_whose_proximal_step_has_one_size_needs_an_optimizer_that_has_one(self, linnet):
        words = ("data=diabetes", "penalty=my_parts.Lasso", "optimizer=adam", "figures=false", "hydra.run.dir=run")
        code, _, errors = linnet("train", *TRUST, *words)
        assert code == 2 and "Lasso.prox takes one step size" in errors and "use sgd" in errors

    def test_of_another_shape_is_named(self, linnet):
        code, _, errors = linnet("train", *TRUST, "penalty=my_parts.ManyValues", "hydra.run.dir=run")
        assert code == 2 and "ManyValues.value returns shape [10, 64]: expected one number" in errors

    @pytest.mark.parametrize("penalty", ["Ridge", "Lasso"])
    def test_may_differ_side_by_side(self, linnet, penalty):
        words = ("-m", *EXACTLY, "optimizer.lr=0.01", f"penalty=my_parts.{penalty}", "penalty.strength=1,20")
        more = ("trainer.max_epochs=2", "figures=false")
        for launcher in ("vectorized", "basic"):
            code, output, _ = linnet(
                "train", *TRUST, *words, *more, f"hydra/launcher={launcher}", f"hydra.sweep.dir={launcher}"
            )
            assert code == 0 and "by itself" not in output
        for job in "01":
            torch.testing.assert_close(
                weights(Path("vectorized", job)), weights(Path("basic", job)), rtol=1e-9, atol=1e-9
            )


class TestMetric:
    def test_of_numbers_is_in_the_units_of_the_targets(self, train):
        run = train(
            "data=diabetes", "+metric.squares._target_=my_parts.Squares", "+metric.of._target_=my_parts.MeanTarget"
        )
        found = metrics(run)
        for split in ("train", "val", "test"):
            assert found[f"{split}/squares"] == pytest.approx(found[f"{split}/mse"], rel=1e-9)
        assert 100 < found["train/of"] < 200  # targets are 25 to 346, not about 0
        assert len(read_history(run / "history.csv")["val/squares"].step) == 2

    def test_chooses_the_epoch_in_its_direction(self, train):
        run = train("+metric.hits._target_=my_parts.Hits", "+metric.hits.off=0.25", "objective.metric=val/hits")
        found = metrics(run)
        assert found["test/hits"] == pytest.approx(found["test/accuracy"] - 0.25, abs=1e-12)
        config = read_json(run / "manifest.json")["config"]
        assert config["objective"] == {"metric": "val/hits", "direction": "maximize"}
        curve = read_history(run / "history.csv")["val/hits"].value
        assert found["val/hits"] == pytest.approx(max(curve), abs=1e-12)

    def test_is_searched_for_stopped_by_and_compared(self, linnet):
        words = ("+metric.hits._target_=my_parts.Hits", "objective.metric=val/hits", "figures=false", "optimum=off")
        more = ("callbacks=early_stopping", "trainer.max_epochs=3", "optimizer.lr=0.001,0.5", "hydra.sweep.dir=sweep")
        code, output, _ = linnet("train", "-m", *TRUST, *words, *more)
        assert code == 0 and "best by val/hits: job 1" in output
        code, output, _ = linnet("compare", "sweep", "--no-figures")
        assert code == 0 and "val/hits ↑" in output

    def test_of_models_side_by_side_is_that_of_each(self, linnet):
        words = ("+metric.hits._target_=my_parts.Hits", "optimizer.lr=0.1,0.2", "figures=false", "optimum=off")
        more = ("trainer.max_epochs=2", "hydra/launcher=vectorized", "hydra.sweep.dir=sweep")
        code, output, _ = linnet("train", "-m", *TRUST, *words, *more)
        assert code == 0 and "by itself" not in output
        for job in "01":
            found = metrics(Path("sweep", job))
            assert found["val/hits"] == pytest.approx(found["val/accuracy"] - 0.1, abs=1e-12)

    def test_is_computed_of_other_rows_too(self, linnet):
        Path("rows.csv").write_text("a,b\n" + "".join(f"{i},{3 * i + i % 3}\n" for i in range(40)))
        words = ("data=table", "data.path=rows.csv", "data.target=b", "optimizer=exact", "figures=false")
        code, _, errors = linnet(
            "train", *TRUST, *words, "+metric.squares._target_=my_parts.Squares", "hydra.run.dir=run"
        )
        assert code == 0, errors
        code, output, _ = linnet("evaluate", *TRUST, "run", "--input", "rows.csv", "--json")
        assert code == 0
        found = json.loads(output)
        assert found["test/squares"] == pytest.approx(found["test/mse"], rel=1e-9)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["+metric.mse._target_=my_parts.Squares"], "metric.mse: linnet has a metric of that name"),
            (["+metric={a-b: {_target_: my_parts.Squares}}"], "metric.a-b: a name has letters, digits and underscores"),
            (["+metric.hits._target_=my_parts.Worse"], "direction=up, expected one of minimize, maximize"),
            (["+metric.hits._target_=my_parts.Hits", "+metric.hits.of=2"], "metric.hits.of: no such key"),
            (["+metric.hits._target_=my_parts.Hits", "+metric.hits.off=-1"], "metric.hits.off=-1: expected a number"),
            (["+metric.hits._target_=my_parts.Pinball"], "a metric is a class with value(prediction, target), and dir"),
            (["+metric.hits._target_=my_parts.OfAll"], "metric.hits returns shape [144, 10] for 144 examples"),
            (["+metric=3"], "metric=3: expected +metric.NAME._target_="),
            (["+metric.hits=3", "objective.metric=val/hits"], "metric.hits=3: expected"),
            (["+metric.hits._target_=evil.Hits", "objective.metric=val/hits"], "the module evil is not trusted here"),
            (["+metric.hits._target_=os.system"], "not on the list of callables"),
        ],
    )
    def test_what_is_none_is_refused(self, linnet, words, said):
        code, _, errors = linnet("train", *TRUST, *words, "hydra.run.dir=run")
        assert code == 2 and said in errors and errors.count("\n") == 1
        assert not Path("run").exists()


class TestFigure:
    def test_is_drawn_beside_the_others(self, train):
        run = train("+figure.mine._target_=my_parts.Scatter", "+figure.mine.color=r", "figures=true")
        assert (run / "figures/mine.png").read_bytes().startswith(b"\x89PNG")
        assert (run / "figures/learning_curves.png").is_file()

    def test_that_fails_is_left_out_with_a_warning(self, train):
        run = train("+figure.mine._target_=my_parts.NoFigure", "figures=true")
        assert "figure.mine failed: ZeroDivisionError: a mistake of the user" in (run / "train.log").read_text()
        assert read_json(run / "status.json")["state"] == "completed"

    def test_is_left_out_where_none_are_drawn(self, train):
        assert not (train("+figure.mine._target_=my_parts.Scatter") / "figures").exists()


def test_each_is_in_the_manifest_and_asked_for_by_commands_that_need_it(train, linnet):
    run = train(
        "+metric.hits._target_=my_parts.Hits", "penalty=my_parts.Ridge", "+figure.mine._target_=my_parts.Scatter"
    )
    assert {"my_parts.Hits", "my_parts.Ridge", "my_parts.Scatter"} <= read_json(run / "manifest.json")[
        "own_parts"
    ].keys()
    for command in (("evaluate", "run"), ("reproduce", "run"), ("resume", "run", "trainer.max_epochs=3")):
        code, _, errors = linnet(*command)
        assert code == 2 and errors.count("\n") == 1 and "--trust" in errors, errors
    assert linnet("evaluate", "run", *TRUST)[0] == linnet("reproduce", "run", *TRUST)[0] == 0
