"""Lightning's options of the trainer mean here what they mean there."""

import math
from pathlib import Path

import pytest
import torch
from interrupted_run import interrupt

import linnet
from linnet.cli import main as cli
from linnet.config.check_options import options_for
from linnet.config.identity import config_hash
from linnet.models.train_steps import Clip, gradient_norm
from linnet.results.trained import TrainedRun
from linnet.system.errors import InputError
from linnet.system.reading import read_json

LINE = (
    "data=synthetic_regression", "data.n_train=60", "data.n_val=20", "data.n_test=20", "data.batch_size=8", "threads=1",
    "figures=false",
)  # fmt: skip
STEPS = 8
"""Minibatches of an epoch, the last of which is of 4 examples."""


def train(*overrides: str) -> TrainedRun:
    name = "_".join(overrides).replace("=", "_")
    return linnet.train([*LINE, *overrides, f"hydra.run.dir=runs/{name}"])


def weights(run: TrainedRun | Path) -> str:
    return str(read_json((run.directory if isinstance(run, TrainedRun) else run) / "manifest.json")["weights_sha256"])


@pytest.mark.usefixtures("workplace")
class TestSteps:
    @pytest.mark.parametrize("optimizer", ["sgd", "adam"])
    def test_of_whole_epochs_are_those_epochs(self, optimizer):
        limited = train("trainer.max_steps=16", f"optimizer={optimizer}")
        assert weights(limited) == weights(train("trainer.max_epochs=2", f"optimizer={optimizer}"))

    @pytest.mark.parametrize(("steps", "per_chunk"), [(1, 256), (11, 256), (11, 2), (15, 3)])
    def test_end_training_within_an_epoch(self, steps, per_chunk):
        every = f"callbacks.checkpoint.every_n_steps={per_chunk}"
        limited = train(f"trainer.max_steps={steps}", every)
        whole = train("trainer.max_epochs=2", every)
        assert limited.curves["train/loss"].value == whole.curves["train/loss"].value[:steps]
        assert limited.curves["val/loss"].step[-1] == limited.module.steps_done == steps
        sizes = [4 if step % STEPS == 0 else 8 for step in range(1, steps + 1)]
        last = len(sizes) - 1 - (len(sizes) - 1) % STEPS
        losses, sizes = limited.curves["train/loss"].value[last:], sizes[last:]
        mean = sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / sum(sizes)
        assert math.isclose(limited.curves["train/loss_epoch"].value[-1], mean, rel_tol=1e-6)

    def test_beyond_the_last_epoch_change_nothing(self):
        assert weights(train("trainer.max_epochs=2", "trainer.max_steps=99")) == weights(train("trainer.max_epochs=2"))

    def test_are_resumed_to_the_same_weights(self):
        words = (*LINE, "trainer.max_steps=14", "trainer.max_epochs=9", "schedule=cosine")
        interrupt(Path("stopped"), 11, *words)
        assert cli.run(["resume", "stopped"]) == 0
        whole = linnet.train([
            *words, "callbacks.checkpoint.every_n_steps=4", "trainer.log_every_n_steps=2", "hydra.run.dir=whole"
        ])  # fmt: skip
        assert weights(Path("stopped")) == weights(whole)
        assert whole.module.steps_done == 14
        assert cli.run(["resume", "whole", "trainer.max_epochs=12"]) == 2

    def test_are_what_a_schedule_ends_with(self):
        rates = train("trainer.max_steps=12", "schedule=cosine", "trainer.log_every_n_steps=1").curves["train/lr"].value
        expected = [0.5 * (1 + math.cos(math.pi * step / 12)) for step in range(12)]
        assert [rate / rates[0] for rate in rates] == pytest.approx(expected, abs=1e-12)

    def test_of_a_trial_run_are_few(self):
        run = train("trainer.fast_dev_run=2")
        assert run.module.steps_done == 2
        assert run.data.val is not None and len(run.data.val) == 16

    def test_end_with_the_time(self):
        run = train("trainer.max_time=00:00:00:00", "trainer.max_epochs=3")
        assert run.module.steps_done == STEPS  # of the chunk that was at hand
        assert cli.run(["resume", str(run.directory)]) == 0
        assert weights(run) == weights(train("trainer.max_epochs=1"))


@pytest.mark.usefixtures("workplace")
class TestBatches:
    def test_of_an_epoch_are_the_first_of_its_order(self):
        limited = train("trainer.limit_train_batches=3", "trainer.max_epochs=2", "optimizer.lr=0.000001")
        whole = train("trainer.max_epochs=2", "optimizer.lr=0.000001").curves["train/loss"].value
        expected = [*whole[:3], *whole[STEPS : STEPS + 3]]
        assert limited.curves["train/loss"].value == pytest.approx(expected, rel=1e-3)
        assert limited.module.steps_done == 6

    def test_may_be_a_share(self):
        assert train("trainer.limit_train_batches=0.5", "trainer.max_epochs=1").module.steps_done == 4
        with pytest.raises(InputError, match="of 8 minibatches, that is none"):
            train("trainer.limit_train_batches=0.1")

    def test_of_evaluation_are_the_first_examples(self):
        run, whole = (
            train(*words, "callbacks.checkpoint.select=last")
            for words in (("trainer.limit_val_batches=1", "trainer.limit_test_batches=0.7"), ())
        )
        assert run.data.val is not None and whole.data.val is not None
        assert torch.equal(run.data.val.x, whole.data.val.x[:8])
        assert run.data.test is not None and len(run.data.test) == 16
        few = whole.module.evaluate(whole.data.val.take(torch.arange(8)))[0]["loss"]
        assert run.metrics["val/loss"] == pytest.approx(few, rel=1e-6)


