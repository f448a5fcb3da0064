"""Private parts of Hydra do what linnet uses them for."""

from argparse import ArgumentParser

import pytest
from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from omegaconf import OmegaConf

from linnet.config.compose import compose, session
from linnet.system.compat.hydra import (
    BASIC_LAUNCHER,
    BASIC_SWEEPER,
    INFO,
    completion_plugins,
    job_context,
    parse_overrides,
    set_values,
    show_help,
    show_info,
)


def test_hydra_context_takes_callbacks_without_a_configuration():
    with session():
        loader = GlobalHydra.instance().config_loader()
        context = job_context(loader)
    assert context.config_loader is loader
    assert isinstance(context.callbacks, Callbacks)
    assert context.callbacks.callbacks == []


def test_hydra_sets_plain_values_in_a_composed_configuration():
    assert callable(ConfigLoaderImpl._apply_overrides_to_config)
    config = OmegaConf.create({"seed": 0, "optimizer": {"lr": 0.1}})
    set_values(parse_overrides(["seed=3", "optimizer.lr=0.5"]), config)
    assert config == {"seed": 3, "optimizer": {"lr": 0.5}}


def test_hydra_parses_overrides_in_their_order():
    assert callable(OverridesParser.create)
    first, second = parse_overrides(["optimizer=sgd,adam", "seed=3"])
    assert (first.get_key_element(), first.is_sweep_override()) == ("optimizer", True)
    assert (second.get_key_element(), second.is_sweep_override(), second.value()) == ("seed", False, 3)


def test_hydra_finds_the_options_that_a_glob_names():
    with session():
        (override,) = parse_overrides(["optimizer=glob(torch_sgd*)"], GlobalHydra.instance().config_loader())
        assert list(override.sweep_string_iterator()) == ["torch_sgd"]


def test_hydra_names_the_override_that_it_cannot_parse():
    with pytest.raises(OverrideParseException) as caught:
        parse_overrides(["seed=3", "seed"])
    assert caught.value.override == "seed"


def test_hydra_names_its_own_launcher_and_sweeper_as_linnet_expects_them():
    with session():
        node = compose([]).hydra
    assert (node.launcher["_target_"], node.sweeper["_target_"]) == (BASIC_LAUNCHER, BASIC_SWEEPER)


def test_hydra_answers_info_help_and_completion_inside_a_session(capsys, monkeypatch):
    parser = ArgumentParser(add_help=False)
    parser.add_argument("overrides", nargs="*", help="words")
    parser.add_argument("--flag", help="what it does")
    monkeypatch.setenv("COMP_LINE", "linnet penalty=n")
    with session():
        completion_plugins()["bash"].query("train")
        assert capsys.readouterr().out == "penalty=none\n"
        show_help(parser)
        assert "--flag : what it does\nOverrides : words" in capsys.readouterr().out
        for kind in INFO:
            show_info(kind, "train", ["penalty=l1"])
            assert capsys.readouterr().out.strip()
