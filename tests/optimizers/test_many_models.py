"""K models side by side, each with its own hyperparameters, are K separate runs."""

import pytest
import torch
from torch import Tensor

from linnet.optimizers import SGD, Adagrad, Adam, AdamW, Momentum, Optimizer, RMSprop, along_models
from linnet.penalties import ElasticNet

LR = (0.01, 0.03, 0.1)
DECAYS = (0.5, 0.9, 0.99)
KINDS = {
    "sgd": lambda lr, decay: SGD(lr),
    "momentum": lambda lr, decay: Momentum(lr, decay),
    "nesterov": lambda lr, decay: Momentum(lr, decay, nesterov=True),
    "adagrad": lambda lr, decay: Adagrad(lr, eps=lr, initial_accumulator=decay),
    "rmsprop": lambda lr, decay: RMSprop(lr, alpha=decay, eps=lr),
    "adam": lambda lr, decay: Adam(lr, beta1=decay, beta2=decay, eps=lr),
    "adamw": lambda lr, decay: AdamW(lr, weight_decay=decay),
}


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def train(optimizer: Optimizer, penalty: ElasticNet, n_models: int, factor) -> list[Tensor]:
    """Train on ½‖W x - y‖² of one fixed minibatch, from the same start for every model."""
    x, y = normal(20, 4, seed=2), normal(20, 2, seed=3)
    params = [normal(1, 2, 4, seed=4).repeat(n_models, 1, 1), normal(1, 2, seed=5).repeat(n_models, 1)]
    state = optimizer.init(params)
    for _ in range(50):
        residual = torch.stack([x @ weight.T + bias - y for weight, bias in zip(*params, strict=True)])
        grads = [residual.transpose(1, 2) @ x / 20, residual.mean(1)]
        penalty.add_gradient(params[0], grads[0])
        optimizer.update(params, grads, state, factor)
        penalty.proximal_step(params[0], optimizer.step_size(0, state, factor))
    return params


@pytest.mark.parametrize("kind", KINDS)
def test_models_side_by_side_equal_separate_runs(kind: str) -> None:
    factors = (1.0, 0.5, 0.25)
    tensors = [torch.tensor(values, dtype=torch.float64) for values in (LR, DECAYS, factors)]
    together = train(KINDS[kind](*tensors[:2]), ElasticNet(tensors[0], tensors[1]), 3, tensors[2])
    for model, (lr, decay, factor) in enumerate(zip(LR, DECAYS, factors, strict=True)):
        alone = train(KINDS[kind](lr, decay), ElasticNet(lr, decay), 1, factor)
        for got, expected in zip(together, alone, strict=True):
            torch.testing.assert_close(got[model], expected[0], rtol=1e-14, atol=1e-14)


def test_along_models_lines_up_the_leading_axis() -> None:
    like = torch.zeros(3, 3, 3, dtype=torch.float32)
    value = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    shaped = along_models(value, like)
    assert shaped.shape == (3, 1, 1)
    assert shaped.dtype == torch.float32
    assert along_models(shaped, like) is shaped
    assert along_models(0.1, like) == 0.1


def test_along_models_refuses_another_number_of_models() -> None:
    with pytest.raises(ValueError, match="3 models"):
        along_models(torch.ones(2), torch.zeros(3, 2, 2))
