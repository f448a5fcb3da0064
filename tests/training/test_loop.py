"""Training without a Trainer ends with the weights of the tracked run by Lightning, bit for bit."""

from pathlib import Path

import pytest
import torch

import linnet
from linnet.data import Data, Examples, Source
from linnet.models import LinearNetwork, SoftmaxRegression
from linnet.optimizers import Adam, Momentum
from linnet.results.trained import TrainedRun
from linnet.system.errors import Diverged, InputError
from linnet.system.reading import read_json
from linnet.tracking.run_config import load_config, load_hydra
from linnet.training import fit, optimality
from linnet.training.components import build_data, build_model
from linnet.training.loop import LoopOptions, loop_options, train_loop

REGRESSION = ("data=diabetes", "data.batch_size=48", "trainer.max_epochs=6")
BLOBS = ("data=gaussian_blobs", "data.n_train=90", "data.n_val=30", "data.n_test=20", "data.batch_size=16")
CASES = [
    ("optimizer=momentum", "optimizer.lr=0.05", "schedule=cosine", "schedule.warmup_epochs=1"),
    ("optimizer=adam", "trainer.gradient_clip_val=0.5", "callbacks.checkpoint.select=last"),
    ("penalty=l1", "penalty.strength=2", "optimizer=adagrad", "trainer.max_steps=31"),
    ("optimizer=torch_adamw", "model.gradient=autograd", "trainer.limit_train_batches=3", "data.dtype=float64"),
    ("optimizer.lr=0.3", "callbacks=early_stopping", "callbacks.early_stopping.patience=1", "trainer.max_epochs=60"),
    (
        "optimizer.lr=0.5", "callbacks=early_stopping", "callbacks.early_stopping.min_delta=9",
        "trainer.min_epochs=5",
        "callbacks.early_stopping.patience=2", "objective.metric=val/r2", "trainer.max_epochs=60",
    ),
    ("trainer.check_val_every_n_epoch=2", "optimizer=torch_lbfgs", "loss=huber", "loss.delta=40"),
    ("optimizer=exact", "penalty=l2", "penalty.strength=0.1"),
    ("loss=torch_huber", "data.val_fraction=0", "trainer.overfit_batches=2", "optimizer=rmsprop"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread():
    """As the runs have it: other numbers of threads may add up in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tracked(*overrides: str) -> TrainedRun:
    return linnet.train([*overrides, "threads=1", "figures=false", "optimum=off", "hydra.run.dir=run"])


def parts(run: TrainedRun) -> tuple[LinearNetwork, Data, LoopOptions]:
    """Return model and data of a run as they were before training."""
    config = load_config(run.directory)
    data = build_data(config)
    model = build_model(config, data)
    analysis = optimality.load(run.directory)
    if config["optimizer"]["_target_"].endswith("Exact"):
        assert analysis is not None
        model.solution = analysis.optimum.weight, analysis.optimum.bias
    return model, data, loop_options(config)


@pytest.mark.usefixtures("workplace")
class TestAsTracked:
    @pytest.fixture(autouse=True)
    def by_lightning(self, monkeypatch):
        monkeypatch.setattr(fit, "needs_no_trainer", lambda context: False)
        before = torch.get_num_threads()
        torch.set_num_threads(1)  # as the run's
        yield
        torch.set_num_threads(before)

    @pytest.mark.parametrize("overrides", CASES, ids=lambda words: words[0])
    def test_weights_and_history(self, overrides):
        run = tracked(*REGRESSION, *overrides)
        model, data, options = parts(run)
        result = train_loop(model, data, options)
        assert all(torch.equal(a, b) for a, b in zip(model.params, run.module.params, strict=True))
        status = read_json(run.directory / "status.json")
        assert (result.kept_epoch, result.steps) == (status["kept_epoch"], status["step"])
        assert result.epochs == len(result.history["train/loss_epoch"].step)
        of_run = {name: curve for name, curve in run.curves.items() if not name.endswith("_final")}
        assert {name: of_run[name] for name in result.history} == result.history
        assert {name for name in of_run if name.startswith(("train/", "val/"))} - result.history.keys() <= {
            "train/objective", "train/mse", "train/rmse", "train/mae", "train/r2",
        }  # fmt: skip

    def test_of_classes_and_gap_curves(self):
        run = linnet.train([*BLOBS, "optimum=always", "figures=false", "hydra.run.dir=run", "threads=1"])
        analysis = optimality.load(run.directory)
        assert analysis is not None
        model, data, options = parts(run)
        result = train_loop(model, data, options, analysis.optimum)
        assert torch.equal(model.weight, run.module.weight)
        gap = result.history["optimum/gap"]
        assert run.curves["optimum/gap"].value[: len(gap.value)] == gap.value

    @pytest.mark.parametrize(("epochs", "what"), [(60, "the loss became inf"), (12, "the loss grew from")])
    def test_divergence(self, epochs, what):
        words = (*REGRESSION, "data.standardize=true", "optimizer=sgd", "data.batch_size=400")
        with pytest.raises(Diverged) as told:
            tracked(*words, "optimizer.lr=0.8", f"trainer.max_epochs={epochs}")
        config = load_hydra(Path("run"))[0]
        data = build_data(config)
        model = build_model(config, data)
        with pytest.raises(Diverged) as found:
            train_loop(model, data, loop_options(config))
        assert str(found.value) == str(told.value) and what in str(told.value)


def small(n: int = 60, *, seed: int = 0, val: bool = False) -> Data:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 4, generator=generator)
    examples = Examples(x, x.abs().argmax(dim=1) % 3)
    source = Source("classification", examples, None, "", class_names=("a", "b", "c"))
    return Data(source, examples, examples if val else None, None, 16, seed)


class TestOnItsOwn:
    @pytest.mark.parametrize("optimizer", [Momentum(lr=0.1, momentum=0.9), Adam(lr=0.01)])
    def test_goes_on_from_weights_and_the_memory_of_the_optimizer(self, optimizer):
        """Two loops of one epoch are one of two epochs where these see the same order."""
        options, data = LoopOptions(max_epochs=1), small()
        data.overfit_batches = 4  # all of them, in the order of epoch 0
        model, whole = (SoftmaxRegression(4, 3, optimizer=optimizer) for _ in range(2))
        results = [train_loop(model, data, options) for _ in range(2)]
        train_loop(whole, data, LoopOptions(max_epochs=2))
        assert torch.equal(model.weight, whole.weight)
        assert [(result.epochs, result.steps) for result in results] == [(1, 4)] * 2
        train_loop(model, small(7, seed=1), options)  # other examples
        assert bool(model.weight.isfinite().all()) and not torch.equal(model.weight, whole.weight)

    def test_keeps_neither_data_nor_recorder(self):
        model = SoftmaxRegression(4, 3)
        result = train_loop(model, small(), LoopOptions(max_epochs=2))
        assert (result.epochs, result.kept_epoch, result.steps) == (2, 2, 8)
        assert model.recorder is None and not hasattr(model, "data")

    def test_ends_with_the_time(self):
        result = train_loop(SoftmaxRegression(4, 3), small(), LoopOptions(max_epochs=9, max_time=0.0))
        assert (result.epochs, result.steps) == (1, 4)

    def test_refuses(self, checked):
        with pytest.raises(InputError, match="early_stopping needs validation examples"):
            train_loop(SoftmaxRegression(4, 3), small(), LoopOptions(patience=2))
        with pytest.raises(InputError, match=r"objective.metric=val/r2: this run logs val/loss, val/accuracy"):
            train_loop(SoftmaxRegression(4, 3), small(val=True), LoopOptions(metric="val/r2"))
        with pytest.raises(ValueError, match="one model, got 2"):
            train_loop(SoftmaxRegression(4, 3, n_models=2), small(), LoopOptions())
        for override, word in (("trainer.profiler=simple", "trainer.profiler"), ("trainer=ddp", "trainer=ddp")):
            with pytest.raises(InputError, match=f"{word} needs a tracked run"):
                loop_options(checked(override))
        config = checked()
        config["callbacks"]["mine"] = {"_target_": "my_parts.Counter"}
        with pytest.raises(InputError, match=r"callbacks.mine: callbacks of other modules need a tracked run"):
            loop_options(config)
