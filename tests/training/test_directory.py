"""What a run leaves on the disk: its files, figures, weights and manifest."""

import hashlib
import json
import sys
from importlib.metadata import version

import numpy as np
import torch
from omegaconf import OmegaConf
from run_directory import EPOCHS, FILES, SHORT, events, files, train, weights_sha256
from safetensors.numpy import load_file
from sklearn.datasets import load_digits

import linnet
from linnet.system import threads
from linnet.system.reading import read_json


class TestRunDirectory:
    def test_holds_the_files_of_the_contract_and_no_others(self, finished):
        assert {path for path in files(finished.directory) if not path.startswith("figures/")} == FILES
        assert len(list(finished.directory.glob("events.out.tfevents.*"))) == 1

    def test_status_is_completed(self, finished):
        status = read_json(finished.directory / "status.json")
        assert status["state"] == "completed"
        assert status["epoch"] == EPOCHS
        assert status["step"] == finished.module.steps_done
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
        names = ("learning_curves", "optimum_gap", "coefficients", "prediction_against_target", "residuals")
        assert drawn == {f"{name}.png" for name in names}

    def test_are_pictures_and_in_tensorboard(self, finished):
        images = events(finished.directory).Tags()["images"]
        for path in (finished.directory / "figures").iterdir():
            assert path.read_bytes().startswith(b"\x89PNG")
            assert f"visualization/{path.stem}" in images

    def test_are_not_drawn_unless_asked_for(self, restless):
        assert files(restless.directory) == FILES
        assert events(restless.directory).Tags()["images"] == []


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
        for name, parameter in finished.module.named_parameters():
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
        for key in ("name", "tags", "notes"):  # where a run lies and what it is called are no settings
            del config[key]
        assert config.pop("init_from") is None  # as in runs of before there were such keys
        assert config.pop("resampling") == {"_target_": "linnet.data.resampling.NoResampling"}
        config["objective"]["direction"] = "minimize"  # of val/loss, whether or not it was stated
        config["data"].pop("root", None)
        assert [config["data"].pop(key) for key in ("outer_folds", "outer_fold")] == [None, None]  # as of before, too
        # Those that trainers had from the beginning; others count where they are set.
        first = ("_target_", "accelerator", "devices", "strategy", "max_epochs", "log_every_n_steps", "overfit_batches")
        config["trainer"] = {key: config["trainer"][key] for key in first}
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
        assert manifest["threads"] == threads.available()
        assert manifest["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
        assert {"directory", "git", "cpu_count", "python", "platform"} <= set(manifest)
        for package, found in manifest["packages"].items():
            assert found == version(package)
