"""Schedules: points worked by hand, bounds, monotony and the linear warm-up."""

import math
from dataclasses import fields
from pathlib import Path

import hydra.utils
import pytest
import torch
from hypothesis import given, settings, strategies as st
from omegaconf import OmegaConf
from torch import Tensor

from linnet.schedules import Constant, Cosine, Schedule, Step

CONFIGS = sorted(Path(__file__).parents[1].joinpath("conf", "schedule").glob("*.yaml"))
MAX_EPOCHS = 12
schedules = st.one_of(
    st.builds(Constant, warmup_epochs=st.floats(0, 10)),
    st.builds(Step, step_epochs=st.floats(0.1, 20), gamma=st.floats(0.1, 1), warmup_epochs=st.floats(0, 10)),
    st.builds(Cosine, final_factor=st.floats(0, 1), warmup_epochs=st.floats(0, 10)),
)


def factors(schedule: Schedule, *steps: int, steps_per_epoch: int = 10, max_epochs: int = MAX_EPOCHS) -> Tensor:
    return schedule.factor(torch.tensor(steps), steps_per_epoch, max_epochs)


def test_constant_is_one() -> None:
    assert factors(Constant(), 0, 1, 1000).tolist() == [1, 1, 1]


def test_step_drops_at_the_first_step_of_an_epoch() -> None:
    assert factors(Step(5, 0.5), 0, 49, 50, 99, 100, 150).tolist() == [1, 1, 0.5, 0.5, 0.25, 0.125]


@settings(deadline=None)
@given(steps_per_epoch=st.integers(1, 10_000), step_epochs=st.integers(1, 50), n_drops=st.integers(1, 100))
def test_step_never_drops_a_step_late(steps_per_epoch: int, step_epochs: int, n_drops: int) -> None:
    drop = n_drops * step_epochs * steps_per_epoch
    got = factors(Step(step_epochs, 0.5), drop - 1, drop, steps_per_epoch=steps_per_epoch)
    assert got.tolist() == [0.5 ** (n_drops - 1), 0.5**n_drops]


def test_cosine_by_hand() -> None:
    got = factors(Cosine(final_factor=0.2), 0, 40, 60, 80, 120, 500)
    # cos of 0, π/3, π/2, 2π/3, π
    torch.testing.assert_close(got, torch.tensor([1, 0.8, 0.6, 0.4, 0.2, 0.2], dtype=torch.float64))


def test_cosine_starts_after_the_warm_up() -> None:
    got = factors(Cosine(warmup_epochs=2), 0, 9, 19, 20, 70, 120)
    torch.testing.assert_close(got, torch.tensor([0.05, 0.5, 1, 1, 0.5, 0], dtype=torch.float64))


def test_warm_up_is_linear_and_its_last_step_is_whole() -> None:
    got = factors(Constant(warmup_epochs=2), 0, 1, 2, 3, 4, steps_per_epoch=2)
    torch.testing.assert_close(got, torch.tensor([0.25, 0.5, 0.75, 1, 1], dtype=torch.float64))


def test_warm_up_multiplies_the_drops() -> None:
    got = factors(Step(1, 0.5, warmup_epochs=2), 0, 1, 2, 3, steps_per_epoch=2)
    torch.testing.assert_close(got, torch.tensor([0.25, 0.5, 0.375, 0.5], dtype=torch.float64))


@settings(deadline=None)
@given(schedule=schedules, steps_per_epoch=st.integers(1, 50))
def test_factor_lies_in_bounds_and_falls_after_the_warm_up(schedule: Schedule, steps_per_epoch: int) -> None:
    got = schedule.factor(torch.arange(MAX_EPOCHS * steps_per_epoch), steps_per_epoch, MAX_EPOCHS)
    assert got.dtype == torch.float64
    assert (got > 0).all()  # no step is wasted, the first and the last included
    assert (got <= 1).all()
    after = got[math.ceil(schedule.warmup_epochs * steps_per_epoch) :]
    assert (after.diff() <= 1e-15).all()


@settings(deadline=None)
@given(schedule=schedules)
def test_factor_is_a_function_of_the_step_alone(schedule: Schedule) -> None:
    whole = schedule.factor(torch.arange(120), 10, MAX_EPOCHS)
    resumed = schedule.factor(torch.arange(70, 120), 10, MAX_EPOCHS)
    torch.testing.assert_close(resumed, whole[70:], rtol=1e-15, atol=1e-16)


@pytest.mark.parametrize("max_epochs", [-1, 0, 2])
def test_cosine_needs_an_end_after_its_warm_up(max_epochs: int) -> None:
    with pytest.raises(ValueError, match="max_epochs above warmup_epochs=2"):
        factors(Cosine(warmup_epochs=2), 0, max_epochs=max_epochs)


def test_the_others_do_not_need_an_end() -> None:
    assert factors(Constant(), 0, max_epochs=-1) == 1
    assert factors(Step(5, 0.5), 50, max_epochs=-1) == 0.5


@pytest.mark.parametrize("before", [1, 7, 10**8])
@pytest.mark.parametrize(
    ("schedule", "depends"),
    [
        (Constant(), False),
        (Constant(warmup_epochs=3), False),
        (Step(step_epochs=0.5, gamma=0.9), False),
        (Cosine(), True),
        (Cosine(final_factor=0.5, warmup_epochs=0.5), True),
        (Cosine(final_factor=1.0), False),
    ],
)
def test_only_cosine_depends_on_the_length(schedule: Schedule, depends: bool, before: int) -> None:
    assert schedule.depends_on_length(before, before + 1) == depends


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (Constant, {"warmup_epochs": -1}),
        (Constant, {"warmup_epochs": math.nan}),
        (Step, {"step_epochs": 0, "gamma": 0.5}),
        (Step, {"step_epochs": 1, "gamma": 0}),
        (Step, {"step_epochs": 1, "gamma": 1.1}),
        (Step, {"step_epochs": 1, "gamma": 0.5, "warmup_epochs": math.inf}),
        (Cosine, {"final_factor": -0.1}),
        (Cosine, {"final_factor": 1.1}),
        (Cosine, {"warmup_epochs": -1}),
    ],
)
def test_arguments_out_of_range(kind: type, arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be a number in"):
        kind(**arguments)


def test_steps_per_epoch_out_of_range() -> None:
    with pytest.raises(ValueError, match="steps_per_epoch must be at least 1"):
        factors(Constant(), 0, steps_per_epoch=0)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config_names_every_parameter(path: Path) -> None:
    config = OmegaConf.load(path)
    schedule = hydra.utils.instantiate(config)
    assert set(config) - {"_target_"} == {field.name for field in fields(schedule)}
    assert f"schedule={path.stem}" in path.read_text().splitlines()[1]
