"""Training as a whole: parts written out against library parts, closed form against autograd, and its invariants."""

from pathlib import Path

import pytest
import torch
from idx_files import write_random_images
from pictures import write_pictures
from shards import classes, write_shards
from tables import people, write_csv

import linnet
from linnet.config.check_options import declared
from linnet.config.groups import GROUPS, options, shipped
from linnet.data import Batch, Data, Examples, Source, epoch_order, prepare, synthetic_regression
from linnet.losses import CrossEntropy, Huber, SquaredError
from linnet.models import LinearRegression, SoftmaxRegression
from linnet.optimizers import SGD
from linnet.penalties import L1, L2
from linnet.results.trained import TrainedRun

QUICK = ["figures=false", "callbacks.checkpoint.every_n_seconds=1000"]
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
ELSEWHERE = ("gpu", "ddp", "mlflow", "wandb")
"""Options that tests of their own train with: of GPUs, in tests/training/distributed, in tests/tracking."""


def train(tmp_path: Path, name: str, *overrides: str) -> TrainedRun:
    return linnet.train([*QUICK, *overrides, f"hydra.run.dir={tmp_path / name}"])


def assert_same_curve(one: TrainedRun, other: TrainedRun, tolerance: float) -> None:
    """Losses of all steps equal relative to their size, and the final weights with them."""
    first, second = one.curves["train/loss"], other.curves["train/loss"]
    assert first.step == second.step == list(range(1, len(first.step) + 1))
    torch.testing.assert_close(
        torch.tensor(first.value, dtype=torch.float64), torch.tensor(second.value, dtype=torch.float64),
        rtol=tolerance, atol=0,
    )  # fmt: skip


class TestTwins:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_softmax_scratch_and_concise(self, dtype: str, tmp_path: Path, fashion_mnist: Source) -> None:
        common = [f"data.dtype={dtype}", "trainer.max_epochs=2"]
        scratch = train(tmp_path, "scratch", "experiment=softmax_scratch", *common)
        concise = train(tmp_path, "concise", "experiment=softmax_concise", *common)
        assert_same_curve(scratch, concise, TOLERANCE[dtype])

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_linear_scratch_and_concise(self, dtype: str, tmp_path: Path) -> None:
        scratch = train(tmp_path, "scratch", "experiment=linear_regression_scratch", f"data.dtype={dtype}")
        concise = train(tmp_path, "concise", "experiment=linear_regression_concise", f"data.dtype={dtype}")
        # In float32 a loss of 1e-5 is what is left of predictions of size 10: its own last digits are noise.
        for a, b in zip(scratch.curves["train/loss"].value, concise.curves["train/loss"].value, strict=True):
            assert a == pytest.approx(b, rel=TOLERANCE[dtype], abs=1e-6 if dtype == "float32" else 1e-15)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize(
        "overrides",
        [["data=digits"], ["data=digits", "penalty=l2", "penalty.strength=0.1"], ["data=diabetes", "loss=huber"]],
    )
    def test_analytic_and_autograd(self, overrides: list[str], dtype: str, tmp_path: Path) -> None:
        common = [*overrides, f"data.dtype={dtype}", "trainer.max_epochs=3"]
        analytic = train(tmp_path, "analytic", *common, "model.gradient=analytic")
        autograd = train(tmp_path, "autograd", *common, "model.gradient=autograd")
        assert_same_curve(analytic, autograd, TOLERANCE[dtype])


