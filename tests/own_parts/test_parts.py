"""Losses, optimizers, data sources and callbacks of others train as linnet's own do."""

import json
from pathlib import Path

import pytest
import torch
from own_parts import write_parts

from linnet.losses import CrossEntropy, SquaredError
from linnet.losses.own_loss import OwnLoss
from linnet.system.reading import read_json
from linnet.tracking.history import read_history
from linnet.tracking.weights import load_weights

TRUST = ("--trust", "./my_parts.py")
QUICK = ("trainer.max_epochs=2", "figures=false", "optimum=off")


def weights(run: Path) -> torch.Tensor:
    return torch.as_tensor(load_weights(run)["weight"])


class TestLoss:
    @pytest.mark.parametrize(("loss", "twin"), [("WithGradient", "squared_error")])
    def test_of_a_known_formula_gives_the_weights_of_linnets(self, train, loss, twin):
        common = ("data=diabetes", "data.standardize=true", "data.dtype=float64")
        own = weights(train(*common, f"loss=my_parts.{loss}", run="own"))
        ours = weights(train(*common, f"loss={twin}", run="ours"))
        torch.testing.assert_close(own, ours, rtol=1e-9, atol=1e-9)

    def test_of_classes_gives_the_weights_of_cross_entropy(self, train):
        own = weights(train("data.dtype=float64", "loss=my_parts.CrossEntropy", run="own"))
        ours = weights(train("data.dtype=float64", "loss=cross_entropy", run="ours"))
        torch.testing.assert_close(own, ours, rtol=1e-10, atol=1e-12)

    @pytest.mark.parametrize("n_models", [1, 3])
    def test_value_and_gradient_are_those_of_every_model(self, linnet, n_models):
        linnet("train", *TRUST, "loss=my_parts.CrossEntropy", "--cfg", "job")
        from my_parts import CrossEntropy as Theirs, WithGradient

        generator = torch.Generator().manual_seed(0)
        prediction = torch.randn(n_models, 6, 4, generator=generator, dtype=torch.float64)
        classes, numbers = torch.tensor([0, 1, 2, 3, 0, 1]), torch.randn(6, 4, generator=generator, dtype=torch.float64)
        for own, ours, target in ((Theirs(), CrossEntropy(), classes), (WithGradient(), SquaredError(), numbers)):
            found, expected = (loss.value_and_gradient(prediction, target) for loss in (OwnLoss(own), ours))
            torch.testing.assert_close(found[0], expected[0], rtol=1e-12, atol=1e-14)
            torch.testing.assert_close(found[1], expected[1], rtol=1e-12, atol=1e-14)

    def test_option_is_checked_and_shown(self, linnet):
        code, _, errors = linnet("train", *TRUST, "data=diabetes", "loss=my_parts.Pinball", "loss.q=1.5")
        assert (code, errors) == (2, "linnet: loss.q=1.5: expected a number in (0, 1), got 1.5\n")
        code, output, _ = linnet("train", *TRUST, "loss=my_parts.Pinball", "--help")
        assert code == 0 and "loss.q=0.9" in output and "a number in (0, 1)" in output
        assert "Pinball loss of the quantile q." in output

    def test_of_another_shape_is_named(self, linnet):
        text = (
            Path("my_parts.py")
            .read_text()
            .replace("(self.q - 1) * residual).sum(-1)", "(self.q - 1) * residual).mean()")
        )
        Path("my_parts.py").write_text(text)
        code, _, errors = linnet("train", *TRUST, "data=diabetes", "loss=my_parts.Pinball", "hydra.run.dir=run")
        assert code == 2 and "Pinball.value returns shape []" in errors and "expected one number for each" in errors

    def test_optimum_is_not_known(self, linnet):
        words = ("data=diabetes", "loss=my_parts.Pinball", "trainer.max_epochs=1", "figures=false", "optimum=always")
        code, output, _ = linnet("train", *TRUST, *words, "hydra.run.dir=run")
        assert code == 0 and "not looked for, there is no exact solver for" in output

    def test_side_by_side_if_it_says_so(self, linnet):
        words = (
            "-m",
            "hydra/launcher=vectorized",
            "data=diabetes",
            "optimizer.lr=0.1,0.2",
            "trainer.max_epochs=2",
            "figures=false",
        )
        code, output, _ = linnet("train", *TRUST, *words, "loss=my_parts.Mapped", "hydra.sweep.dir=mapped")
        assert code == 0 and "by itself" not in output
        code, output, _ = linnet("train", *TRUST, *words, "loss=my_parts.Pinball", "hydra.sweep.dir=alone")
        assert code == 0 and "by itself, my_parts.Pinball does not say trains_many = True" in output
        for job in "01":
            torch.testing.assert_close(weights(Path("mapped", job)), weights(Path("alone", job)), rtol=1e-5, atol=1e-6)


