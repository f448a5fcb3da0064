"""Compositions that are kept are those of Hydra."""

import re
from pathlib import Path

import hydra
import pytest
from omegaconf import DictConfig, OmegaConf

from linnet.config.check import check
from linnet.config.compose import compose, session
from linnet.config.groups import GROUPS, options
from linnet.config.kept_compositions import KeptCompositions
from linnet.config.resolved import resolve
from linnet.system.errors import InputError

pytestmark = pytest.mark.usefixtures("workplace", "composed_by_hydra")

GIVEN = [
    [f"{group}={options(group)[-1]}" for group in GROUPS], ["data=diabetes", "penalty=l1", "data.val_fraction=0"],
    ["hydra.run.dir=some/where", "optimizer=adam", "optimizer.lr=0.5", "figures=false", "trainer.max_epochs=3"],
    ["data=table", "data.path=t.csv", "data.target='a b'", "model=linear_regression", "loss=huber", "loss.delta=3"],
    ["data.exclude=[a,b]", "data=table", "name=null", "seed=1", "seed=2", 'data.decimal=","', "optimum=off"],
    ["experiment=weight_decay", "optimizer.lr=0.5"], ["+optimizer.lr_=1"], ["~callbacks.checkpoint"],
    ["hydra/job_logging=none", "hydra.run.dir=a/b"], ["hydra.run.dir=run", "threads=1"],
]  # fmt: skip


def everything(config: DictConfig) -> "tuple[object, ...]":
    flags = [OmegaConf.is_struct(config), OmegaConf.is_readonly(config.hydra)]
    return OmegaConf.to_container(config, resolve=False), *flags


@pytest.mark.parametrize("given", GIVEN, ids=" ".join)
def test_a_kept_composition_is_that_of_hydra(given: list[str]) -> None:
    with session():
        compose = KeptCompositions(hydra.compose)
        compose("train", overrides=[*given, "trainer.max_epochs=2"], return_hydra_config=True)  # what is kept
        found = compose("train", overrides=given, return_hydra_config=True)
        assert everything(found) == everything(hydra.compose("train", overrides=given, return_hydra_config=True))


def test_a_mistake_is_named_as_hydra_does(tmp_path: Path) -> None:
    with session():
        compose = KeptCompositions(hydra.compose)
        for given in (
            ["optimizer.nope=1"],
            ["data=nope"],
            ["seed"],
            ["seed=0,1"],
            ["optimizer.lr.a=1"],
            ["hydra.run.dir=null"],
        ):
            errors = []
            for function in (compose, hydra.compose):
                with pytest.raises(Exception) as caught:
                    function("train", overrides=given, return_hydra_config=True)
                errors.append((caught.type, str(caught.value)))
            assert errors[0] == errors[1]


@pytest.mark.parametrize("given", GIVEN, ids=" ".join)
def test_a_configuration_resolved_without_hydra_is_that_of_hydra(given: list[str]) -> None:
    given = [*given, "trainer.max_epochs=2"]
    try:
        with session():
            config = compose(given)
            expected = check(config), dict(config.hydra.runtime.choices)
    except InputError as error:
        with pytest.raises(InputError, match=f"^{re.escape(str(error))}$"):
            if resolve(given) is None:
                raise
    else:
        assert resolve(given) in (None, expected)