class TestEveryOption:
    """Every option of every group trains a debug step; the other groups as that option needs them."""

    IMAGES = ("fashion_mnist", "kmnist", "mnist")

    @pytest.mark.parametrize(
        ("group", "option"),
        [(group, option) for group in GROUPS for option in options(group) if option not in ELSEWHERE],
    )
    def test_debug_step(self, group: str, option: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
        overrides = [f"{group}={option}"]
        if option == "fashion_mnist":
            request.getfixturevalue("fashion_mnist")
        elif option in self.IMAGES:
            write_random_images(tmp_path / option.upper() / "raw")
            overrides.append(f"data.root={tmp_path}")
        elif option in ("given_folds", "group_kfold"):
            role = "fold" if option == "given_folds" else "group"
            path = write_csv(tmp_path / "people.csv", people())
            overrides += ["data=table", f"data.path={path}", "data.target=y", f"data.{role}=age"]
        elif option == "table":
            overrides += [f"data.path={write_csv(tmp_path / 'people.csv', people())}", "data.target=y"]
        elif option == "image_folder":
            overrides.append(f"data.path={write_pictures(tmp_path / 'pictures')}")
        elif option == "arrays":
            for key, array in zip("xy", classes(100), strict=True):
                overrides.append(f"data.{key}='{write_shards(tmp_path, key, array, [100])}'")
        if group in ("model", "loss") and declared(shipped()[group][option]).task == "regression":
            overrides.append("data=diabetes")
        if option in ("leave_one_out", "bootstrap"):
            overrides.append("data=diabetes")  # the smallest
        if "poisson" in option:
            overrides.append("optimizer.lr=1e-4")
        if option == "exact":  # it solves for all examples, and for classes there is an optimum only with a penalty
            overrides.append("penalty=l2")
        elif group != "trainer":
            overrides.append("trainer=debug")
        run = train(tmp_path, "run", *overrides, "trainer.max_epochs=1")
        assert len(run.curves["train/loss"].value) >= 1
        assert torch.isfinite(run.module.weight).all()

    def test_gpu_is_refused_in_one_line_where_there_is_none(self, tmp_path: Path) -> None:
        if torch.cuda.is_available():
            assert train(tmp_path, "run", "trainer=gpu", "trainer.max_epochs=1").metrics
        else:
            with pytest.raises(linnet.system.errors.InputError, match="trainer=default"):
                train(tmp_path, "run", "trainer=gpu")


class TestStep:
    def test_objective_and_gradients_against_finite_differences(self) -> None:
        rng = torch.Generator().manual_seed(1)
        x = torch.randn(6, 3, generator=rng, dtype=torch.float64)
        y = torch.randint(4, (6,), generator=rng)
        model = SoftmaxRegression(3, 4, init_std=1.0, dtype="float64", loss=CrossEntropy(0.1), penalty=L2(0.3))

        def objective() -> float:
            value, _ = model.objective_and_gradients(Batch(x, y))
            return (value + model.penalty.value(model.weight)).sum().item()

        _, grads = model.objective_and_gradients(Batch(x, y))
        for param, grad in zip(model.params, grads, strict=True):
            flat = param.data.view(-1)
            for i in range(flat.numel()):
                center, h = flat[i].item(), 1e-6
                flat[i] = center + h
                above = objective()
                flat[i] = center - h
                below = objective()
                flat[i] = center
                assert grad.view(-1)[i].item() == pytest.approx((above - below) / (2 * h), abs=1e-8)

    @torch.no_grad()
    def test_k_models_side_by_side_take_the_steps_they_would_take_alone(self) -> None:
        rng = torch.Generator().manual_seed(2)
        x = torch.randn(8, 5, generator=rng, dtype=torch.float64)
        y = torch.randn(8, 1, generator=rng, dtype=torch.float64)
        rates = [0.01, 0.1, 0.3]
        together = LinearRegression(5, dtype="float64", n_models=3, loss=Huber(0.5), optimizer=SGD(torch.tensor(rates)))
        state = together.optimizer.init(together.params)
        start = together.weight.detach().clone()
        for _ in range(10):
            together.optimizer.update(together.params, together.objective_and_gradients(Batch(x, y))[1], state)
        for k, lr in enumerate(rates):
            alone = LinearRegression(5, dtype="float64", loss=Huber(0.5), optimizer=SGD(lr))
            alone.weight.data[0] = start[k]
            for _ in range(10):
                alone.optimizer.update(alone.params, alone.objective_and_gradients(Batch(x, y))[1], {})
            torch.testing.assert_close(together.weight[k], alone.weight[0], rtol=1e-6, atol=1e-8)

    def test_initial_weights_do_not_depend_on_dtype_or_what_was_drawn_before(self) -> None:
        first = LinearRegression(4, init_seed=3, dtype="float64")
        torch.randn(100)
        second = LinearRegression(4, init_seed=3, dtype="float32")
        assert torch.equal(first.weight.float(), second.weight)
        assert not torch.equal(second.weight, LinearRegression(4, init_seed=4).weight)


class TestRuns:
    def test_an_epoch_is_plain_minibatch_sgd(self, tmp_path: Path) -> None:
        """The whole of training, written again in ten lines."""
        run = train(
            tmp_path, "run", "data=synthetic_regression", "data.dtype=float64", "data.n_train=47",
            "trainer.max_epochs=2", "optimizer.lr=0.1", "callbacks.checkpoint.select=last", "seed=5",
        )  # fmt: skip
        x, y = run.data.train.x, run.data.train.y
        w = LinearRegression(2, init_seed=5, dtype="float64").weight.detach()[0].clone()
        b = torch.zeros(1, dtype=torch.float64)
        losses = []
        for epoch in range(2):
            for rows in epoch_order(47, 5, epoch).split(10):
                error = x[rows] @ w.T + b - y[rows]
                losses.append((error**2 / 2).mean().item())
                w -= 0.1 * error.T @ x[rows] / len(rows)
                b -= 0.1 * error.mean(dim=0)
        assert run.curves["train/loss"].value == pytest.approx(losses, rel=1e-12)
        torch.testing.assert_close(run.module.weight[0], w, rtol=1e-12, atol=1e-12)
        epoch_mean = sum(loss * n for loss, n in zip(losses[:5], (10, 10, 10, 10, 7), strict=True)) / 47
        assert run.curves["train/loss_epoch"].value[0] == pytest.approx(epoch_mean, rel=1e-12)

    def test_l1_leaves_exact_zeros(self, tmp_path: Path) -> None:
        run = train(tmp_path, "run", "data=digits", "penalty=l1", "penalty.strength=0.01", "trainer.max_epochs=10")
        zeros = (run.module.weight == 0).float().mean().item()
        assert 0.3 < zeros < 1
        assert run.metrics["train/objective"] == pytest.approx(
            run.metrics["train/loss"] + L1(0.01).value(run.module.weight).item(), rel=1e-6
        )

    def test_parameter_error_is_in_the_units_the_data_was_made_in(self, tmp_path: Path) -> None:
        plain = ["data=synthetic_regression", "optimizer=torch_lbfgs", "data.batch_size=1000", "trainer.max_epochs=5"]
        plain.append("callbacks.checkpoint.select=last")
        raw = train(tmp_path, "raw", *plain, "data.dtype=float64")
        scaled = train(tmp_path, "scaled", *plain, "data.dtype=float64", "data.standardize=true")
        for key in ("parameter/weight_error", "parameter/bias_error"):
            assert raw.metrics[key] < 0.002
            # The errors are differences of numbers of size 1, which L-BFGS finds to about 1e-8.
            assert scaled.metrics[key] == pytest.approx(raw.metrics[key], abs=1e-7)

    def test_blobs_come_close_to_the_bayes_accuracy_and_not_above_it(self, tmp_path: Path) -> None:
        run = train(tmp_path, "run", "data=gaussian_blobs", "trainer.max_epochs=10")
        bayes, accuracy = run.metrics["test/bayes_accuracy"], run.metrics["test/accuracy"]
        deviation = (bayes * (1 - bayes) / 10_000) ** 0.5
        assert bayes - 0.02 - 4 * deviation < accuracy < bayes + 4 * deviation

    def test_poisson_metrics_compare_rates_with_targets(self, tmp_path: Path) -> None:
        run = train(tmp_path, "run", "data=diabetes", "loss=poisson_nll", "optimizer.lr=1e-4", "trainer.max_epochs=5")
        rate = run.module(run.data.test.x).exp()  # type: ignore[union-attr]
        mse = (rate - run.data.test.y).square().mean().item()  # type: ignore[union-attr]
        assert run.metrics["test/mse"] == pytest.approx(mse, rel=1e-5)


def test_lightning_alone_can_train_the_module() -> None:
    """The modules are plain LightningModules: no Hydra, no run directory."""
    import pytorch_lightning as pl

    source = synthetic_regression([2.0, -3.4], 4.2, 0.01, "gaussian", 1000, 100, 100, "float32", 0)
    data: Data = prepare(source, batch_size=10, val_fraction=None, standardize=False, outliers=0, seed=0)
    model = LinearRegression(2, loss=SquaredError(), optimizer=SGD(0.03))
    trainer = pl.Trainer(
        max_epochs=3, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        num_sanity_val_steps=0, accelerator="cpu",
    )  # fmt: skip
    trainer.fit(model, datamodule=data)
    assert isinstance(data.val, Examples)
    assert model.evaluate(data.val)[0]["loss"] < 1e-4
