"""One run from beginning to end: what it leaves on the disk, and that the figures there are what the weights give."""

import csv
import hashlib
import json
import math
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from safetensors.numpy import load_file
from sklearn.datasets import load_digits
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

import linnet
from linnet import cli, life
from linnet.errors import InputError
from linnet.files import read_json
from linnet.life import Run
from linnet.models import LinearNetwork, LinearRegression, SoftmaxRegression
from linnet.tracking import read_history

EPOCHS = 3
INTERVAL = 7
FILES = {
    ".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml", ".lock", "manifest.json", "status.json",
    "metrics.json", "history.csv", "train.log", "weights.safetensors", "checkpoints/last.ckpt", "checkpoints/best.ckpt",
}  # fmt: skip
SHORT = ("trainer.max_epochs=1", "figures=false")
# A run whose validation loss is lowest in the second of its epochs.
RESTLESS = ["data=gaussian_blobs", "data.outliers=300", "optimizer.lr=2", "trainer.max_epochs=5", "figures=false"]


def train(directory: Path, *overrides: str) -> Run:
    return linnet.train([f"hydra.run.dir={directory}", *overrides])


def files(directory: Path) -> set[str]:
    """All files of a run directory, without the events."""
    paths = [path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()]
    besides = ("events.out.tfevents.", "uncommitted.diff", "checkpoints/previous.ckpt")  # as time and checkout have it
    return {path for path in paths if not path.startswith(besides)}


def weights_sha256(directory: Path) -> str:
    return read_json(directory / "manifest.json")["weights_sha256"]


def events(directory: Path) -> EventAccumulator:
    """All points of a run's TensorBoard events."""
    return EventAccumulator(str(directory), size_guidance={"scalars": 0, "histograms": 0, "tensors": 0}).Reload()


@pytest.fixture(scope="module")
def classification(tmp_path_factory) -> Run:
    """Softmax regression on digits, with figures."""
    directory = tmp_path_factory.mktemp("runs") / "classification"
    return train(directory, f"trainer.max_epochs={EPOCHS}", f"trainer.log_every_n_steps={INTERVAL}")


@pytest.fixture(scope="module")
def regression(tmp_path_factory) -> Run:
    """Linear regression on standardised data of known parameters, with figures."""
    directory = tmp_path_factory.mktemp("runs") / "regression"
    data = ("data=synthetic_regression", "data.standardize=true")
    return train(directory, *data, f"trainer.max_epochs={EPOCHS}", f"trainer.log_every_n_steps={INTERVAL}")


