"""The `linnet` command: what it prints, what it refuses, its exit codes, and what it leaves on the disk."""

import gc
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import linnet
from linnet.cli import main as cli, train
from linnet.config.groups import EXPERIMENT, GROUPS, SEARCH, options
from linnet.data.sources import images
from linnet.system.reading import read_json
from linnet.tracking import read_history

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.fixture
def answer(capsys) -> Callable[..., tuple[int, str, str]]:
    """A function of a command line that returns its exit code, stdout and stderr."""

    def answer_to(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(arguments)
        return code, *capsys.readouterr()

    return answer_to


@pytest.fixture
def refusal(answer) -> Callable[..., str]:
    """A function of a command line that is wrong: its one line, once it has left nothing else behind."""

    def line_of(*arguments: str) -> str:
        before = sorted(Path.cwd().rglob("*"))
        code, output, errors = answer(*arguments)
        assert (code, output) == (2, "")
        assert errors.startswith("linnet: ")
        assert len(errors.splitlines()) == 1
        assert sorted(Path.cwd().rglob("*")) == before
        return errors.rstrip("\n")

    return line_of


class TestHelp:
    @pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
    def test_lists_the_commands(self, arguments, answer):
        code, output, errors = answer(*arguments)
        assert (code, errors) == (0, "")
        for command in ("train", "evaluate", "inspect", "export", "board"):
            assert f"  linnet {command} " in output

    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_of_train_lists_every_option_of_every_group(self, flag, answer):
        code, output, errors = answer("train", flag)
        assert (code, errors) == (0, "")
        words = output.split()
        for group in (*GROUPS, SEARCH, EXPERIMENT):
            start = words.index(f"{group}=") + 1
            assert words[start : start + len(options(group))] == options(group)

    @pytest.mark.parametrize("flag", ["--version", "-V"])
    def test_of_version(self, flag, answer):
        assert answer(flag) == (0, f"linnet {linnet.__version__}\n", "")


class TestShownConfiguration:
    def test_is_the_job_s_unresolved(self, answer):
        code, output, errors = answer("train", "--cfg", "job", "data=diabetes", "seed=7")
        assert (code, errors) == (0, "")
        assert "\nseed: 7\n" in output
        assert "_target_: linnet.models.LinearRegression" in output
        assert "init_seed: ${seed}" in output
        assert "\nhydra:" not in output

    def test_is_resolved_on_request(self, answer):
        code, output, _ = answer("train", "--cfg", "job", "--resolve", "seed=7")
        assert code == 0
        assert "init_seed: 7" in output
        assert "${" not in output

    @pytest.mark.parametrize(("part", "job", "hydra"), [("hydra", False, True), ("all", True, True)])
    def test_may_be_hydra_s(self, part, job, hydra, answer):
        code, output, _ = answer("train", "--cfg", part)
        assert code == 0
        lines = output.splitlines()
        assert ("seed: 0" in lines, "hydra:" in lines) == (job, hydra)

    def test_leaves_no_directory(self, answer):
        answer("train", "--cfg", "job")
        assert list(Path.cwd().iterdir()) == []


class TestWrongCommandLine:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["trian"], "trian: no such command, choose from: train, resume, evaluate"),
            (["train", "--quick"], "unrecognized arguments: --quick; see `linnet train --help`"),
            (["train", "--cfg", "nope"], "invalid choice: 'nope'"),
            (["evaluate"], "required: RUN; see `linnet evaluate --help`"),
            (["evaluate", "nowhere"], "nowhere is no run directory: it has no status.json"),
            (["board", "nowhere"], "nowhere is no directory; `linnet train` makes one"),
            (["board", "."], "no run below .; `linnet train` makes one"),
        ],
    )
    def test_is_answered_by_one_line(self, arguments, words, refusal):
        assert words in refusal(*arguments)


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


def test_an_experiment_that_is_a_sweep_says_so_when_run_alone(answer):
    code, _, errors = answer("train", "experiment=batch_size_sweep", "trainer.max_epochs=1", "figures=false")
    assert code == 0
    assert errors == (
        "note: this is one run; the experiment is a sweep over data.batch_size, optimizer.lr, seed: add --multirun for "
        "all of it\n"
    )


@pytest.mark.parametrize("option", ["disabled", "none", "stdout"])
def test_hydras_own_logging_options(answer, option):
    words = ("trainer.max_epochs=1", "figures=false", "optimum=off")
    assert answer("train", f"hydra/job_logging={option}", *words, "hydra.run.dir=run")[0] == 0
    assert answer("train", "-m", f"hydra/job_logging={option}", "seed=0,1", *words, "hydra.sweep.dir=sweep")[0] == 0
    assert answer("resume", "run", "trainer.max_epochs=2")[0] == 0


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
        code, _, _ = answer("train", "data=synthetic_regression", f"optimizer.lr={rate}", "hydra.run.dir=tame")
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


class TestOtherEnds:
    def test_interrupt_is_130(self, answer, monkeypatch):
        def interrupted(_: list[str]) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(train, "main", interrupted)
        assert answer("train") == (130, "", "linnet: stopped by SIGINT\n")

    def test_machine_s_fault_is_1_in_one_line(self, answer, monkeypatch):
        def no_space(_: list[str]) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(train, "main", no_space)
        code, _, errors = answer("train")
        assert code == 1
        assert "No space left on device" in errors
        assert len(errors.splitlines()) == 1


class TestImports:
    """What has to be quick imports nothing heavy: that is what makes it quick on every machine."""

    HEAVY = frozenset({"torch", "torchvision", "pytorch_lightning", "tensorboard", "numpy", "sklearn", "matplotlib"})

    def imported(self, *arguments: str) -> tuple[subprocess.CompletedProcess[str], set[str]]:
        """The finished process of a command line, and the top-level packages that it imported."""
        command = [sys.executable, "-X", "importtime", "-c", "from linnet.cli.main import main; main()", *arguments]
        process = subprocess.run(command, capture_output=True, text=True)
        lines = [line for line in process.stderr.splitlines() if line.startswith("import time:")]
        return process, {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}

    def test_of_help(self):
        process, modules = self.imported("--help")
        assert process.returncode == 0
        assert "linnet" in modules
        assert not modules & {*self.HEAVY, "hydra", "omegaconf", "rich"}

    @pytest.mark.parametrize("given", ["data=nope", "optimizer.lr=-1"])
    def test_of_a_wrong_configuration(self, given):
        process, modules = self.imported("train", given)
        assert process.returncode == 2
        assert "hydra" in modules
        assert not modules & self.HEAVY

    def test_of_training_on_arrays(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        process, modules = self.imported("train", "trainer.max_epochs=1", "figures=false")
        assert process.returncode == 0
        assert "torch" in modules
        assert not modules & {"pyarrow", "sklearn", "onnx"}


class TestKeepImports:
    @pytest.fixture(autouse=True)
    def collection(self):
        yield
        gc.unfreeze()
        gc.enable()

    def test_turns_collection_on_and_spares_what_there_is(self):
        gc.disable()
        cli.keep_imports()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0

    def test_leaves_a_process_alone_that_is_not_the_command_s(self):
        before = gc.get_freeze_count()
        cli.keep_imports()
        assert gc.get_freeze_count() == before
