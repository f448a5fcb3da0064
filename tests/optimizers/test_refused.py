"""Hyperparameters out of range are refused, whether one number or one per model."""

import math

import pytest
import torch

from linnet.optimizers import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Momentum,
    RMSprop,
    TorchAdam,
    TorchAdamW,
    TorchLBFGS,
    TorchSGD,
)

NOT_POSITIVE = (0.0, -1.0, math.nan, math.inf)
NO_DECAY = (-0.1, 1.0, math.nan)
RANGES = [
    *[(kind, "lr", NOT_POSITIVE) for kind in (SGD, Momentum, Adagrad, RMSprop, Adam, AdamW)],
    *[(kind, "eps", NOT_POSITIVE) for kind in (Adagrad, RMSprop, Adam, AdamW)],
    *[(kind, name, NO_DECAY) for kind in (Adam, AdamW) for name in ("beta1", "beta2")],
    (Momentum, "momentum", NO_DECAY),
    (RMSprop, "alpha", NO_DECAY),
    (Adagrad, "initial_accumulator", (-1.0, math.inf)),
    (AdamW, "weight_decay", (-1.0, math.inf)),
]
TWIN_RANGES = [
    *[(kind, "lr", NOT_POSITIVE) for kind in (TorchSGD, TorchAdam, TorchAdamW, TorchLBFGS)],
    *[(kind, "eps", NOT_POSITIVE) for kind in (TorchAdam, TorchAdamW)],
    *[(kind, name, NO_DECAY) for kind in (TorchAdam, TorchAdamW) for name in ("beta1", "beta2")],
    (TorchSGD, "momentum", NO_DECAY),
    (TorchAdamW, "weight_decay", (-1.0,)),
    (TorchLBFGS, "max_iter", (0, 1.5, True)),
    (TorchLBFGS, "history_size", (0, -1)),
    (TorchLBFGS, "line_search", ("armijo",)),
]


def make(kind: type, **values: object) -> object:
    required = {"lr": 0.1, "momentum": 0.5} if kind is Momentum else {"lr": 0.1}
    return kind(**(required | values))


@pytest.mark.parametrize(("kind", "name", "values"), RANGES + TWIN_RANGES)
def test_a_number_out_of_range(kind: type, name: str, values: tuple[object, ...]) -> None:
    for value in values:
        with pytest.raises(ValueError, match=f"^{name} must be .*") as error:
            make(kind, **{name: value})
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(("kind", "name", "values"), RANGES)
def test_one_model_of_several_out_of_range(kind: type, name: str, values: tuple[float, ...]) -> None:
    for value in values:
        with pytest.raises(ValueError, match=name):
            make(kind, **{name: torch.tensor([0.5, value])})


@pytest.mark.parametrize("value", ["fast", None, True, [0.1], torch.ones(2, 2), torch.tensor([True])])
def test_what_is_no_number(value: object) -> None:
    with pytest.raises(ValueError, match="lr must be a number"):
        SGD(value)


@pytest.mark.parametrize("kind", [TorchSGD, TorchAdam, TorchAdamW, TorchLBFGS])
def test_a_twin_takes_one_number_for_all_models(kind: type) -> None:
    with pytest.raises(ValueError, match=r"^lr must be a number in \(0, inf\), got \[0.1"):
        kind(lr=torch.tensor([0.1]))


def test_a_twin_takes_one_factor_for_all_models() -> None:
    optimizer, params = TorchSGD(0.1), [torch.zeros(2, 1, 1)]
    with pytest.raises(ValueError, match="factor"):
        optimizer.update(params, [torch.ones(2, 1, 1)], optimizer.init(params), torch.ones(2))


@pytest.mark.parametrize("kind", [Momentum, TorchSGD])
def test_nesterov_needs_momentum(kind: type) -> None:
    with pytest.raises(ValueError, match="momentum above 0"):
        kind(lr=0.1, momentum=0.0, nesterov=True)
