"""The difference of a configuration from the defaults, against Hydra's own composition."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import hydra
import pytest
from omegaconf import OmegaConf

from linnet.comparison.report.asked import common, differences
from linnet.comparison.runs import SavedRun
from linnet.config.compose import PRIMARY, session
from linnet.config.groups import GROUPS, options

LISTS = {group: options(group) for group in GROUPS}
REGRESSION = ("model=linear_regression", "loss=squared_error")
ROUNDS = max(map(len, LISTS.values()))


def composed(*overrides: str) -> SavedRun:
    """A run as its manifest would record it, where no option has to be inferred from another."""
    config = hydra.compose(PRIMARY, overrides=list(overrides), return_hydra_config=True)
    choices = cast(dict[str, Any], OmegaConf.to_container(config.hydra.runtime.choices))
    keys = [str(key) for key in config if key != "hydra"]
    resolved = cast(dict[str, Any], OmegaConf.to_container(OmegaConf.masked_copy(config, keys), resolve=True))
    return SavedRun(Path("run"), "completed", "", 1.0, {}, choices, resolved, {})


@pytest.fixture(scope="module", autouse=True)
def usual() -> Iterator[Mapping[str, Any]]:
    """Group -> option of `linnet train`, inside Hydra's session of all tests."""
    with session():
        yield composed().choices


@pytest.mark.parametrize("number", range(ROUNDS))
def test_an_option_differs_in_its_name_only(number: int, usual: Mapping[str, Any]) -> None:
    """Each option of each group once, those of all groups together."""
    chosen = {group: names[number % len(names)] for group, names in LISTS.items()}
    run = composed(*(f"{group}={name}" for group, name in chosen.items()), "objective.metric=val/loss")
    found = differences(run)
    decided = {"data.val_fraction", "objective.metric"}  # by the resampling
    assert {key: pair for key, pair in found.items() if key not in decided} == {
        group: (name, usual[group]) for group, name in chosen.items() if name != usual[group]
    }


def test_changed_values_are_listed_with_their_defaults() -> None:
    run = composed(
        "data=diabetes", *REGRESSION, "optimizer=momentum", "optimizer.lr=0.3", "trainer.max_epochs=7", "seed=5"
    )
    assert differences(run) == {
        "data": ("diabetes", "digits"), "model": ("linear_regression", "softmax_regression"),
        "loss": ("squared_error", "cross_entropy"), "optimizer": ("momentum", "sgd"), "optimizer.lr": (0.3, 0.02),
        "trainer.max_epochs": (7, 20),
    }  # fmt: skip


def test_what_all_runs_share_has_no_swept_key() -> None:
    runs = [composed("data=diabetes", *REGRESSION, f"optimizer.lr={lr}", "penalty=l2") for lr in (0.3, 0.1)]
    found = common(runs, ["optimizer.lr"])
    assert set(found) == {"data", "penalty", "model", "loss"}


@pytest.mark.parametrize("option", ["../../../etc/passwd", "_base", "my_parts.Pinball", "", "a" * 300])
def test_an_option_of_another_name_has_no_defaults(option: str) -> None:
    """Names in a manifest are anybody's: no file outside of the options is opened for them."""
    run = SavedRun(Path("run"), "completed", "", 1.0, {}, {"loss": option}, {"loss": {"q": 0.9}}, {})
    assert differences(run)["loss.q"] == (0.9, None)
