"""Configurations that are resolved from kept compositions are those of Hydra, and so are the files of their runs."""

import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from linnet.config.check import check
from linnet.config.compose import compose, session
from linnet.config.groups import GROUPS, options
from linnet.config.resolved import resolve
from linnet.system.errors import InputError
from linnet.training.train import train

pytestmark = pytest.mark.usefixtures("workplace")

OF_OPTIONS_AND_VALUES = [
    [f"{group}={options(group)[-1]}" for group in GROUPS], ["data=diabetes", "penalty=l1", "data.val_fraction=0"],
    ["hydra.run.dir=some/where", "optimizer=adam", "optimizer.lr=0.5", "figures=false", "trainer.max_epochs=3"],
    ["data=table", "data.path=t.csv", "data.target='a b'", "model=linear_regression", "loss=huber", "loss.delta=3"],
    ["data.exclude=[a,b]", "data=table", "data.target=y", "name=null", "seed=1", "seed=2", 'data.decimal=","'],
    ["hydra.run.dir=run", "threads=1"], ["name=mine", "optimum=off"],
]  # fmt: skip
LEFT_TO_HYDRA = [
    ["experiment=weight_decay", "optimizer.lr=0.5"], ["hydra/job_logging=none", "hydra.run.dir=a/b"],
    ["hydra.run.dir=größe"], ["+optimizer.lr_=1"], ["~callbacks.checkpoint"], ["data=nope"], ["optimizer.nope=1"],
    ["seed=0,1"], ["optimizer.lr.a=1"], ["hydra.run.dir=null"], ["seed"],
]  # fmt: skip


@pytest.mark.parametrize("given", OF_OPTIONS_AND_VALUES, ids=" ".join)
def test_a_configuration_is_that_of_hydra(given: list[str]) -> None:
    given = [*given, "trainer.max_epochs=2"]
    try:
        with session():
            config = compose(given)
            expected = check(config), dict(config.hydra.runtime.choices)
            plain = OmegaConf.to_container(config, resolve=False, enum_to_str=True)
    except InputError as error:
        with pytest.raises(InputError, match=f"^{re.escape(str(error))}$"):
            resolve(given)
    else:
        found = resolve(given)
        assert found is not None
        assert (found.config, found.choices) == expected
        assert {**found.composed, "hydra": found.hydra} == plain


@pytest.mark.parametrize("given", LEFT_TO_HYDRA, ids=" ".join)
def test_more_than_options_and_values_is_left_to_hydra(given: list[str]) -> None:
    assert resolve(given) is None


@pytest.mark.parametrize("quiet", [False, True])
def test_the_files_of_a_run_are_those_that_hydra_writes(quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["data=diabetes", "trainer.max_epochs=1", "figures=false", "optimizer.lr=0.01", "hydra.run.dir=run"]
    files = []
    for name in ("resolved", "by_hydra"):
        train(given, quiet=quiet, in_python=True)
        files.append({path.name: path.read_bytes() for path in Path("run/.hydra").iterdir()})
        files[-1]["log"] = re.sub(rb"^\[[^]]*\]", b"", Path("run/train.log").read_bytes(), flags=re.MULTILINE)
        Path("run").rename(name)
        monkeypatch.setattr("linnet.training.train.resolve", lambda overrides: None)
    assert files[0] == files[1]
    assert len(files[0]) == 4
