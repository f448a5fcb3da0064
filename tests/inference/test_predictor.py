"""The predictor read back from a run directory: the run's own predictions, from inputs as they came."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import linnet
from linnet.inference.predictor import Predictor, load_predictor
from linnet.system.errors import InputError
from linnet.tracking.linear_predictor import FILE
from linnet.tracking.manifest_file import changes_accepted

QUICK = ["trainer.max_epochs=1", "figures=false", "optimum=off"]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return linnet.train([*QUICK, f"hydra.run.dir={tmp_path_factory.mktemp('run') / 'run'}"]).directory


def expected(run):
    """The model's own predictions of the test part, in its own dtype `[N, C]`."""
    scores = run.module.evaluate(run.data.test)[1]
    return scores.softmax(1) if run.data.source.task == "classification" else run.module.loss.mean(scores[None])[0]


class TestRun:
    @pytest.mark.parametrize(
        "overrides",
        [
            ["data=digits"],
            ["data=digits", "data.standardize=true", "data.dtype=float64"],
            ["data=diabetes", "data.standardize=true", "model.bias=false"],
            ["data=synthetic_regression", "loss=torch_poisson_nll", "data.standardize=true"],
        ],
    )
    def test_predicts_what_the_run_did(self, workplace, overrides):
        if "loss=torch_poisson_nll" in overrides:
            rng = np.random.default_rng(0)
            x = rng.normal(3, 2, (200, 4)).astype(np.float32)
            np.save("x.npy", x)
            np.save("y.npy", rng.poisson(np.exp(x[:, 0] / 4)).astype(np.float32))
            arrays = ["data=arrays", "data.x=x.npy", "data.y=y.npy", "data.x_test=x.npy", "data.y_test=y.npy"]
            overrides = [*arrays, "model=linear_regression", "optimizer.lr=0.01", *overrides[1:]]
        run = linnet.train([*QUICK, *overrides])
        predictor = load_predictor(run.directory)
        raw = run.data.source.test.x.numpy()
        found = predictor.outputs(predictor.features(raw))
        wanted = expected(run).double().numpy()
        assert np.allclose(found, wanted, rtol=2e-5, atol=1e-6 * abs(wanted).max())  # the run's own are in float32
        assert predictor.n_features == raw.shape[1]
        assert len(predictor.output_names) == predictor.n_outputs == found.shape[1]

    def test_keeps_the_names(self, workplace):
        assert load_predictor(linnet.train([*QUICK, "data=diabetes"]).directory).feature_names[:2] == ("age", "sex")
        digits = load_predictor(linnet.train([*QUICK]).directory)
        assert (digits.class_names, digits.image_shape) == (tuple("0123456789"), (8, 8))
        more = load_predictor(linnet.train([*QUICK, "model.n_outputs=11"]).directory)
        assert more.class_names[-2:] == ("9", "class 10")

    def test_of_jobs_that_trained_together_is_each_ones_own(self, workplace):
        from linnet.sweeps.multirun import multirun

        sweep = ["hydra/launcher=vectorized", "hydra.sweep.dir=s", "data=diabetes", "data.standardize=true"]
        assert multirun([*QUICK, *sweep, "optimizer.lr=0.01,0.02"]) == 0
        runs = [load_predictor(workplace / "s" / number) for number in "01"]
        assert not np.array_equal(runs[0].weight, runs[1].weight)
        assert (workplace / "s/0" / FILE).read_bytes() == (workplace / "s/1" / FILE).read_bytes()


class TestDamage:
    @pytest.mark.parametrize(
        "change",
        [{"version": 3}, {"target_offset": [1.0, 2.0]}, {"mean": "x", "deviation": [1]},
         {"mean": [1.0], "deviation": [1.0]}, {"more": 1}, {"feature_names": ["a"]}, {"table": {}},
         {"link": "evil"}, {"task": ["regression"]}],
    )  # fmt: skip
    def test_is_refused_in_words(self, trained, change):
        before = (trained / FILE).read_text()
        try:
            (trained / FILE).write_text(json.dumps(json.loads(before) | change))
            with pytest.raises(InputError, match="was changed since the run wrote it"):
                load_predictor(trained)
            with changes_accepted(), pytest.raises(InputError, match="is damaged"):
                load_predictor(trained)
        finally:
            (trained / FILE).write_text(before)

    @pytest.mark.parametrize(
        ("name", "words"), [(FILE, "has no preprocessing.json"), ("weights.safetensors", "holds no final weights")]
    )
    def test_missing_files_are_named(self, trained, name, words):
        (trained / name).rename(trained / "away")
        try:
            with pytest.raises(InputError, match=f"{name} is missing: restore it"):
                load_predictor(trained)
            with changes_accepted(), pytest.raises(InputError, match=words):
                load_predictor(trained)
        finally:
            (trained / "away").rename(trained / name)


class TestFeatures:
    predictor = Predictor(np.ones((1, 4)), np.zeros(1), "regression", "identity", image_shape=(2, 2))

    def test_are_flat_and_bytes_are_scaled_where_they_are_grey_levels(self):
        pictures = replace(self.predictor, byte_scale=1 / 255)
        levels = np.full((3, 2, 2), 51, np.uint8)
        assert np.allclose(pictures.features(levels), 0.2)
        assert np.allclose(pictures.features(levels / 255), 0.2)
        assert np.array_equal(replace(self.predictor, image_shape=()).features(levels), np.full((3, 4), 51.0))

    def test_of_pictures_that_are_no_grey_levels_are_refused(self):
        pictures = replace(self.predictor, byte_scale=1 / 255)
        for x in (np.full((1, 4), 16.0), np.full((1, 4), -0.1), np.full((1, 4), 2, np.int64)):
            with pytest.raises(InputError, match="but the model takes grey levels from 0 to 1"):
                pictures.features(x)
        assert pictures.features(np.zeros((0, 4))).shape == (0, 4)

    def test_have_norm_1_where_the_model_was_trained_so(self):
        x = np.array([[3.0, 4, 0, 0], [0, 0, 0, 0]], np.float16)
        found = replace(self.predictor, row_norm=True, image_shape=()).features(x)
        assert np.allclose(found, [[0.6, 0.8, 0, 0], [0, 0, 0, 0]])

    def test_of_another_number_are_refused(self):
        with pytest.raises(InputError, match=r"each input has 5 values, the model takes 4 \(shape \[2, 2\]\)"):
            self.predictor.features(np.zeros((2, 5)))
        with pytest.raises(InputError, match="expected numbers"):
            self.predictor.features(np.array([["a"] * 4]))

    def test_softmax_of_large_scores_is_finite(self):
        predictor = Predictor(np.array([[1e4], [-1e4]]), np.zeros(2), "classification", "softmax", ("a", "b"))
        assert np.array_equal(predictor.outputs(np.array([[1.0], [-1.0]])), [[1.0, 0.0], [0.0, 1.0]])
        assert torch.allclose(
            torch.from_numpy(predictor.outputs(np.zeros((1, 1)))), torch.tensor([[0.5, 0.5]]).double()
        )
