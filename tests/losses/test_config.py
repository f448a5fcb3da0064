"""Every option of the `loss` group builds its loss, and its file states the defaults that the code has."""

import inspect
from importlib import import_module
from pkgutil import iter_modules

import pytest
from hydra.utils import get_object, instantiate

from linnet import losses
from linnet.config.groups import shipped
from linnet.config.option_types import options_of
from linnet.losses.own_loss import OwnLoss


@pytest.mark.parametrize("option", shipped()["loss"])
def test_option_states_every_default(option):
    node = shipped()["loss"][option]
    loss = instantiate(node)
    assert loss == type(loss)()
    assert set(node) - {"_target_"} == set(options_of(type(loss)))


def test_every_loss_has_an_option():
    modules = [import_module(f"linnet.losses.{module.name}") for module in iter_modules(losses.__path__)]
    classes = {value for module in modules for value in vars(module).values() if inspect.isclass(value)}
    concrete = {value for value in classes if issubclass(value, losses.Loss) and not inspect.isabstract(value)}
    assert {get_object(node["_target_"]) for node in shipped()["loss"].values()} == concrete - {OwnLoss}
