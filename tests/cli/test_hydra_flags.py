"""Flags of `linnet train` that users of Hydra know, and tab completion."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.fixture(autouse=True)
def folder(workplace):
    Path("mine/optimizer").mkdir(parents=True)
    Path("mine/optimizer/fast.yaml").write_text("defaults: [sgd]\nlr: 0.7\n")


@pytest.fixture(autouse=True)
def quiet_again():
    level = logging.root.level
    yield
    logging.root.setLevel(level)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("-c job -p optimizer", "# @package optimizer\n_target_: linnet.optimizers.SGD\nlr: 0.1\n"),
        ("--cfg job --package optimizer.lr", "0.1\n"),
        ("--cfg all -p hydra.job.name", "linnet\n"),
        ("--config-dir mine -c job -p optimizer.lr optimizer=fast", "0.7\n"),
        ("search=optuna search.sampler=qmc -c all -p hydra.sweeper.sampler", "qmc\n"),
        ("--config-name train -c job -p seed", "0\n"),
        ("--config-name weight_decay -c job -p penalty.strength", "3.0\n"),
        ("-cn weight_decay seed=3 -c job -p seed", "3\n"),
    ],
)  # fmt: skip
def test_the_configuration_that_is_printed(words, printed, answer):
    assert answer("train", *words.split()) == (0, printed, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-p optimizer", "add --cfg job"),
        ("-c job -p optimiser", "the configuration has no such key"),
        ("--config-name weight_deca", "no such experiment, did you mean weight_decay?"),
        ("--config-dir absent", "there is no such folder"),
        ("-cp conf", "a folder of yours is --config-dir DIR"),
        ("--experimental-rerun config.pickle", "use linnet reproduce RUN"),
        ("--info everything", "invalid choice: 'everything'"),
        ("--info defaults loss=hubert", "did you mean huber?"),
        ("-sc", "expected install=bash"),
        ("-sc install=csh", "choose from: bash, fish, zsh"),
        ("-m optimizer=glob(x*)", "there is no such value of optimizer"),
        ("-m seed=glob(*)", "there is no such value of seed"),
        ("-m data=_base,digits", "data=_base: no such option"),
        ("optimizer=glob(*)", "requires --multirun"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(words, message, refusal):
    assert message in refusal("train", *words.split())


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("searchpath", "| main     | pkg://linnet.conf |"), ("defaults", "| optimizer/fast "),
        ("defaults-tree", "optimizer: fast"), ("config", "options of "),
        ("plugins", "\t\tBashCompletion"), ("all", "optimizer: fast"),
    ],
)  # fmt: skip
def test_info(kind, line, answer):
    code, printed, _ = answer("train", "--config-dir", "mine", "optimizer=fast", "--info", kind)
    assert code == 0 and line in printed


def test_hydra_help_lists_flags_and_groups_of_hydra(answer):
    code, printed, _ = answer("train", "--hydra-help")
    assert code == 0
    assert "-cd,--config-dir : a folder with options of yours" in printed and "hydra/launcher: basic" in printed
    assert "--experimental-rerun : not here: use linnet reproduce RUN" in printed


def test_logging_can_be_disabled(answer):
    for words in (["hydra.run.dir=run"], ["-m", "seed=0,1", "hydra.sweep.dir=sweep"]):
        short = ("hydra/job_logging=disabled", "trainer.max_epochs=1", "optimum=off", "figures=false")
        assert answer("train", *short, *words)[0] == 0
    assert not list(Path().rglob("train.log"))


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("linnet ", "train resume evaluate predict inspect export reproduce compare report board new"),
        ("linnet re", "resume reproduce report"),
        ("linnet train penal", "penalty. penalty="),
        ("linnet train optimizer=ad", "optimizer=adagrad optimizer=adam optimizer=adamw"),
        ("linnet train data=d", "data=diabetes data=digits"),
        ("linnet train data=_", ""),
        ("linnet train optimizer=adam optimizer.b", "optimizer.beta1= optimizer.beta2="),
        ("linnet train -m --trust ./x.py hydra/launcher=v", "hydra/launcher=vectorized"),
        ("linnet train experiment=weight_d", "experiment=weight_decay experiment=weight_decay_strength"),
        ("linnet train -cd mine optimizer=f", "optimizer=fast"),
        ("linnet train trainer.max_epochs=", "trainer.max_epochs=20"),
        ("linnet train loss=absent see", ""),
        ("linnet train a=( see", ""),
        ("linnet predict ru", ""),
    ],
)
def test_completion_of_a_line(line, offered, answer, monkeypatch):
    monkeypatch.setenv("COMP_LINE", line)
    code, printed, errors = answer("-sc", "query=bash")
    assert (code, printed.strip(), errors) == (0, offered, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_a_shell_is_given_to_evaluate(shell, answer):
    assert "-sc query=" in answer("train", "--shell-completion", f"install={shell}")[1]
    assert answer("train", "--shell-completion", f"uninstall={shell}")[0] == 0


def test_completion_in_bash():
    program = """eval "$(linnet train -sc install=bash)"
        COMP_LINE="linnet train optimizer=mom"; COMP_CWORD=2; COMP_POINT=${#COMP_LINE}
        hydra_bash_completion; echo "${COMPREPLY[@]}" """
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", program], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("optimizer=momentum\n", "")
