"""A saved optimizer goes on exactly where it stopped."""

import io

import pytest
import torch
from torch import Tensor

from linnet.optimizers import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Momentum,
    Optimizer,
    RMSprop,
    State,
    TorchAdam,
    TorchAdamW,
    TorchLBFGS,
    TorchSGD,
)

OPTIMIZERS = [
    SGD(0.1),
    Momentum(0.1, 0.9, nesterov=True),
    Adagrad(0.1),
    RMSprop(0.01),
    Adam(0.01),
    AdamW(0.01),
    TorchSGD(0.1, 0.9),
    TorchAdam(0.01),
    TorchAdamW(0.01),
    TorchLBFGS(max_iter=2),
    TorchLBFGS(lr=0.1, max_iter=2, line_search=None),
]


def objective_and_grads(params: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    weight, bias = params
    scale = torch.arange(1.0, 7.0).view(1, 2, 3)
    objective = 0.5 * (scale * (weight - 1).square()).sum() + 0.5 * (bias + 1).square().sum()
    return objective, [scale * (weight - 1), bias + 1]


def advance(optimizer: Optimizer, params: list[Tensor], state: State, n_steps: int) -> None:
    for _ in range(n_steps):
        optimizer.minimise(params, lambda: objective_and_grads(params), state, 0.9)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_round_trip_through_a_file_continues_bit_for_bit(optimizer: Optimizer) -> None:
    params = [torch.zeros(1, 2, 3), torch.zeros(1, 2)]
    state = optimizer.init(params)
    advance(optimizer, params, state, 3)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(state), file)
    resumed_params = [param.clone() for param in params]
    advance(optimizer, params, state, 4)

    file.seek(0)
    resumed_state = optimizer.init(resumed_params)
    optimizer.load_state_dict(resumed_state, torch.load(file, weights_only=True))
    advance(optimizer, resumed_params, resumed_state, 4)
    assert all(torch.equal(a, b) for a, b in zip(params, resumed_params, strict=True))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_a_snapshot_is_left_alone_by_later_steps_of_either_run(optimizer: Optimizer) -> None:
    params = [torch.zeros(1, 2, 3), torch.zeros(1, 2)]
    state = optimizer.init(params)
    advance(optimizer, params, state, 2)
    saved = optimizer.state_dict(state)
    before, after = io.BytesIO(), io.BytesIO()
    torch.save(saved, before)
    advance(optimizer, params, state, 2)
    optimizer.load_state_dict(state, saved)
    advance(optimizer, params, state, 2)
    torch.save(saved, after)
    assert before.getvalue() == after.getvalue()


def test_restoring_keeps_the_tensors_of_the_state() -> None:
    optimizer, params = Momentum(0.1, 0.9), [torch.zeros(1, 2, 3)]
    state = optimizer.init(params)
    velocity = state["velocity"][0]
    optimizer.load_state_dict(state, {"velocity": [torch.ones(1, 2, 3)]})
    assert state["velocity"][0] is velocity
    assert (velocity == 1).all()


def test_state_of_another_optimizer_or_shape_is_refused() -> None:
    params = [torch.zeros(1, 2, 3)]
    with pytest.raises(ValueError, match="expected"):
        Adam(0.1).load_state_dict(Adam(0.1).init(params), RMSprop(0.1).init(params))
    with pytest.raises(ValueError, match="expected"):
        Adam(0.1).load_state_dict(Adam(0.1).init(params), Adam(0.1).init([torch.zeros(1, 1, 3)]))
