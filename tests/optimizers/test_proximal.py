"""Every optimizer with an l1 penalty ends at the lasso's solution, not at one that depends on its step."""

import pytest
import torch
from sklearn.linear_model import Lasso
from torch import Tensor

from linnet.optimizers import SGD, Adagrad, Adam, AdamW, Momentum, Optimizer, RMSprop, TorchSGD
from linnet.penalties import L1

N_SAMPLES, STRENGTH = 60, 0.2
# The bias is not penalised, so its gradient vanishes at the optimum. An adaptive rule then steps by lr / eps, and
# settles only where that is a stable step: hence the large eps.
OPTIMIZERS = [
    SGD(0.1),
    Momentum(0.02, 0.8),
    Momentum(0.02, 0.8, nesterov=True),
    Adagrad(0.5),
    RMSprop(0.01, 0.9, eps=0.05),
    Adam(0.01, 0.9, 0.99, eps=0.05),
    AdamW(0.01, 0.9, 0.99, eps=0.05, weight_decay=0.0),
]


@pytest.fixture(scope="module")
def problem() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N_SAMPLES, 8, generator=generator, dtype=torch.float64)
    true_weight = torch.tensor([2.0, -1.0, 0.5, 0, 0, 0, 0, 0], dtype=torch.float64)
    noise = torch.randn(N_SAMPLES, generator=generator, dtype=torch.float64)
    return x, x @ true_weight + 1 + 0.3 * noise


def solve(optimizer: Optimizer, x: Tensor, y: Tensor, n_steps: int = 4000) -> list[Tensor]:
    penalty = L1(STRENGTH)
    params = [torch.zeros(1, 1, 8, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)]
    state = optimizer.init(params)
    for _ in range(n_steps):
        residual = x @ params[0][0, 0] + params[1][0, 0] - y
        grads = [(residual @ x / N_SAMPLES).view(1, 1, 8), residual.mean().view(1, 1)]
        optimizer.update(params, grads, state, 0.5)
        penalty.proximal_step(params[0], optimizer.step_size(0, state, 0.5))
    return params


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_ends_at_the_lasso_solution(optimizer: Optimizer, problem: tuple[Tensor, Tensor]) -> None:
    x, y = problem
    weight, bias = (param.view(-1) for param in solve(optimizer, x, y))
    lasso = Lasso(alpha=STRENGTH, tol=1e-14, max_iter=100_000).fit(x.numpy(), y.numpy())
    expected = torch.from_numpy(lasso.coef_)
    zero = expected == 0
    assert 0 < zero.sum() < 8
    assert torch.equal(weight == 0, zero)
    torch.testing.assert_close(weight, expected, rtol=0, atol=1e-6)
    assert bias.item() == pytest.approx(lasso.intercept_, abs=1e-6)

    # -gradient lies in the subdifferential of λ‖w‖₁
    gradient = (x @ weight + bias - y) @ x / N_SAMPLES
    assert (gradient[zero].abs() <= STRENGTH).all()
    torch.testing.assert_close(gradient[~zero], -STRENGTH * weight[~zero].sign(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, RMSprop(0.01), Adam(0.01)], ids=repr)
def test_a_constant_gradient_moves_by_step_size_times_gradient(optimizer: Optimizer) -> None:
    gradient = torch.tensor([[[-3.0, 0.01, 1.0]]], dtype=torch.float64)
    params = [torch.zeros_like(gradient)]
    state = optimizer.init(params)
    for _ in range(500):
        before = params[0].clone()
        optimizer.update(params, [gradient.clone()], state, 0.7)
    moved = optimizer.step_size(0, state, 0.7) * gradient
    torch.testing.assert_close(before - params[0], moved, rtol=1e-10, atol=0)


def test_twins_have_no_proximal_step() -> None:
    assert not TorchSGD.has_proximal_step
    with pytest.raises(ValueError, match="proximal"):
        TorchSGD(0.1).step_size(0, {})
