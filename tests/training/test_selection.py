"""Which state a run ends with, and the checkpoints of it."""

import pytest
import torch
from run_directory import FILES, RESTLESS, files, train

from linnet.models import LinearRegression, SoftmaxRegression
from linnet.system.reading import read_json


class TestCheckpoints:
    @pytest.mark.parametrize("name", ["last", "best"])
    def test_load_without_running_code(self, name, finished):
        checkpoint = torch.load(finished.directory / "checkpoints" / f"{name}.ckpt", weights_only=True)
        assert set(checkpoint["state_dict"]) == {"weight", "bias"}

    @pytest.mark.parametrize("name", ["last", "best"])
    def test_load_as_lightning_does(self, name, classification, regression):
        for finished, kind in ((classification, SoftmaxRegression), (regression, LinearRegression)):
            path = finished.directory / "checkpoints" / f"{name}.ckpt"
            loaded = kind.load_from_checkpoint(path)
            state = torch.load(path, weights_only=True)["state_dict"]
            assert torch.equal(loaded.weight, state["weight"])
            assert torch.equal(loaded.bias, state["bias"])

    def test_best_is_of_the_epoch_with_the_lowest_validation_loss(self, restless):
        losses = restless.curves["val/loss"].value
        best = losses.index(min(losses))
        assert best < len(losses) - 1
        checkpoint = torch.load(restless.directory / "checkpoints" / "best.ckpt", weights_only=True)
        assert checkpoint["epoch"] == best
        assert checkpoint["global_step"] == restless.curves["val/loss"].step[best]
        last = torch.load(restless.directory / "checkpoints" / "last.ckpt", weights_only=True)
        assert last["global_step"] == restless.module.steps_done
        assert not torch.equal(last["state_dict"]["weight"], checkpoint["state_dict"]["weight"])


class TestSelection:
    def test_best_ends_with_the_best_epoch(self, restless):
        losses = restless.curves["val/loss"].value
        assert restless.metrics["val/loss"] == min(losses) < losses[-1]
        assert read_json(restless.directory / "status.json")["kept_epoch"] == losses.index(min(losses)) + 1

    def test_last_ends_with_the_last_epoch(self, restless, tmp_path):
        finished = train(tmp_path / "run", *RESTLESS, "callbacks.checkpoint.select=last")
        assert finished.curves["val/loss"] == restless.curves["val/loss"]
        assert finished.metrics["val/loss"] == finished.curves["val/loss"].value[-1]
        assert (finished.directory / "checkpoints" / "best.ckpt").is_file()

    def test_follows_the_objective_and_its_direction(self, restless, tmp_path):
        objective = ("objective.metric=val/accuracy", "objective.direction=maximize")
        finished = train(tmp_path / "run", *RESTLESS, *objective)
        accuracies = finished.curves["val/accuracy"].value
        assert accuracies == restless.curves["val/accuracy"].value
        assert finished.metrics["val/accuracy"] == max(accuracies) > restless.metrics["val/accuracy"]

    def test_early_stopping_stops_after_patience_epochs_without_improvement(self, restless, tmp_path):
        early = ("callbacks=early_stopping", "callbacks.early_stopping.patience=2")
        finished = train(tmp_path / "run", *RESTLESS, *early)
        losses = restless.curves["val/loss"].value
        best = losses.index(min(losses))
        assert finished.curves["val/loss"].value == losses[: best + 1 + 2]
        assert len(losses) > best + 1 + 2
        assert finished.metrics["val/loss"] == losses[best]
        assert read_json(finished.directory / "status.json")["state"] == "completed"


class TestParts:
    def test_without_validation_the_last_state_is_kept(self, tmp_path):
        finished = train(tmp_path / "run", "data.val_fraction=0", "trainer.max_epochs=2", "figures=false")
        assert finished.data.val is None
        assert not any(name.startswith("val/") for name in (*finished.metrics, *finished.curves))
        assert files(finished.directory) == FILES - {"checkpoints/best.ckpt"}
        last = torch.load(finished.directory / "checkpoints" / "last.ckpt", weights_only=True)
        assert torch.equal(last["state_dict"]["weight"], finished.module.weight)

    def test_without_validation_and_test_there_is_training(self, tmp_path):
        finished = train(tmp_path / "run", "data=polynomial", "data.n_val=0", "data.n_test=0", "trainer.max_epochs=2")
        assert {name.partition("/")[0] for name in finished.metrics} == {"train", "parameter", "optimum"}
        assert (finished.directory / "figures" / "residuals.png").is_file()

    def test_overfitting_one_batch_sees_no_other(self, tmp_path):
        finished = train(tmp_path / "run", "trainer=debug", "figures=false")
        assert finished.curves["train/loss"].step == list(range(1, 21))
        losses = finished.curves["train/loss"].value
        assert losses == sorted(losses, reverse=True)