@pytest.mark.usefixtures("workplace")
class TestEpochs:
    def test_are_validated_as_often_as_asked(self):
        run = train("trainer.check_val_every_n_epoch=2", "trainer.max_epochs=5")
        assert run.curves["val/loss"].step == [2 * STEPS, 4 * STEPS]

    def test_are_at_least_so_many(self):
        stopping = ("callbacks=early_stopping", "callbacks.early_stopping.patience=1", "optimizer.lr=1.5")
        early = train(*stopping, "trainer.max_epochs=9").module.steps_done
        assert early < 6 * STEPS
        assert train(*stopping, "trainer.max_epochs=9", "trainer.min_epochs=6").module.steps_done == 6 * STEPS


class TestClip:
    @pytest.mark.parametrize("limit", [0.1, 5.0, 1e6])
    def test_by_norm_is_that_of_torch_for_each_model(self, limit):
        gen = torch.Generator().manual_seed(0)
        grads = [torch.randn(3, 2, 5, generator=gen).double(), torch.randn(3, 2, generator=gen).double()]
        clipped = Clip(limit, "norm")(grads)
        for k in range(3):
            parameters = [torch.nn.Parameter(torch.zeros_like(grad[k])) for grad in grads]
            for parameter, grad in zip(parameters, grads, strict=True):
                parameter.grad = grad[k].clone()
            norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
            torch.testing.assert_close(gradient_norm(grads)[k], norm)
            for parameter, found in zip(parameters, clipped, strict=True):
                torch.testing.assert_close(found[k], parameter.grad)

    def test_by_value_is_that_of_torch(self):
        grad = torch.linspace(-2, 2, 12).reshape(1, 3, 4)
        parameter = torch.nn.Parameter(torch.zeros_like(grad))
        parameter.grad = grad.clone()
        torch.nn.utils.clip_grad_value_([parameter], 0.7)
        torch.testing.assert_close(Clip(0.7, "value")([grad])[0], parameter.grad)

    def test_limits_the_steps_of_a_run(self, workplace):
        run = train("trainer.gradient_clip_val=0.01", "trainer.max_epochs=1", "optimizer.lr=1", "model.init=zeros")
        norm = math.sqrt(sum(float(parameter.square().sum()) for parameter in run.module.parameters()))
        assert 0.5 * STEPS * 0.01 < norm <= STEPS * 0.01

    def test_is_the_same_side_by_side(self, workplace):
        words = ["train", "-m", *LINE, "trainer.gradient_clip_val=0.5", "trainer.max_steps=11", "optimizer.lr=0.1,1"]
        for launcher in ("basic", "vectorized"):
            assert cli.run([*words, f"hydra/launcher={launcher}", f"hydra.sweep.dir={launcher}"]) == 0
        for job in "01":
            assert weights(Path("basic") / job) == weights(Path("vectorized") / job)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["trainer.max_steps=0"], "trainer.max_steps=0"), (["trainer.max_time=90"], "days:hours:minutes:seconds"),
        (["trainer.precision=16"], "use data.dtype=float32 or float64"),
        (["trainer.limit_val_batches=1.5"], "trainer.limit_val_batches=1.5"),
        (["trainer.profiler=fast"], "one of simple, advanced"),
        (["trainer.max_steps=5", "optimizer=exact"], "takes no steps"),
        (["trainer.max_time=00:00:01:00", "trainer=ddp"], "use trainer.max_steps"),
        (["trainer.check_val_every_n_epoch=30"], "no epoch would be validated"),
        (["trainer.overfit_batches=1", "trainer.limit_train_batches=1"], "give one"),
        (["trainer.max_steps=5", "schedule=cosine", "schedule.warmup_epochs=1"], "trainer.max_steps ends training"),
        (["trainer.gradient_clip_val=1", "optimizer=torch_lbfgs"], "trainer.gradient_clip_val"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(overrides, words, workplace, capsys):
    assert cli.run(["train", *LINE, *overrides, "hydra.run.dir=run"]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert not Path("run").exists()


@pytest.mark.parametrize("profiler", ["simple", "advanced"])
def test_a_profile_lies_in_the_run_directory(profiler, workplace):
    run = train(f"trainer.profiler={profiler}", "trainer.max_epochs=1")
    assert "run_training_epoch" in (run.directory / "fit-profile.txt").read_text()


def test_a_profile_replaces_a_link_and_does_not_follow_it(workplace):
    interrupt(Path("run"), 11, *LINE, "trainer.profiler=simple", "trainer.max_epochs=3")
    Path("run/fit-profile.txt").symlink_to("train.log")
    assert cli.run(["resume", "run"]) == 0
    assert not Path("run/fit-profile.txt").is_symlink()
    assert "run_training_epoch" not in Path("run/train.log").read_text()


def test_options_that_are_not_set_leave_the_hash_of_a_configuration_as_it_was(workplace):
    config = read_json(train("trainer.max_epochs=1").directory / "manifest.json")["config"]
    options = options_for("trainer", config["trainer"])
    before = {
        key: value
        for key, value in config["trainer"].items()
        if key == "_target_" or options[key].default is options[key].empty
    }
    assert before.keys() < config["trainer"].keys()
    assert config_hash({**config, "trainer": before}) == config_hash(config)
    assert config_hash({**config, "trainer": {**config["trainer"], "max_steps": 5}}) != config_hash(config)
