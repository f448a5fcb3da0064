"""`linnet train loss=huber --help`: the keys of an option, with defaults and what each may be."""

import pytest

from linnet.cli import main as cli
from linnet.config.groups import GROUPS, options

pytestmark = pytest.mark.usefixtures("workplace")


def test_names_keys_defaults_and_ranges(capsys):
    assert cli.run(["train", "optimizer=momentum", "--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("optimizer=momentum  Gradient descent with momentum, Polyak's or Nesterov's.\n")
    assert "  optimizer.lr=0.02                        a number in (0, inf)\n" in printed
    assert "  optimizer.momentum=0.9                   a number in [0, 1)\n" in printed
    assert "  optimizer.nesterov=false                 true or false\n" in printed


def test_shows_each_callback_of_an_option(capsys):
    assert cli.run(["train", "callbacks=early_stopping", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "callbacks.checkpoint.select=best " in printed and "callbacks.early_stopping.patience=3 " in printed


@pytest.mark.parametrize("group", GROUPS)
def test_describes_every_value_of_every_option(group, capsys):
    for option in options(group):
        assert cli.run(["train", f"{group}={option}", "--help"]) == 0
        _, *printed = capsys.readouterr().out.splitlines()
        lines = [line for line in printed if not line.startswith(" " * 40)]  # others go on with the one before
        assert all(line.partition("=")[2].split("  ")[-1].strip() for line in lines), lines


def test_of_an_option_that_does_not_exist_names_the_nearest(capsys):
    assert cli.run(["train", "loss=hubert", "--help"]) == 2
    assert "loss=hubert: no such option, did you mean huber?" in capsys.readouterr().err


def test_the_names_of_all_options_need_neither_hydra_nor_their_files(answer, monkeypatch):
    """What takes more than half a second otherwise."""
    monkeypatch.setattr("linnet.cli.train.session", None)
    monkeypatch.setattr("linnet.config.groups.shipped", None)
    code, output, errors = answer("train", "--help")
    assert (code, errors) == (0, "") and "  penalty=     elastic_net  l1  l2  none\n" in output
