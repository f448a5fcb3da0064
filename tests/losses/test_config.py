"""Every option of the `loss` group builds its loss, and its file states the defaults that the code has."""

import dataclasses
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from linnet import losses

OPTIONS = sorted((Path(__file__).parents[2] / "conf" / "loss").glob("*.yaml"))


@pytest.mark.parametrize("option", OPTIONS, ids=lambda path: path.stem)
class TestLossOption:
    def test_states_every_default(self, option):
        config = OmegaConf.load(option)
        loss = instantiate(config)
        assert loss == type(loss)()
        assert set(config) - {"_target_"} == {field.name for field in dataclasses.fields(loss)}

    def test_opens_with_a_command_that_uses_it(self, option):
        comment = [line for line in option.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
        assert any("linnet train" in line and f"loss={option.stem}" in line for line in comment)


def test_every_loss_has_an_option():
    built = {type(instantiate(OmegaConf.load(option))).__name__ for option in OPTIONS}
    assert built == set(losses.__all__) - {"Loss", "TorchLoss", "softmax"}
