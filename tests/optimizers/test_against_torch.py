"""Every rule written here, and every adapter, follows `torch.optim` along 200 steps of a convex quadratic."""

from dataclasses import fields

import hydra.utils
import pytest
import torch
from torch import Tensor

from linnet.config.groups import shipped
from linnet.optimizers import SGD, Adagrad, Adam, AdamW, Momentum, Optimizer, RMSprop, TorchAdam, TorchAdamW, TorchSGD

STEPS = 200


class Quadratic:
    """½ tr(W A Wᵀ) - tr(W Bᵀ) + ½‖b - c‖² + d·b Σ W, with a random positive definite A."""

    def __init__(self, n_outputs: int = 3, n_features: int = 5) -> None:
        generator = torch.Generator().manual_seed(1)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        root = normal(n_features, n_features)
        self.curvature = root @ root.T / n_features + 0.1 * torch.eye(n_features, dtype=torch.float64)
        self.linear, self.center = normal(1, n_outputs, n_features), normal(1, n_outputs)
        self.start = [normal(1, n_outputs, n_features), normal(1, n_outputs)]

    def gradients(self, params: list[Tensor]) -> list[Tensor]:
        weight, bias = (param.detach() for param in params)
        return [
            weight @ self.curvature - self.linear + 0.1 * bias.unsqueeze(-1),
            bias - self.center + 0.1 * weight.sum(-1),
        ]


def factor_at(step: int) -> float:
    return 1.0 / (1 + step / 50)


def run_ours(optimizer: Optimizer, problem: Quadratic) -> list[Tensor]:
    params = [param.clone() for param in problem.start]
    state = optimizer.init(params)
    for step in range(STEPS):
        optimizer.update(params, problem.gradients(params), state, factor_at(step))
    return params


def run_torch(make, problem: Quadratic) -> list[Tensor]:
    params = [param.clone().requires_grad_() for param in problem.start]
    optimizer = make(params)
    lr = optimizer.param_groups[0]["lr"]
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = lr * factor_at(step)
        for param, grad in zip(params, problem.gradients(params), strict=True):
            param.grad = grad
        optimizer.step()
    return [param.detach() for param in params]


def torch_adamw(params: list[Tensor]) -> torch.optim.Optimizer:
    groups = [{"params": params[:1], "weight_decay": 0.2}, {"params": params[1:], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.02, betas=(0.8, 0.95))


PAIRS = {
    "sgd": (SGD(0.05), lambda p: torch.optim.SGD(p, lr=0.05)),
    "momentum": (Momentum(0.02, 0.9), lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9)),
    "nesterov": (
        Momentum(0.02, 0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    ),
    "adagrad": (
        Adagrad(0.1, 1e-6, 0.3),
        lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1e-6, initial_accumulator_value=0.3),
    ),
    "adagrad from zero": (Adagrad(0.1), lambda p: torch.optim.Adagrad(p, lr=0.1)),
    "rmsprop": (RMSprop(0.01, 0.9, 0.05), lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, eps=0.05)),
    "adam": (Adam(0.02, 0.8, 0.95, 1e-3), lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-3)),
    "adam of the paper": (Adam(0.02), lambda p: torch.optim.Adam(p, lr=0.02)),
    "adamw": (AdamW(0.02, 0.8, 0.95, weight_decay=0.2), torch_adamw),
    "adapter of sgd": (TorchSGD(0.05), lambda p: torch.optim.SGD(p, lr=0.05)),
    "adapter of nesterov": (
        TorchSGD(0.02, 0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    ),
    "adapter of adam": (TorchAdam(0.02, 0.8, 0.95), lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.95))),
    "adapter of adamw": (TorchAdamW(0.02, 0.8, 0.95, weight_decay=0.2), torch_adamw),
}


@pytest.mark.parametrize("name", PAIRS)
def test_follows_torch(name: str) -> None:
    ours, make = PAIRS[name]
    problem = Quadratic()
    for got, expected in zip(run_ours(ours, problem), run_torch(make, problem), strict=True):
        assert (got - expected).norm() <= (0 if "adapter" in name else 1e-12) * expected.norm()


def test_the_weight_may_come_without_a_bias() -> None:
    for optimizer in (SGD(0.1), Momentum(0.1, 0.9), Adagrad(0.1), RMSprop(0.1), Adam(0.1), AdamW(0.1)):
        weight = torch.ones(1, 2, 3)
        optimizer.update([weight], [torch.ones(1, 2, 3)], optimizer.init([weight]))
        assert (weight < 1).all()
    twin, weight = TorchAdamW(0.1), torch.ones(1, 2, 3)
    twin.update([weight], [torch.ones(1, 2, 3)], twin.init([weight]))
    assert (weight < 1).all()


def test_parameters_that_require_grad_are_updated_in_place() -> None:
    for optimizer in (SGD(0.1), Momentum(0.1, 0.9, nesterov=True), Adagrad(0.1), RMSprop(0.1), AdamW(0.1)):
        weight = torch.ones(1, 2, 3, requires_grad=True)
        with torch.no_grad():
            optimizer.update([weight], [torch.ones(1, 2, 3)], optimizer.init([weight]))
        assert weight.is_leaf
        assert (weight < 1).all()


def test_a_twin_refuses_tensors_that_its_state_was_not_made_for() -> None:
    optimizer = TorchSGD(0.1)
    state = optimizer.init([torch.ones(1, 2, 3)])
    with pytest.raises(ValueError, match="made for"):
        optimizer.update([torch.ones(1, 2, 3)], [torch.ones(1, 2, 3)], state)


@pytest.mark.parametrize("option", shipped()["optimizer"])
def test_config_names_every_hyperparameter(option: str) -> None:
    node = shipped()["optimizer"][option]
    optimizer = hydra.utils.instantiate(node)
    assert set(node) - {"_target_"} == {field.name for field in fields(optimizer)}