class TestSchedule:
    def test_sets_the_learning_rate_of_every_step(self, train):
        run = train(
            "data=synthetic_regression", "data.batch_size=250", "optimizer.lr=0.5", "schedule=my_parts.Triangle",
            "schedule.low=0.2", "trainer.log_every_n_steps=1", "trainer.max_epochs=3",
        )  # fmt: skip
        rates = read_history(run / "history.csv")["train/lr"].value
        n = len(rates) // 3
        expected = [0.5 * (0.2 + 0.8 * (1 - abs(1 - step / n % 2))) for step in range(3 * n)]
        assert rates == pytest.approx(expected, rel=1e-12)

    def test_of_another_shape_is_named(self, linnet):
        code, _, errors = linnet("train", *TRUST, "schedule=my_parts.Short", "figures=false", "hydra.run.dir=run")
        assert code == 2 and "Short.factor returns shape [1]" in errors

    def test_may_differ_side_by_side(self, linnet):
        words = (
            "-m",
            "hydra/launcher=vectorized",
            "data=synthetic_regression",
            "trainer.max_epochs=2",
            "figures=false",
        )
        swept = ("schedule=my_parts.Triangle", "schedule.low=0.1,0.9", "hydra.sweep.dir=sweep")
        code, output, _ = linnet("train", *TRUST, *words, *swept)
        assert code == 0 and "by itself" not in output
        assert not torch.equal(weights(Path("sweep/0")), weights(Path("sweep/1")))


class TestOptimizer:
    def test_of_a_known_rule_gives_the_weights_of_linnets(self, train):
        own = weights(train("data.dtype=float64", "optimizer=my_parts.Momentum", "optimizer.lr=0.05", run="own"))
        ours = weights(train("data.dtype=float64", "optimizer=momentum", "optimizer.lr=0.05", run="ours"))
        torch.testing.assert_close(own, ours, rtol=1e-9, atol=1e-11)

    @pytest.mark.parametrize("name", ["NAdam", "RAdam", "Adamax", "ASGD", "Rprop", "Adadelta"])
    def test_of_torch_needs_no_trust(self, linnet, name):
        words = (
            "optimizer=torch.optim." + name,
            "optimizer.lr=0.01",
            "trainer.max_epochs=1",
            "figures=false",
            "optimum=off",
        )
        code, _, errors = linnet("train", *words, f"hydra.run.dir={name}")
        assert code == 0, errors
        assert read_json(Path(name) / "metrics.json")["train/loss"] < 2.3026  # of equal probabilities

    def test_by_closure_is_refused_with_the_remedy(self, linnet):
        code, _, errors = linnet("train", "optimizer=torch.optim.LBFGS", "hydra.run.dir=run")
        assert code == 2 and "use optimizer=torch_lbfgs" in errors
        assert not Path("run").exists()


