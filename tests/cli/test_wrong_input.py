"""What `linnet train` refuses, in one line, and that it leaves no directory behind."""

import re
from pathlib import Path

import pytest

from linnet.data.sources import images
from linnet.system.reading import read_json
from linnet.tracking import read_history

pytestmark = pytest.mark.usefixtures("workplace")


class TestWrongInput:
    """The table of what bad input gets: one line with problem and remedy, and no directory."""

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (["data=nope"], ["data=nope: no such option", "digits"]),
            (["optimizer=sdg"], ["optimizer=sdg: no such option, did you mean sgd?"]),
            (["data.batchsize=3"], ["data.batchsize: no such key, did you mean data.batch_size?"]),
            (["optimizer.lr=abc"], ["optimizer.lr=abc: expected a number in (0, inf)"]),
            (["optimizer.lr=-1"], ["optimizer.lr=-1: expected a number in (0, inf)"]),
            (["data.batch_size=0"], ["data.batch_size=0: expected a whole number in [1, inf)"]),
            (["data.val_fraction=1.5"], ["data.val_fraction=1.5: expected a number in [0, 1)"]),
            (["data=diabetes", "loss=cross_entropy"], ["loss=cross_entropy", "use", "loss=squared_error"]),
            (["loss=squared_error"], ["loss=squared_error", "use", "loss=cross_entropy"]),
            (["optimizer._target_=os.system"], ["optimizer._target_=os.system: not on the list"]),
        ],
    )
    def test_in_the_configuration(self, given, words, refusal):
        message = refusal("train", *given)
        assert all(word in message for word in words), message

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (["model.n_outputs=3"], ["model.n_outputs=3", "10 classes"]),
            (["data=diabetes", "model.n_outputs=2"], ["model.n_outputs=2", "1 target columns"]),
            (["data=synthetic_regression", "loss=poisson_nll"], ["at least 0", "loss=squared_error"]),
            (["data=synthetic_regression", "loss=torch_poisson_nll"], ["at least 0", "loss=squared_error"]),
            (["data=gaussian_blobs", "data.n_features=2"], ["data.n_features=2", "data.n_classes=3"]),
            (["data=gaussian_blobs", "data.noise=0"], ["data.noise=0", "above 0"]),
            (["data=covariate_shift", "data.weighting=known", "data.target_mean=50"], ["data.target_mean=50 nearer"]),
            (["data=label_shift", "data.target_proportions=[1,2]"], ["data.target_proportions=[1, 2]", "3 classes"]),
            (["data=high_dimensional", "data.val_fraction=0.99"], ["data.val_fraction=0.99 of 20", "none to train on"]),
            (["data=high_dimensional", "data.outliers=21"], ["data.outliers=21", "20 training examples"]),
            (["objective.metric=val/acuracy"], ["objective.metric=val/acuracy", "val/accuracy"]),
            (["callbacks=early_stopping", "data.val_fraction=0"], ["early_stopping", "data.val_fraction=0.1"]),
        ],
    )
    def test_that_only_the_data_shows(self, given, words, refusal):
        message = refusal("train", "hydra.run.dir=made/for/this", *given)
        assert all(word in message for word in words), message

    @pytest.mark.parametrize(
        ("swept", "words"),
        [
            ("data=digits,nope", "data=nope: no such option"),
            ("optimizer.lr=0.1,-1", "optimizer.lr=-1: expected a number in (0, inf)"),
            ("data=digits,diabetes loss=cross_entropy", "loss=cross_entropy predicts classes"),
        ],
    )
    def test_in_a_later_job_of_a_sweep(self, swept, words, refusal):
        assert words in refusal("train", "--multirun", *swept.split())

    def test_keeps_the_parent_directories_that_were_there(self, refusal):
        Path("made/for").mkdir(parents=True)
        refusal("train", "hydra.run.dir=made/for/this/run", "model.n_outputs=3")
        assert list(Path("made/for").iterdir()) == []

    def test_no_gpu(self, refusal, monkeypatch):
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        assert "torch finds no GPU on this machine, use trainer=default" in refusal("train", "trainer=gpu")

    def test_images_that_cannot_be_had(self, refusal, monkeypatch):
        monkeypatch.setattr(images, "DISTRIBUTED", {})
        message = refusal("train", "data=fashion_mnist", "data.root=nowhere", "data.download=false")
        assert "apt-get install dataset-fashion-mnist" in message
        assert "nowhere/FashionMNIST/raw" in message
        assert "data.download=true" in message

    def test_images_that_were_altered(self, refusal):
        raw = Path("place/FashionMNIST/raw")
        raw.mkdir(parents=True)
        for file in images.FILES:
            (raw / file).write_bytes(b"\0\0\x08\x01")
        assert "train-images-idx3-ubyte is truncated or altered" in refusal(
            "train", "data=fashion_mnist", "data.root=place"
        )


class TestDivergence:
    @pytest.fixture
    def diverged(self, answer) -> str:
        code, _, errors = answer("train", "data=synthetic_regression", "optimizer.lr=1e6", "hydra.run.dir=wild")
        assert code == 3
        assert len(errors.splitlines()) == 1
        return errors

    def test_says_where_and_with_which_learning_rate(self, diverged):
        status = read_json(Path("wild/status.json"))
        assert status["state"] == "diverged"
        assert f"at step {status['step']} with learning rate 1e+06" in diverged
        assert status["error"] in diverged

    def test_names_a_rate_that_does_not(self, diverged, answer):
        rate = re.search(r"optimizer\.lr=([\d.e+-]+)", diverged)[1]
        code, _, _ = answer(
            "train", "data=synthetic_regression", f"optimizer.lr={rate}", "figures=false", "hydra.run.dir=tame"
        )
        assert code == 0
        curve = read_history(Path("tame/history.csv"))["train/loss_epoch"]
        assert curve.value[-1] < curve.value[0]

    def test_keeps_what_was_logged(self, diverged):
        curve = read_history(Path("wild/history.csv"))["train/loss"]
        assert curve.step == list(range(1, read_json(Path("wild/status.json"))["step"] + 1))
        assert all(value < float("inf") for value in curve.value[:-1])
        assert not curve.value[-1] < float("inf")
        assert list(Path("wild").glob("events.out.tfevents.*"))
        assert Path("wild/.hydra/config.yaml").is_file()

    def test_leaves_no_result(self, diverged):
        assert not Path("wild/metrics.json").exists()
        assert not Path("wild/weights.safetensors").exists()


class TestClaimedDirectory:
    def test_is_refused_and_left_alone(self, refusal):
        mine = Path("mine")
        mine.mkdir()
        for name in ("status.json", "metrics.json"):
            (mine / name).write_text('{"state": "completed"}', encoding="utf-8")
        before = {path: path.read_bytes() for path in mine.iterdir()}
        message = refusal("train", "hydra.run.dir=mine")
        assert (
            "mine belongs to another run (state completed): choose another hydra.run.dir, or go on with it" in message
        )
        assert {path: path.read_bytes() for path in mine.iterdir()} == before