@pytest.fixture(scope="module", params=["classification", "regression"])
def finished(request) -> Run:
    """Each of the two runs."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def restless(tmp_path_factory) -> Run:
    return train(tmp_path_factory.mktemp("runs") / "restless", *RESTLESS)


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> Run:
    return train(tmp_path_factory.mktemp("runs") / "short", *SHORT)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory) -> Path:
    """The directory of a sweep of two jobs."""
    directory = tmp_path_factory.mktemp("sweep")
    swept = ("--multirun", "optimizer.lr=0.05,0.2", "trainer.max_epochs=1", f"hydra.sweep.dir={directory}")
    assert cli.run(["train", *swept]) == 0
    return directory


class TestRunDirectory:
    def test_holds_the_files_of_the_contract_and_no_others(self, finished):
        assert {path for path in files(finished.directory) if not path.startswith("figures/")} == FILES
        assert len(list(finished.directory.glob("events.out.tfevents.*"))) == 1

    def test_status_is_completed(self, finished):
        status = read_json(finished.directory / "status.json")
        assert status["state"] == "completed"
        assert status["epoch"] == EPOCHS
        assert status["step"] == finished.model.steps_done
        assert status["started"] <= status["updated"] == status["ended"]

    def test_configuration_is_the_one_given(self, finished):
        overrides = OmegaConf.load(finished.directory / ".hydra" / "overrides.yaml")
        assert f"trainer.max_epochs={EPOCHS}" in overrides
        config = OmegaConf.load(finished.directory / ".hydra" / "config.yaml")
        assert config.trainer.max_epochs == EPOCHS

    def test_log_holds_what_was_printed(self, finished):
        text = (finished.directory / "train.log").read_text(encoding="utf-8")
        assert str(finished.directory) in text
        assert f"epoch {EPOCHS}/{EPOCHS}" in text


class TestFigures:
    def test_of_classification(self, classification):
        drawn = {path.name for path in (classification.directory / "figures").iterdir()}
        names = ("learning_curves", "confusion_matrix", "reliability", "confident_mistakes", "weights")
        assert drawn == {f"{name}.png" for name in names}

    def test_of_regression(self, regression):
        drawn = {path.name for path in (regression.directory / "figures").iterdir()}
        assert drawn == {f"{name}.png" for name in ("learning_curves", "prediction_against_target", "residuals")}

    def test_are_pictures_and_in_tensorboard(self, finished):
        images = events(finished.directory).Tags()["images"]
        for path in (finished.directory / "figures").iterdir():
            assert path.read_bytes().startswith(b"\x89PNG")
            assert f"figures/{path.stem}" in images

    def test_are_not_drawn_unless_asked_for(self, restless):
        assert files(restless.directory) == FILES
        assert events(restless.directory).Tags()["images"] == []


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


class TestWeights:
    def test_have_the_shapes_of_the_contract(self, classification, regression):
        for finished, outputs, features in ((classification, 10, 64), (regression, 1, 2)):
            weights = load_file(finished.directory / "weights.safetensors")
            assert {name: array.shape for name, array in weights.items()} == {
                "weight": (outputs, features),
                "bias": (outputs,),
            }

    def test_without_bias_hold_none(self, tmp_path):
        finished = train(tmp_path / "run", *SHORT, "model.bias=false")
        assert set(load_file(finished.directory / "weights.safetensors")) == {"weight"}

    def test_are_those_of_the_returned_model(self, finished):
        weights = load_file(finished.directory / "weights.safetensors")
        for name, parameter in finished.model.named_parameters():
            assert np.array_equal(parameter[0].detach().numpy(), weights[name])


class TestManifest:
    def test_hash_of_the_weights_is_that_of_the_file(self, finished):
        digest = hashlib.sha256()
        for name, array in sorted(load_file(finished.directory / "weights.safetensors").items()):
            assert array.dtype == np.float32
            digest.update(f"{name}{list(array.shape)}torch.float32".encode() + array.tobytes())
        assert weights_sha256(finished.directory) == digest.hexdigest()

    def test_holds_the_resolved_configuration_and_its_hash(self, finished):
        config = OmegaConf.to_container(OmegaConf.load(finished.directory / ".hydra" / "config.yaml"), resolve=True)
        manifest = read_json(finished.directory / "manifest.json")
        assert manifest["config"] == config
        del config["name"]  # where a run lies and what it is called are no settings
        config["data"].pop("root", None)
        canonical = json.dumps(config, sort_keys=True, separators=(",", ":"))
        assert manifest["config_sha256"] == hashlib.sha256(canonical.encode()).hexdigest()

    def test_checksum_of_the_data_is_that_of_its_numbers(self, classification):
        digits = load_digits()
        numbers = (digits.data / 16).astype(np.float32).tobytes() + digits.target.astype(np.int64).tobytes()
        manifest = read_json(classification.directory / "manifest.json")
        assert manifest["data_checksum"] == hashlib.sha256(numbers).hexdigest()

    def test_says_where_the_run_came_from(self, finished):
        manifest = read_json(finished.directory / "manifest.json")
        assert manifest["linnet"] == linnet.__version__
        assert manifest["seed"] == 0
        assert manifest["choices"]["data"] == (
            "digits" if "test/accuracy" in finished.metrics else "synthetic_regression"
        )
        assert manifest["command"] == sys.argv
        assert manifest["threads"] == torch.get_num_threads()
        assert manifest["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
        assert {"directory", "git", "cpu_count", "python", "platform"} <= set(manifest)
        for package, found in manifest["packages"].items():
            assert found == version(package)


class TestHistory:
    def test_has_the_loss_of_every_step(self, finished):
        per_epoch = finished.data.bundles.steps_per_epoch
        curve = finished.history["train/loss"]
        assert curve.step == list(range(1, EPOCHS * per_epoch + 1))

    def test_has_validation_and_mean_loss_of_every_epoch(self, finished):
        per_epoch = finished.data.bundles.steps_per_epoch
        ends = [epoch * per_epoch for epoch in range(1, EPOCHS + 1)]
        validated = {name for name in finished.history if name.startswith("val/")}
        assert validated == {name for name in finished.metrics if name.startswith("val/")}
        for name in (*validated, "train/loss_epoch"):
            assert finished.history[name].step == ends

    def test_mean_loss_weights_by_examples(self, classification):
        n, batch = len(classification.data.train), classification.data.batch_size
        sizes = [min(batch, n - start) for start in range(0, n, batch)]
        assert sizes[-1] < batch
        first = classification.history["train/loss"].value[: len(sizes)]
        mean = sum(size * loss for size, loss in zip(sizes, first, strict=True)) / n
        assert classification.history["train/loss_epoch"].value[0] == pytest.approx(mean, rel=1e-12)

    def test_is_what_any_csv_reader_finds(self, finished):
        with (finished.directory / "history.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for name, curve in finished.history.items():
            points = [(int(row["step"]), float(row["value"])) for row in rows if row["metric"] == name]
            assert points == list(zip(*curve, strict=True))


class TestTensorBoard:
    def test_loss_is_thinned_to_the_interval(self, finished):
        points = events(finished.directory).Scalars("train/loss")
        curve = dict(zip(*finished.history["train/loss"], strict=True))
        assert [point.step for point in points] == [step for step in curve if step % INTERVAL == 0]
        assert [point.value for point in points] == pytest.approx([curve[point.step] for point in points], rel=1e-6)

    def test_has_every_other_curve_of_the_history(self, finished):
        accumulator = events(finished.directory)
        for name, curve in finished.history.items():
            if name != "train/loss":
                points = accumulator.Scalars(name)
                assert [point.step for point in points] == curve.step
                assert [point.value for point in points] == pytest.approx(curve.value, rel=1e-6)

    def test_has_learning_rate_and_gradient_norm_at_the_interval(self, finished):
        steps = [step for step in finished.history["train/loss"].step if step % INTERVAL == 0]
        for name in ("train/lr", "train/grad_norm"):
            assert finished.history[name].step == steps
        assert finished.history["train/lr"].value == [0.1] * len(steps)

    def test_has_histograms_of_every_epoch(self, finished):
        accumulator = events(finished.directory)
        for name in ("weights/weight", "weights/bias"):
            assert [point.step for point in accumulator.Histograms(name)] == finished.history["val/loss"].step

    def test_has_the_resolved_configuration_as_text(self, finished):
        (event,) = events(finished.directory).Tensors("config/text_summary")
        text = event.tensor_proto.string_val[0].decode()
        yaml = text.removeprefix("```yaml\n").removesuffix("```")
        saved = OmegaConf.load(finished.directory / ".hydra" / "config.yaml")
        assert OmegaConf.to_container(OmegaConf.create(yaml)) == OmegaConf.to_container(saved, resolve=True)

    def test_hparams_row_has_what_was_chosen(self, restless):
        content = events(restless.directory).PluginTagToContent("hparams")
        start = HParamsPluginData.FromString(content["_hparams_/session_start_info"]).session_start_info
        assert start.hparams["optimizer"].string_value == "sgd"
        assert start.hparams["optimizer.lr"].number_value == 2
        assert start.hparams["data"].string_value == "gaussian_blobs"
        assert start.hparams["model.bias"].string_value == "true"
        assert start.hparams["seed"].number_value == 0

    def test_has_the_real_final_metrics_each_in_a_curve_of_its_own(self, restless):
        accumulator = events(restless.directory)
        for name, value in restless.metrics.items():
            (point,) = accumulator.Scalars(f"{name}_final" if name in restless.history else name)
            assert point.step == restless.model.steps_done
            assert point.value == pytest.approx(value, rel=1e-6)


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
        losses = restless.history["val/loss"].value
        best = losses.index(min(losses))
        assert best < len(losses) - 1
        checkpoint = torch.load(restless.directory / "checkpoints" / "best.ckpt", weights_only=True)
        assert checkpoint["epoch"] == best
        assert checkpoint["global_step"] == restless.history["val/loss"].step[best]
        last = torch.load(restless.directory / "checkpoints" / "last.ckpt", weights_only=True)
        assert last["global_step"] == restless.model.steps_done
        assert not torch.equal(last["state_dict"]["weight"], checkpoint["state_dict"]["weight"])


class TestSelection:
    def test_best_ends_with_the_best_epoch(self, restless):
        losses = restless.history["val/loss"].value
        assert restless.metrics["val/loss"] == min(losses) < losses[-1]
        assert read_json(restless.directory / "status.json")["kept_epoch"] == losses.index(min(losses)) + 1

    def test_last_ends_with_the_last_epoch(self, restless, tmp_path):
        finished = train(tmp_path / "run", *RESTLESS, "callbacks.checkpoint.select=last")
        assert finished.history["val/loss"] == restless.history["val/loss"]
        assert finished.metrics["val/loss"] == finished.history["val/loss"].value[-1]
        assert (finished.directory / "checkpoints" / "best.ckpt").is_file()

    def test_follows_the_objective_and_its_direction(self, restless, tmp_path):
        objective = ("objective.metric=val/accuracy", "objective.direction=maximize")
        finished = train(tmp_path / "run", *RESTLESS, *objective)
        accuracies = finished.history["val/accuracy"].value
        assert accuracies == restless.history["val/accuracy"].value
        assert finished.metrics["val/accuracy"] == max(accuracies) > restless.metrics["val/accuracy"]

    def test_early_stopping_stops_after_patience_epochs_without_improvement(self, restless, tmp_path):
        early = ("callbacks=early_stopping", "callbacks.early_stopping.patience=2")
        finished = train(tmp_path / "run", *RESTLESS, *early)
        losses = restless.history["val/loss"].value
        best = losses.index(min(losses))
        assert finished.history["val/loss"].value == losses[: best + 1 + 2]
        assert len(losses) > best + 1 + 2
        assert finished.metrics["val/loss"] == losses[best]
        assert read_json(finished.directory / "status.json")["state"] == "completed"


class TestParts:
    def test_without_validation_the_last_state_is_kept(self, tmp_path):
        finished = train(tmp_path / "run", "data.val_fraction=0", "trainer.max_epochs=2", "figures=false")
        assert finished.data.val is None
        assert not any(name.startswith("val/") for name in (*finished.metrics, *finished.history))
        assert files(finished.directory) == FILES - {"checkpoints/best.ckpt"}
        last = torch.load(finished.directory / "checkpoints" / "last.ckpt", weights_only=True)
        assert torch.equal(last["state_dict"]["weight"], finished.model.weight)

    def test_without_validation_and_test_there_is_training(self, tmp_path):
        finished = train(tmp_path / "run", "data=polynomial", "data.n_val=0", "data.n_test=0", "trainer.max_epochs=2")
        assert {name.partition("/")[0] for name in finished.metrics} == {"train", "parameter"}
        assert (finished.directory / "figures" / "residuals.png").is_file()

    def test_overfitting_one_batch_sees_no_other(self, tmp_path):
        finished = train(tmp_path / "run", "trainer=debug", "figures=false")
        assert finished.history["train/loss"].step == list(range(1, 21))
        losses = finished.history["train/loss"].value
        assert losses == sorted(losses, reverse=True)


class TestReproducibility:
    def test_same_seed_gives_the_same_weights(self, short, tmp_path):
        again = train(tmp_path / "run", *SHORT, "seed=0")
        assert weights_sha256(again.directory) == weights_sha256(short.directory)
        assert again.history == short.history
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


class TestSweep:
    def test_makes_a_complete_run_of_each_job(self, sweep):
        for job, lr in (("0", 0.05), ("1", 0.2)):
            assert files(sweep / job) == FILES
            assert read_json(sweep / job / "status.json")["state"] == "completed"
            assert set(read_history(sweep / job / "history.csv")["train/lr"].value) == {lr}

    def test_job_is_the_same_as_a_run_alone(self, sweep, tmp_path):
        alone = train(tmp_path / "run", *SHORT, "optimizer.lr=0.2")
        assert weights_sha256(sweep / "1") == weights_sha256(alone.directory)


class TestFailure:
    OVERRIDES = ("trainer.max_epochs=2", "figures=false")

    def test_of_a_component_is_recorded_with_its_traceback(self, tmp_path, monkeypatch):
        def broken(*_: object) -> None:
            raise RuntimeError("the evaluation broke\nin two lines")

        monkeypatch.setattr(life, "evaluate_parts", broken)
        with pytest.raises(RuntimeError, match="the evaluation broke"):
            train(tmp_path / "run", *self.OVERRIDES)
        status = read_json(tmp_path / "run" / "status.json")
        assert status["state"] == "failed"
        assert status["error"] == "RuntimeError: the evaluation broke"
        log = (tmp_path / "run" / "train.log").read_text(encoding="utf-8")
        assert "Traceback (most recent call last)" in log
        assert "in broken" in log
        assert not (tmp_path / "run" / "metrics.json").exists()

    def test_keeps_what_was_logged(self, tmp_path, monkeypatch):
        def broken(*_: object) -> None:
            raise RuntimeError("broken")

        monkeypatch.setattr(life, "evaluate_parts", broken)
        with pytest.raises(RuntimeError):
            train(tmp_path / "run", *self.OVERRIDES)
        assert len(read_history(tmp_path / "run" / "history.csv")["val/loss"].step) == 2
        assert events(tmp_path / "run").Scalars("val/loss")

    def test_claims_the_directory(self, tmp_path, monkeypatch):
        monkeypatch.setattr(life, "build_data", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(tmp_path / "run", *self.OVERRIDES)
        with pytest.raises(InputError, match=r"belongs to another run \(state failed\)"):
            train(tmp_path / "run", *self.OVERRIDES)

    def test_interruption_in_fit_is_recorded(self, tmp_path, monkeypatch):
        step = LinearNetwork.training_step

        def interrupted(module: LinearNetwork, rows: torch.Tensor, batch_idx: int) -> None:
            if module.current_epoch == 1:
                raise KeyboardInterrupt
            step(module, rows, batch_idx)

        monkeypatch.setattr(LinearNetwork, "training_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "run", *self.OVERRIDES)
        assert read_json(tmp_path / "run" / "status.json")["state"] == "interrupted"
        assert len(read_history(tmp_path / "run" / "history.csv")["val/loss"].step) == 1


class TestEvaluate:
    def test_prints_a_table(self, classification, capsys):
        assert cli.run(["evaluate", str(classification.directory)]) == 0
        output = capsys.readouterr().out
        assert f"{classification.metrics['test/accuracy']:.4g}" in output
        assert "top2_accuracy" in output

    @pytest.mark.parametrize(
        ("file", "content", "words"),
        [
            ("weights.safetensors", None, "holds no final weights: the run did not complete"),
            ("weights.safetensors", b"damaged", "weights.safetensors is damaged"),
            (".hydra/config.yaml", b"a: [b: 1", "its configuration cannot be read"),
            (".hydra/config.yaml", None, "its configuration cannot be read"),
            ("status.json", None, "is no run directory"),
        ],
    )
    def test_of_a_damaged_run_is_refused(self, file, content, words, restless, tmp_path, capsys):
        copy = tmp_path / "copy"
        for path in ("status.json", "weights.safetensors", ".hydra/config.yaml", ".hydra/hydra.yaml"):
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
