"""The linear map and backpropagation through it, against plain matrix algebra and autograd."""

import pytest
import torch

from linnet.models import linear
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


class TestSplit:
    """Products that are shared out among threads, for lengths that can be divided and lengths that cannot."""

    @pytest.fixture(autouse=True)
    def easily_split(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(linear, "WORTH_SPLITTING", 1)
        threads = torch.get_num_threads()
        torch.set_num_threads(3)
        with torch.no_grad():
            yield
        torch.set_num_threads(threads)

    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize(("n", "d"), [(6, 8), (7, 6), (7, 5), (1, 4), (0, 6)])
    def test_is_the_product(self, n: int, d: int, bias: bool) -> None:
        x, weight, offset = torch.randn(n, d), torch.randn(K, C, d), torch.randn(K, C)
        prediction = predict(x, weight, offset if bias else None, 0.5)
        expected = 0.5 * torch.einsum("bd,kcd->kbc", x, weight) + (offset[:, None] if bias else 0)
        torch.testing.assert_close(prediction, expected)
        gradient = torch.randn(K, n, C)
        grads = backpropagate(x, gradient, bias=bias, scale=0.5)
        torch.testing.assert_close(grads[0], 0.5 * torch.einsum("kbc,bd->kcd", gradient, x) / max(1, n))
        if bias:
            torch.testing.assert_close(grads[1], gradient.sum(1) / max(1, n))

    def test_happens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pieces = []
        product = torch.baddbmm
        monkeypatch.setattr(torch, "baddbmm", lambda *a, **k: pieces.append(len(a[1])) or product(*a, **k))
        predict(torch.randn(6, 8), torch.randn(K, C, 8), None)
        backpropagate(torch.randn(6, 8), torch.randn(K, 6, C), bias=False)
        assert pieces == [3, 2]
        monkeypatch.setattr(linear, "FEW_ROWS", K * C - 1)
        predict(torch.randn(6, 8), torch.randn(K, C, 8), None)
        assert len(pieces) == 2


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
