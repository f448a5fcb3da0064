"""The command line of `linnet reproduce`: what does not go together is said in one line, and at once."""

import subprocess
import sys

import pytest

from linnet.cli import main as cli

HEAVY = {"torch", "torchvision", "pytorch_lightning", "tensorboard", "numpy", "scipy", "matplotlib"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give one run directory, or names or folders of experiments, or --all"),
        (["--all", "weight_decay"], "give one run directory"),
        (["nowhere"], "nowhere: no run directory"),
        (["weight_deca"], "did you mean weight_decay?"),
        (["."], ".: no run directory"),
        (["weight_decay", "weight_deca"], "did you mean weight_decay?"),
        (["weight_decay", "--quick"], "unrecognized arguments: --quick; see `linnet reproduce --help`"),
        (["weight_decay", "--upd"], "unrecognized arguments: --upd"),
        (["weight_decay", "--dir", "x"], "--dir is for a run only"),
        (["weight_decay", "--tolerance", "0"], "--tolerance is for a run only: results.json says"),
        (["--all", "--update", "--seeds", "first"], "--update records all seeds"),
        (["--all", "--update", "--threads", "1"], "--update records all seeds"),
        (["weight_decay", "--threads", "0"], "0: expected a whole number in [1, 1024]"),
        (["weight_decay", "--threads", "two"], "two: expected a whole number"),
        (["weight_decay", "--tolerance", "nan"], "nan: expected a number in [0, 1]"),
        (["weight_decay", "--seeds", "all"], "all: expected first, or seeds as in 0,1"),
        (["weight_decay", "--seeds", "7"], "seed 7 is not recorded, choose from: 0, 1, 2"),
    ],
)
def test_wrong(arguments, words, refusal):
    assert words in refusal(*arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--update"], "--update is for experiments only"),
        (["--seeds", "first"], "--seeds is for experiments only"),
        (["weight_decay"], "is a run: give one run at a time"),
    ],
)
def test_wrong_for_a_run(arguments, words, run, refusal):
    assert words in refusal(run, *arguments)


def test_help_tells_of_every_option(capsys):
    with pytest.raises(SystemExit) as end:
        cli.run(["reproduce", "--help"])
    assert end.value.code == 0
    output = capsys.readouterr().out
    for option in ("--all", "--update", "--seeds", "--dir", "--threads", "--tolerance", "--json"):
        assert f"  {option} " in output or f"  {option}\n" in output


def test_mistakes_are_answered_without_torch():
    wrong = [["nowhere"], ["--all", "weight_decay"], ["weight_decay", "--seeds", "7"]]
    call = f"codes = [run(['reproduce', *words]) for words in {wrong!r}]"
    code = f"import sys\nfrom linnet.cli.main import run\n{call}\nprint(*codes, *sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split()
    assert output[:3] == ["2", "2", "2"]
    assert not HEAVY & set(output[3:])
