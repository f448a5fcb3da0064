"""The `linnet` command: what it prints, its exit codes, and what it imports."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

import linnet
from linnet.cli import main as cli, train
from linnet.config.groups import EXPERIMENT, GROUPS, SEARCH, options

pytestmark = pytest.mark.usefixtures("workplace")


class TestHelp:
    @pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
    def test_lists_the_commands(self, arguments, answer):
        code, output, errors = answer(*arguments)
        assert (code, errors) == (0, "")
        for command in ("train", "evaluate", "inspect", "export", "board", "new"):
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