class TestData:
    @pytest.mark.parametrize("form", ["rings", "tensors", "dataset", "module"])
    def test_of_every_form_are_the_same_examples(self, train, form):
        run = train(f"data=my_parts.{form}", "data.n=50")
        torch.testing.assert_close(weights(run), weights(train("data=my_parts.rings", "data.n=50", run="arrays")))
        assert ("test/accuracy" in read_json(run / "metrics.json")) == (form in ("tensors", "module"))

    def test_of_numbers_choose_model_and_loss(self, train):
        config = read_json(train("data=my_parts.line") / "manifest.json")["config"]
        assert config["loss"]["_target_"] == "linnet.losses.SquaredError"

    @pytest.mark.parametrize(
        ("kind", "message"),
        [
            ("shape", "x has shape [10, 2] and y [3]"), ("one class", "has one class only, 0"),
            ("other", "returned int, expected (x, y)"), ("not finite", "holds values that are not finite"),
            ("splits", "returned test, expected train"), ("classes", "the class 2 is not among the training examples"),
        ],
    )  # fmt: skip
    def test_that_are_none_are_refused(self, linnet, kind, message):
        words = ("data=my_parts.faulty", f"data.kind={kind}", "hydra.run.dir=run")
        code, _, errors = linnet("train", *TRUST, *words)
        assert code == 2 and message in errors and errors.count("\n") == 1
        assert not Path("run").exists()

    def test_whose_test_split_fails_are_not_trained_without_it(self, linnet):
        with pytest.raises(ZeroDivisionError, match="a mistake of the user"):
            linnet("train", *TRUST, "data=my_parts.broken", "hydra.run.dir=run")


class TestCallback:
    def test_sees_every_minibatch_and_is_resumed(self, train, linnet):
        run = train("+callbacks.count._target_=my_parts.Counter", "+callbacks.count.file=here")
        assert Path("here").read_text() == "82 True"
        assert linnet("resume", str(run), "trainer.max_epochs=3", *TRUST)[0] == 0
        assert Path("here").read_text() == "123 True"

    def test_that_does_not_fit_is_named(self, linnet):
        name = "pytorch_lightning.callbacks.StochasticWeightAveraging"
        words = (f"+callbacks.swa._target_={name}", "+callbacks.swa.swa_lrs=0.1", "hydra.run.dir=run")
        code, _, errors = linnet("train", "--trust", "pytorch_lightning.callbacks", *words)
        assert code == 2 and "SWA currently works with 1 `optimizer`" in errors and errors.count("\n") == 1
        assert not Path("run").exists()

    @pytest.mark.parametrize("name", ["EarlyStopping", "LearningRateMonitor"])
    def test_of_lightning(self, linnet, name):
        more = ("+callbacks.mine.monitor=val/accuracy", "+callbacks.mine.mode=max") if name == "EarlyStopping" else ()
        words = (
            f"+callbacks.mine._target_=pytorch_lightning.callbacks.{name}",
            *more,
            "trainer.max_epochs=2",
            "figures=false",
        )
        code, _, errors = linnet("train", "--trust", "pytorch_lightning.callbacks", *words, "hydra.run.dir=run")
        assert code == 0, errors


class TestRun:
    def test_is_reproduced_and_a_changed_part_is_named(self, train, linnet):
        run = train("data=my_parts.line", "loss=my_parts.Pinball")
        code, output, _ = linnet("reproduce", str(run), *TRUST)
        assert code == 0 and output.splitlines()[-1].startswith("identical")
        record = json.loads((run / "manifest.json").read_text())["own_parts"]
        assert record.keys() == {"my_parts.line", "my_parts.Pinball"}
        write_parts(Path())
        Path("my_parts.py").write_text(Path("my_parts.py").read_text() + "\n# changed\n")
        import sys

        del sys.modules["my_parts"]
        code, output, _ = linnet("reproduce", str(run), *TRUST)
        assert "my_parts.Pinball:" in output

    def test_of_several_processes(self, linnet):
        words = (
            "trainer=ddp",
            "trainer.devices=2",
            "trainer.max_epochs=1",
            "data=my_parts.rings",
            "loss=my_parts.CrossEntropy",
        )
        code, _, errors = linnet("train", *TRUST, *words, "hydra.run.dir=run")
        assert code == 0, errors
