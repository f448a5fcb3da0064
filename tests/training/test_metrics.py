"""The figures of a run are what its weights give, again and again."""

import json
import math

import numpy as np
import pytest
import torch
from run_directory import SHORT, train, weights_sha256
from safetensors.numpy import load_file

from linnet.cli import main as cli
from linnet.system.reading import read_json


class TestMetrics:
    def test_are_flat_numbers_and_those_of_the_run(self, finished):
        metrics = read_json(finished.directory / "metrics.json")
        assert metrics == finished.metrics
        assert all(isinstance(value, float) and math.isfinite(value) for value in metrics.values())

    def test_of_classification_follow_from_the_weights(self, classification):
        weights = load_file(classification.directory / "weights.safetensors")
        for name, part in (("train", classification.data.train), ("test", classification.data.test)):
            logits = part.x.numpy().astype(np.float64) @ weights["weight"].T + weights["bias"]
            labels = part.y.numpy()
            log_normaliser = np.log(np.exp(logits).sum(axis=1))
            nll = (log_normaliser - logits[np.arange(len(labels)), labels]).mean()
            assert classification.metrics[f"{name}/accuracy"] == np.mean(logits.argmax(axis=1) == labels)
            assert classification.metrics[f"{name}/loss"] == pytest.approx(nll, rel=1e-5)

    def test_of_regression_follow_from_the_weights(self, regression):
        weights = load_file(regression.directory / "weights.safetensors")
        part = regression.data.test
        error = part.x.numpy().astype(np.float64) @ weights["weight"].T + weights["bias"] - part.y.numpy()
        assert regression.metrics["test/mse"] == pytest.approx(np.mean(error**2), rel=1e-4)
        assert regression.metrics["test/mae"] == pytest.approx(np.mean(abs(error)), rel=1e-4)
        assert regression.metrics["test/loss"] == pytest.approx(np.mean(error**2) / 2, rel=1e-4)

    def test_of_parameters_are_in_the_units_that_the_data_was_made_in(self, regression):
        weights = load_file(regression.directory / "weights.safetensors")
        x = regression.data.source.train.x.double().numpy()
        weight = weights["weight"][0] / x.std(axis=0)
        bias = weights["bias"][0] - weight @ x.mean(axis=0)
        weight_error = np.linalg.norm(weight - [2.0, -3.4])
        assert regression.metrics["parameter/weight_error"] == pytest.approx(weight_error, abs=1e-6)
        assert regression.metrics["parameter/bias_error"] == pytest.approx(abs(bias - 4.2), abs=1e-6)

    def test_objective_is_loss_plus_penalty(self, tmp_path):
        penalty = ("penalty=elastic_net", "penalty.strength=0.3", "penalty.l1_ratio=0.25")
        finished = train(tmp_path / "run", *SHORT, *penalty)
        weight = load_file(finished.directory / "weights.safetensors")["weight"].astype(np.float64)
        value = 0.3 * (0.25 * abs(weight).sum() + 0.75 * (weight**2).sum() / 2)
        assert value > 0
        assert finished.metrics["train/objective"] - finished.metrics["train/loss"] == pytest.approx(value, rel=1e-5)

    def test_of_blobs_come_with_the_best_possible_accuracy(self, restless):
        # Three Gaussian classes at distance 2: ∫ φ(z) Φ(z + 2)² dz.
        z = np.linspace(-10, 10, 20_001)
        phi = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        below = np.array([(1 + math.erf((value + 2) / math.sqrt(2))) / 2 for value in z])
        assert restless.metrics["test/bayes_accuracy"] == pytest.approx(np.sum(phi * below**2) * 0.001, abs=1e-6)

    def test_are_what_evaluate_says(self, finished, capsys):
        assert cli.run(["evaluate", str(finished.directory), "--json"]) == 0
        captured = capsys.readouterr()
        assert json.loads(captured.out) == read_json(finished.directory / "metrics.json")
        assert captured.err == ""


class TestReproducibility:
    def test_same_seed_gives_the_same_weights(self, short, tmp_path):
        again = train(tmp_path / "run", *SHORT, "seed=0")
        assert weights_sha256(again.directory) == weights_sha256(short.directory)
        assert again.curves == short.curves
        assert again.metrics == short.metrics

    def test_another_seed_gives_others(self, short, tmp_path):
        other = train(tmp_path / "run", *SHORT, "seed=1")
        assert weights_sha256(other.directory) != weights_sha256(short.directory)
        assert read_json(other.directory / "manifest.json")["seed"] == 1

    def test_what_was_drawn_before_does_not_matter(self, short, tmp_path):
        torch.manual_seed(5)
        torch.rand(3)
        np.random.seed(5)  # noqa: NPY002  # the global state is what must not matter
        again = train(tmp_path / "run", *SHORT)
        assert weights_sha256(again.directory) == weights_sha256(short.directory)

    def test_name_and_place_do_not_matter(self, short, tmp_path):
        again = train(tmp_path / "else" / "where", *SHORT, "name=other")
        first, second = (read_json(found.directory / "manifest.json") for found in (short, again))
        for key in ("config_sha256", "weights_sha256", "data_checksum"):
            assert first[key] == second[key]


class TestEvaluate:
    def test_prints_a_table(self, classification, capsys):
        assert cli.run(["evaluate", str(classification.directory)]) == 0
        output = capsys.readouterr().out
        assert f"{classification.metrics['test/accuracy']:.4g}" in output
        assert "top2_accuracy" in output

    @pytest.mark.parametrize(
        ("file", "content", "words"),
        [
            ("weights.safetensors", None, "weights.safetensors is missing: restore it"),
            ("weights.safetensors", b"damaged", "weights.safetensors was changed since the run wrote it"),
            (".hydra/config.yaml", b"a: [b: 1", "its configuration cannot be read"),
            (".hydra/config.yaml", None, "its configuration cannot be read"),
            ("status.json", None, "is no run directory"),
        ],
    )
    def test_of_a_damaged_run_is_refused(self, file, content, words, restless, tmp_path, capsys):
        copy = tmp_path / "copy"
        for path in ("status.json", "manifest.json", "weights.safetensors", ".hydra/config.yaml", ".hydra/hydra.yaml"):
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            (copy / path).write_bytes((restless.directory / path).read_bytes())
        if content is None:
            (copy / file).unlink()
        else:
            (copy / file).write_bytes(content)
        assert cli.run(["evaluate", str(copy)]) == 2
        errors = capsys.readouterr().err
        assert words in errors
        assert len(errors.splitlines()) == 1
