"""Both modules in a plain Trainer with an ordinary DataLoader."""

import csv
import math
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from plain_trainer import CLASSES, GENERATOR, NUMBERS, C, D, N, X, loader, trainer
from pytorch_lightning.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.utilities.model_summary import ModelSummary
from torch.utils.data import DataLoader, TensorDataset

import linnet
from linnet import LinearRegression, SoftmaxRegression
from linnet.data import Data, epoch_order
from linnet.losses import CrossEntropy, Huber
from linnet.optimizers import SGD
from linnet.schedules import Step
from linnet.system.errors import InputError
from linnet.tracking.run_config import load_config
from linnet.training.components import build_model

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")


class OrderOf:
    """The minibatches of a run, epoch by epoch, as a batch sampler of an ordinary loader."""

    def __init__(self, data: Data) -> None:
        self.data, self.epoch = data, -1

    def __len__(self) -> int:
        return self.data.chunks.steps_per_epoch

    def __iter__(self):
        self.epoch += 1
        yield from epoch_order(len(self.data.train), self.data.seed, self.epoch).split(self.data.batch_size)


@pytest.mark.usefixtures("workplace")
class TestAsARun:
    @pytest.mark.parametrize("overrides", [
        ("data=diabetes", "data.standardize=true", "optimizer=momentum", "optimizer.lr=0.02", "schedule=cosine",
         "schedule.warmup_epochs=1", "penalty=l2", "penalty.strength=0.1"),
        ("data=gaussian_blobs", "data.n_test=20", "optimizer=adam", "optimizer.lr=0.01", "penalty=l1"),
        ("data=gaussian_blobs", "data.n_test=20", "optimizer=torch_adamw", "loss.label_smoothing=0.1"),
    ], ids=["regression", "classification", "library"])  # fmt: skip
    def test_weights_metrics_and_rates(self, overrides):
        """Within 1e-5 in float32, without clipping, whatever callbacks and loggers look on."""
        run = linnet.train([
            *overrides, "trainer.max_epochs=4", "callbacks.checkpoint.select=last", "figures=false", "optimum=off",
            "threads=1", "hydra.run.dir=run", "trainer.log_every_n_steps=1",
        ])  # fmt: skip
        data = run.data
        module = build_model(load_config(Path("run")), data)
        callbacks = [
            EarlyStopping("val/loss", patience=9), ModelCheckpoint("ckpt", monitor="val/loss"), LearningRateMonitor(),
        ]  # fmt: skip
        plain = trainer(4, callbacks=callbacks, logger=CSVLogger("csv"), enable_checkpointing=True, log_every_n_steps=1)
        train = DataLoader(TensorDataset(data.train.x, data.train.y), batch_sampler=OrderOf(data))
        plain.fit(module, train, loader(data.val.x, data.val.y, size=13))
        for found, expected in zip(module.params, run.module.params, strict=True):
            assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5)
        logged = metrics_of(plain)
        logged.setdefault("train/lr", logged.get("train/lr/pg1", []))  # of torch's AdamW, which has two groups
        for key, curve in run.curves.items():
            if key.startswith("val/") or key in ("train/loss", "train/lr", "train/loss_epoch"):
                expected = curve.value[: 4 if key.startswith("val/") else None]  # without the final one
                assert logged[key][: len(expected)] == pytest.approx(expected, rel=2e-5, abs=1e-6), key
        assert callbacks[1].best_model_path
        (tested,) = plain.test(module, loader(data.test.x, data.test.y), verbose=False)
        expected = {name: value for name, value in run.metrics.items() if name in tested}
        assert len(expected) == len(tested) and tested == pytest.approx(expected, rel=2e-5)


