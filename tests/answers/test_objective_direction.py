"""Sweeps, searches and early stopping choose by the direction in which a metric is better."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from linnet.system.reading import read_json

pytestmark = pytest.mark.usefixtures("workplace")
Answer = Callable[..., tuple[int, str, str]]
QUICK = ("trainer.max_epochs=1", "figures=false", "optimum=off")
ACCURACY = ("data=gaussian_blobs", "data.outliers=300", "objective.metric=val/accuracy", "figures=false")


class TestDirectionOfTheObjective:
    """A metric knows which way is better; `objective.direction` is for those that do not."""

    def test_training_keeps_the_epoch_of_the_highest_accuracy(self, answer: Answer) -> None:
        assert answer("train", *ACCURACY, "optimizer.lr=2", "trainer.max_epochs=5", "hydra.run.dir=run")[0] == 0
        lines = [line.split(",") for line in Path("run/history.csv").read_text().splitlines()]
        accuracies = [float(value) for name, _, value in lines if name == "val/accuracy"]
        assert len(set(accuracies)) > 1
        assert read_json(Path("run/metrics.json"))["val/accuracy"] == max(accuracies)

    def test_early_stopping_waits_for_a_higher_accuracy(self, answer: Answer) -> None:
        early = ("callbacks=early_stopping", "callbacks.early_stopping.patience=1", "trainer.max_epochs=6")
        assert answer("train", *ACCURACY, *early, "optimizer.lr=0.0001", "hydra.run.dir=run")[0] == 0
        lines = [line.split(",") for line in Path("run/history.csv").read_text().splitlines()]
        accuracies = [float(value) for name, _, value in lines if name == "val/accuracy"]
        risen = [later > max(accuracies[:k]) for k, later in enumerate(accuracies) if k > 0]
        assert all(risen[:-1]) and (len(accuracies) == 6 or not risen[-1])

    @pytest.mark.parametrize("validated", [True, False])
    def test_a_sweep_and_its_comparison_choose_the_highest_accuracy(self, validated: bool, answer: Answer) -> None:
        none = [] if validated else ["data.n_val=0", "data.val_fraction=0"]
        rates = "optimizer.lr=0.000001,0.1"
        part = "val" if validated else "train"
        code, printed, _ = answer("train", "-m", "data=digits", "objective.metric=val/accuracy", *QUICK, rates,
                                  "hydra.sweep.dir=s", *none[1:])  # fmt: skip
        assert code == 0
        values = [read_json(Path(f"s/{k}/metrics.json"))[f"{part}/accuracy"] for k in (0, 1)]
        assert values[1] > values[0]
        assert f"best by {part}/accuracy: job 1 optimizer.lr=0.1  {part}/accuracy {values[1]:.5g}" in printed
        code, printed, _ = answer("compare", "s", "--no-figures")
        assert code == 0
        assert f"{part}/accuracy ↑" in printed and f"chosen by {part}/accuracy: optimizer.lr=0.1" in printed

    def test_a_search_maximises_accuracy(self, answer: Answer) -> None:
        optuna = pytest.importorskip("optuna")
        space = ("data=digits", "optimizer.lr=choice(0.000001,0.1)", "data.batch_size=32", "penalty.strength=0")
        assert answer("train", "search=optuna", *space, "objective.metric=val/accuracy", *QUICK,
                      "hydra.sweeper.n_trials=4", "hydra.sweep.dir=s")[0] == 0  # fmt: skip
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend("s/optuna.journal"))
        study = optuna.load_study(study_name="linnet", storage=storage)
        assert study.direction.name == "MAXIMIZE"
        assert study.best_trial.params["optimizer.lr"] == "0.1"

    def test_a_contradiction_is_refused(self, refusal: Callable[..., str]) -> None:
        line = refusal("train", "objective.metric=val/accuracy", "objective.direction=minimize")
        assert line == (
            "linnet: objective.direction=minimize: higher is better for objective.metric=val/accuracy; leave "
            "objective.direction out"
        )
        assert "lower is better" in refusal("train", "-m", "seed=0,1", "objective.direction=maximize")

    def test_a_metric_without_a_direction_needs_one(self, refusal: Callable[..., str], answer: Answer) -> None:
        entropy = ("data=digits", "objective.metric=val/predictive_entropy", *QUICK)
        assert "objective.direction=minimize or maximize" in refusal("train", *entropy)
        code, _, _ = answer("train", "-m", *entropy, "objective.direction=maximize", "optimizer.lr=0.0001,0.1",
                            "hydra.sweep.dir=s")  # fmt: skip
        assert code == 0
        assert "chosen by val/predictive_entropy: optimizer.lr=0.0001" in answer("compare", "s", "--no-figures")[1]
        asked = ("compare", "s", "--no-figures", "--metric", "test/predictive_entropy")
        assert "add --direction minimize or maximize" in answer(*asked)[2]
        assert "test/predictive_entropy ↓" in answer(*asked, "--direction", "minimize")[1]

    def test_the_test_set_chooses_nothing(self, refusal: Callable[..., str]) -> None:
        line = refusal("train", "data=digits", "data.val_fraction=0", "objective.metric=test/accuracy", *QUICK)
        assert "objective.metric=test/accuracy: this run logs" in line

    def test_an_old_run_that_recorded_a_contradiction_is_read_as_recorded(self, answer: Answer) -> None:
        """As linnet 0.1.0 wrote them, when `objective.metric=val/accuracy` alone minimised."""
        assert answer("train", *ACCURACY, "optimizer.lr=2", "trainer.max_epochs=3", "hydra.run.dir=old")[0] == 0
        file = Path("old/.hydra/config.yaml")
        file.write_text(file.read_text().replace("direction: null", "direction: minimize"))
        for command in (["evaluate", "old", "--accept-changed"], ["compare", "old", "--no-figures"]):
            code, printed, errors = answer(*command)
            assert (code, errors) == (0, "")
        assert "val/accuracy ↑" in printed

    def test_a_stated_direction_changes_no_identity(self, answer: Answer) -> None:
        """Sweeps that linnet 0.1.0 began, whose configurations state a direction, go on where they were."""
        common = ("train", "-m", "data=diabetes", *QUICK, "seed=0", "hydra.sweep.dir=s")
        assert answer(*common, "objective.direction=minimize")[0] == 0
        assert "1 of them finished before" in re.sub(r"\s+", " ", answer(*common)[1])
