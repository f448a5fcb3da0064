"""The linear map and backpropagation through it, against plain matrix algebra and autograd."""

import pytest
import torch

from linnet.models.linear import backpropagate, predict

K, B, C, D = 3, 7, 4, 5


@pytest.fixture
def problem() -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    shapes = {"x": (B, D), "weight": (K, C, D), "bias": (K, C), "y": (B, C)}
    return {name: torch.randn(*shape, generator=rng, dtype=torch.float64) for name, shape in shapes.items()}


class TestPredict:
    def test_each_model_is_its_own_linear_map(self, problem: dict[str, torch.Tensor]) -> None:
        prediction = predict(problem["x"], problem["weight"], problem["bias"])
        assert prediction.shape == (K, B, C)
        for k in range(K):
            alone = torch.nn.functional.linear(problem["x"], problem["weight"][k], problem["bias"][k])
            torch.testing.assert_close(prediction[k], alone, rtol=1e-14, atol=1e-14)

    def test_without_bias(self, problem: dict[str, torch.Tensor]) -> None:
        expected = predict(problem["x"], problem["weight"], torch.zeros(K, C, dtype=torch.float64))
        torch.testing.assert_close(predict(problem["x"], problem["weight"], None), expected)


class TestBackpropagate:
    @pytest.mark.parametrize("bias", [True, False])
    def test_equals_autograd(self, problem: dict[str, torch.Tensor], bias: bool) -> None:
        params = [problem["weight"].requires_grad_(), problem["bias"].requires_grad_()][: 1 + bias]
        prediction = predict(problem["x"], params[0], params[1] if bias else None)
        values = (prediction - problem["y"]).cosh().sum(dim=2)  # any smooth loss will do
        expected = torch.autograd.grad(values.mean(dim=1).sum(), params)
        by_prediction = (prediction - problem["y"]).sinh().detach()
        grads = backpropagate(problem["x"], by_prediction, bias=bias)
        assert len(grads) == len(expected)
        for ours, theirs in zip(grads, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-13)

    def test_any_memory_layout_of_the_gradient(self, problem: dict[str, torch.Tensor]) -> None:
        gradient = torch.randn(B, C, K, dtype=torch.float64).permute(2, 0, 1)
        expected = torch.einsum("kbc,bd->kcd", gradient, problem["x"]) / B
        torch.testing.assert_close(backpropagate(problem["x"], gradient, bias=False)[0], expected)
