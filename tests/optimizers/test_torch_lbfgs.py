"""LBFGS behind our interface reaches the least-squares optimum."""

import pytest
import torch
from torch import Tensor

from linnet.optimizers import TorchLBFGS


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def least_squares(params: list[Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, list[Tensor]]:
    weight, bias = params
    residual = x @ weight[0].T + bias[0] - y  # [B, C]
    # `x.T @ residual`, transposed: a gradient that is not contiguous must do as well
    grads = [(x.T @ residual / len(x)).T.unsqueeze(0), residual.mean(0, keepdim=True)]
    return 0.5 * residual.square().sum() / len(x), grads


def test_reaches_the_least_squares_optimum() -> None:
    x, y = normal(50, 6, seed=0), normal(50, 2, seed=1)
    params = [torch.zeros(1, 2, 6, dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64)]
    optimizer = TorchLBFGS()
    state = optimizer.init(params)
    for _ in range(5):
        optimizer.minimise(params, lambda: least_squares(params, x, y), state)
    exact = torch.linalg.lstsq(torch.cat([x, x.new_ones(50, 1)], 1), y).solution
    torch.testing.assert_close(torch.cat([params[0][0], params[1][0, :, None]], 1), exact.T, rtol=0, atol=1e-6)


def test_the_schedule_scales_fixed_steps() -> None:
    x, y = normal(50, 6, seed=0), normal(50, 1, seed=1)
    moved = []
    for factor in (1.0, 0.5):
        params = [torch.zeros(1, 1, 6, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)]
        optimizer = TorchLBFGS(lr=0.01, max_iter=1, line_search=None)
        optimizer.minimise(params, lambda p=params: least_squares(p, x, y), optimizer.init(params), factor)
        moved.append(params[0])
    torch.testing.assert_close(moved[1], moved[0] / 2)


def test_needs_evaluate() -> None:
    optimizer, params = TorchLBFGS(), [torch.zeros(1, 1, 2)]
    assert optimizer.needs_evaluate
    with pytest.raises(ValueError, match="evaluate"):
        optimizer.update(params, [torch.zeros(1, 1, 2)], optimizer.init(params))


def test_refuses_several_models() -> None:
    with pytest.raises(ValueError, match="one model at a time, got 2"):
        TorchLBFGS().init([torch.zeros(2, 1, 2)])
