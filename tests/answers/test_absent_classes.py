"""Classes that no training row has, through the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from array_runs import N, examples, predicted, probabilities, read, refused, train, weights, write
from sklearn.metrics import accuracy_score, f1_score, log_loss

from linnet.cli import main as cli


class TestAbsentClass:
    def test_has_no_output_and_counts_as_wrong(self, workplace, capsys):
        x, y = examples()
        x_test, y_test = examples(60, seed=1)
        y_test[:7], y_test[7:9] = 5, 4
        write(x=x, y=y, x_test=x_test, y_test=y_test)
        test = ("data.x_test=x_test.npy", "data.y_test=y_test.npy")
        assert train(*test, "figures=true") == 0
        said = "data.y_test: 9 rows of classes that no training row has (4, 5): counted as wrong, and left"
        assert said in " ".join(capsys.readouterr().out.split())
        assert read("preprocessing.json")["class_names"] == ["0", "1", "2"]
        assert Path("run/figures/confusion_matrix.png").is_file()
        metrics = read("metrics.json")
        found = np.array(predicted("x_test.npy"), np.int64)
        assert metrics["test/accuracy"] == pytest.approx(accuracy_score(y_test, found))
        assert metrics["test/macro_f1"] == pytest.approx(f1_score(y_test, found, average="macro"))
        bound = metrics["test/accuracy_ci95_high"], metrics["test/accuracy_ci95_low"]
        assert bound[1] < metrics["test/accuracy"] < bound[0]
        # Loss and nll are those of a test part without these rows; the weights are those without a test part.
        write(x_test=x_test[9:], y_test=y_test[9:])
        assert train(*test, run="without") == 0
        np.testing.assert_array_equal(weights(), weights("without"))
        for key in ("loss", "nll", "kl_divergence"):
            assert metrics[f"test/{key}"] == pytest.approx(read("metrics.json", "without")[f"test/{key}"], rel=1e-9)
        assert log_loss(y_test[9:], probabilities("x_test.npy")) == pytest.approx(metrics["test/nll"], rel=1e-9)

    def test_is_evaluated_alike_by_evaluate(self, workplace):
        x, y = examples()
        write(x=x, y=y, x_test=x, y_test=np.where(np.arange(N) < 20, 77, y))
        assert train("data.x_test=x_test.npy", "data.y_test=y_test.npy") == 0
        given = ["--input", "x_test.npy", "--target", "y_test.npy", "--output", "e.json"]
        assert cli.run(["evaluate", "run", *given]) == 0
        found, own = json.loads(Path("e.json").read_text()), read("metrics.json")
        for key, value in found.items():
            assert value == pytest.approx(own[key], rel=1e-9), key

    def test_in_validation_is_left_out_of_the_loss_of_training(self, workplace):
        x, y = examples()
        write(x=x, y=y, x_val=x, y_val=np.where(np.arange(N) < 20, 9, y), x_seen=x[20:], y_seen=y[20:])
        options = ("optimizer=sgd", "trainer.max_epochs=3")
        assert train(*options, "data.x_val=x_val.npy", "data.y_val=y_val.npy") == 0
        assert train(*options, "data.x_val=x_seen.npy", "data.y_val=y_seen.npy", run="seen") == 0
        ours, seen = read("metrics.json"), read("metrics.json", "seen")
        assert ours["val/loss"] == pytest.approx(seen["val/loss"], rel=1e-6)
        assert ours["val/accuracy"] == pytest.approx(seen["val/accuracy"] * 70 / 90)

    def test_counts_alike_for_models_side_by_side(self, workplace):
        x, y = examples()
        write(x=x, y=y, x_test=x, y_test=np.where(np.arange(N) < 20, 9, y))
        given = ["data=arrays", "data.x=x.npy", "data.y=y.npy", "data.x_test=x_test.npy", "data.y_test=y_test.npy"]
        given += ["trainer.max_epochs=2", "figures=false", "threads=1"]
        assert cli.run(["train", "-m", *given, "optimizer.lr=0.1,0.2", "hydra/launcher=vectorized",
                        "hydra.sweep.dir=sweep"]) == 0  # fmt: skip
        assert cli.run(["train", *given, "optimizer.lr=0.2", "hydra.run.dir=alone"]) == 0
        found = read("metrics.json", "sweep/1")
        for key, value in read("metrics.json", "alone").items():
            assert found[key] == pytest.approx(value, rel=1e-4), key

    def test_of_data_larger_than_memory_is_refused(self, workplace, capsys):
        write(x=np.zeros((40_000, 10)), y=np.arange(40_000) % 2, far=np.arange(40_000) % 3)
        line = refused(capsys, "data.x_test=x.npy", "data.y_test=far.npy", "data.max_memory_mb=1", "optimizer=sgd")
        assert "data.y_test: 13333 rows of classes that no training row has (2): leave them out" in line

    def test_alone_in_a_part_is_refused(self, workplace, capsys):
        x, y = examples()
        write(x=x, y=y, far=np.full(N, 9))
        line = refused(capsys, "data.x_test=x.npy", "data.y_test=far.npy")
        assert "data.y_test: 90 rows of classes that no training row has (9), and no others" in line