def metrics_of(plain: pl.Trainer) -> dict[str, list[float]]:
    """Return metric -> the values that CSVLogger wrote."""
    with Path(plain.logger.log_dir, "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {key: [float(row[key]) for row in rows if row[key]] for key in rows[0]}


@pytest.mark.usefixtures("workplace")
class TestPrecision:
    @pytest.mark.parametrize("precision", ["16-mixed", "bf16-mixed", "bf16-true", "64-true"])
    @pytest.mark.parametrize("kind", [LinearRegression, SoftmaxRegression])
    def test_with_clipping_the_loss_falls(self, kind, precision):
        y, loss = (NUMBERS, Huber(0.5)) if kind is LinearRegression else (CLASSES, CrossEntropy())
        module = kind(D, y.shape[1] if y.dim() == 2 else C, loss=loss, optimizer=SGD(lr=0.5), schedule=Step(2, 0.5))
        before = float(loss(module(X), y))
        plain = trainer(
            5, precision=precision, gradient_clip_val=0.5, gradient_clip_algorithm="norm", logger=CSVLogger("csv"),
            callbacks=[EarlyStopping("val/loss"), LearningRateMonitor()], log_every_n_steps=1,
        )  # fmt: skip
        plain.fit(module, loader(X, y), loader(X, y))
        losses = metrics_of(plain)["val/loss"]
        assert losses[-1] < 0.8 * before and losses == sorted(losses, reverse=True)

    def test_clips(self):
        steps = []
        for limit in (None, 1e-3):
            module = SoftmaxRegression(D, C, optimizer=SGD(lr=1.0), init="zeros")
            trainer(1, gradient_clip_val=limit, max_steps=1).fit(module, loader(X, CLASSES))
            steps.append(float(torch.cat([p.detach().flatten() for p in module.params]).norm()))
        assert steps[1] == pytest.approx(1e-3, rel=1e-3) and steps[0] > 0.1


class TestBatches:
    def objective(self, module, batch) -> float:
        plain = trainer(1, max_steps=1)
        plain.fit(module, DataLoader([batch], batch_size=None))
        return float(plain.callback_metrics["train/loss"])

    def test_of_all_kinds_are_alike(self):
        images, some = X.view(N, 2, 3), torch.rand(N, generator=GENERATOR)
        expected = float((some * CrossEntropy()(SoftmaxRegression(D, C)(X), CLASSES, reduction="none")).mean())
        for batch in (
            (X, CLASSES, some), {"x": X, "y": CLASSES, "weight": some, "id": torch.arange(N)},
            [images.double(), CLASSES.int(), some.double()],
        ):  # fmt: skip
            assert self.objective(SoftmaxRegression(D, C), batch) == pytest.approx(expected, rel=1e-6)
        column = NUMBERS[:, :1]
        found = [self.objective(LinearRegression(D), (X, y)) for y in (column, column[:, 0], column.double())]
        assert found == [pytest.approx(float(column.square().mean()) / 2, rel=0.1)] * 3 and len(set(found)) == 1

    def test_weighted_evaluation_is_a_weighted_mean(self):
        module, some = SoftmaxRegression(D, C), torch.rand(N, generator=GENERATOR)
        (found,) = trainer().test(module, loader(X, CLASSES, some, size=9), verbose=False)
        values = CrossEntropy()(module(X), CLASSES, reduction="none")
        assert found["test/loss"] == pytest.approx(float((some * values).sum() / some.sum()), rel=1e-6)

    def test_an_evaluation_that_fails_leaves_nothing_behind(self):
        module = SoftmaxRegression(D, C)
        with pytest.raises(InputError):
            trainer().validate(module, DataLoader([(X[:9], CLASSES[:9]), (X, CLASSES + 9)], batch_size=None))
        (found,) = trainer().test(module, loader(X, CLASSES), verbose=False)
        assert found == pytest.approx(trainer().test(SoftmaxRegression(D, C), loader(X, CLASSES), verbose=False)[0])

    def test_predictions(self):
        module = LinearRegression(D, 2)
        for given in ([X], [(X, NUMBERS)], [{"x": X.view(N, 3, 2)}]):
            (found,) = trainer().predict(module, DataLoader(given, batch_size=None))
            assert torch.allclose(found, X @ module.weight[0].T + module.bias[0], atol=1e-6) and found.shape == (N, 2)

    @pytest.mark.parametrize(("kind", "batch", "words"), [
        (SoftmaxRegression, (X,), "a batch is a list of 1: expected"),
        (SoftmaxRegression, {"features": X}, "a batch is a dict of features: expected"),
        (SoftmaxRegression, (X, CLASSES + 1), "expected class numbers [B] in 0 … 2"),
        (SoftmaxRegression, (X, CLASSES[:, None]), "targets of shape [80, 1]: expected class numbers"),
        (SoftmaxRegression, (X, CLASSES, torch.ones(N, 1)), "weights of shape [80, 1]: expected one for each"),
        (LinearRegression, (X, NUMBERS), "targets of shape [80, 2]: expected numbers [B] or [B, 1]"),
    ])  # fmt: skip
    def test_refused(self, kind, batch, words):
        module = kind(D, C if kind is SoftmaxRegression else 1)
        with pytest.raises(InputError) as told:
            trainer().fit(module, DataLoader([batch], batch_size=None))
        assert words in str(told.value) and "\n" not in str(told.value)

    def test_train_one_model(self):
        with pytest.raises(InputError, match="n_models=2"):
            trainer().fit(SoftmaxRegression(D, C, n_models=2), loader(X, CLASSES))


class TestModule:
    def test_summary_counts_the_parameters(self):
        summary = ModelSummary(SoftmaxRegression(D, C))
        assert summary.total_parameters == summary.trainable_parameters == D * C + C

    def test_is_differentiable_by_itself(self):
        module = LinearRegression(D, 2)
        assert module.example_input_array.shape == (1, D)
        (module(X) - NUMBERS).square().mean().backward()
        assert module.weight.grad.shape == module.weight.shape and bool(module.bias.grad.any())

    def test_compile_and_export(self, tmp_path):
        import onnxruntime

        module = SoftmaxRegression(D, C).eval()
        expected = module(X).detach()
        assert torch.allclose(torch.compile(module, backend="eager", fullgraph=True)(X), expected, atol=1e-6)
        exported = torch.export.export(module, (X,), dynamic_shapes=({0: torch.export.Dim("n")},))
        assert torch.allclose(exported.module()(X[:7]), expected[:7], atol=1e-6)
        names = {"input_names": ["x"], "output_names": ["logits"], "dynamic_axes": {"x": {0: "n"}}}
        torch.onnx.export(module, (X,), tmp_path / "m.onnx", dynamo=False, **names)  # the newer one takes onnxscript
        (found,) = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, {"x": X[:5].numpy()})
        assert torch.allclose(torch.from_numpy(found), expected[:5], atol=1e-6)

    def test_losses_are_finite(self):
        module = SoftmaxRegression(D, C)
        plain = trainer(1)
        plain.fit(module, loader(X, CLASSES), loader(X, CLASSES))
        assert all(math.isfinite(value) for value in plain.callback_metrics.values())
