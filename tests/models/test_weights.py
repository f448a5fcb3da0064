"""Weighted training against the same examples written out: copied, left out, or pushed through autograd."""

from collections.abc import Iterator

import pytest
import torch

from linnet.data import Batch, Examples
from linnet.losses import AbsoluteError, CrossEntropy, GaussianNLL, Huber, Loss, PoissonNLL, SquaredError
from linnet.models import LinearNetwork
from linnet.models.regression import LinearRegression
from linnet.models.softmax import SoftmaxRegression
from linnet.penalties import L2

LOSSES = [SquaredError(), AbsoluteError(), Huber(0.5), GaussianNLL(0.7), PoissonNLL(), CrossEntropy(0.1)]


def drawn(loss: Loss) -> tuple[torch.Tensor, torch.Tensor]:
    """Features `[8, 3]`, and targets as the loss takes them."""
    rng = torch.Generator().manual_seed(3)
    x = torch.randn(8, 3, generator=rng, dtype=torch.float64)
    y = torch.randint(4, (8,), generator=rng)
    return x, y if loss.task == "classification" else y[:, None].double()


def network(loss: Loss, gradient: str = "analytic", n_models: int = 1) -> LinearNetwork:
    kind = SoftmaxRegression if loss.task == "classification" else LinearRegression
    n_outputs = 4 if loss.task == "classification" else 1
    return kind(
        3, n_outputs, init_std=0.5, gradient=gradient, dtype="float64", loss=loss, penalty=L2(0.3), n_models=n_models
    )


def results(model: LinearNetwork, examples: Examples) -> Iterator[torch.Tensor]:
    """Everything that training and evaluation make of the examples, all of them in one batch."""
    (batch,) = examples.batches(torch.arange(len(examples)), [len(examples)])
    value, grads = model.objective_and_gradients(batch)
    yield from (value, *grads)
    yield torch.tensor(model.training_objective(examples))
    yield torch.tensor(model.evaluate_all(examples)[0]["loss"])


def with_mean_one(*weights: float) -> torch.Tensor:
    numbers = torch.tensor(weights, dtype=torch.float64)
    return numbers / numbers.mean()


@pytest.mark.parametrize("gradient", ["analytic", "autograd"])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
class TestWeight:
    def test_of_two_is_the_row_twice_and_of_zero_the_row_left_out(self, loss, gradient):
        x, y = drawn(loss)
        model = network(loss, gradient)
        weighted = Examples(x, y, with_mean_one(1, 2, 0, 1, 3, 1, 0, 1))
        rows = torch.tensor([0, 1, 1, 3, 4, 4, 4, 5, 7])
        for found, expected in zip(results(model, weighted), results(model, Examples(x[rows], y[rows])), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)

    def test_of_one_changes_nothing(self, loss, gradient):
        x, y = drawn(loss)
        model = network(loss, gradient)
        weighted = Examples(x, y, torch.ones(8, dtype=torch.float64))
        for found, expected in zip(results(model, weighted), results(model, Examples(x, y)), strict=True):
            assert torch.equal(found, expected)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_gradients_are_those_of_autograd_for_every_model(loss):
    x, y = drawn(loss)
    batch = Batch(x[:5], y[:5], 0.5, torch.tensor([0.1, 2.0, 0.0, 1.5, 0.7], dtype=torch.float64))
    analytic, autograd = (network(loss, gradient, n_models=2) for gradient in ("analytic", "autograd"))
    value, grads = analytic.objective_and_gradients(batch)
    expected, expected_grads = autograd.objective_and_gradients(batch)
    torch.testing.assert_close([value, *grads], [expected, *expected_grads], rtol=1e-12, atol=1e-14)


def test_minibatches_estimate_the_objective_without_bias():
    """Every minibatch has as many examples: their mean is the whole."""
    x, y = drawn(SquaredError())
    model = network(SquaredError())
    examples = Examples(x, y, with_mean_one(5, 0, 1, 2, 0.5, 1, 3, 1))
    order = torch.tensor([3, 1, 7, 0, 2, 6, 5, 4])
    parts = [model.objective_and_gradients(batch) for batch in examples.batches(order, [2, 2, 2, 2])]
    mean = [torch.stack(tensors).mean(0) for tensors in zip(*([value, *grads] for value, grads in parts), strict=True)]
    (whole,) = examples.chunks(8)
    value, grads = model.objective_and_gradients(whole)
    torch.testing.assert_close(mean, [value, *grads], rtol=1e-12, atol=1e-14)


def test_evaluation_is_over_the_weights_of_all_chunks():
    x, y = drawn(SquaredError())
    x, y = x.repeat(600, 1), y.repeat(600, 1)  # more than one chunk
    weight = torch.linspace(0, 7, len(x), dtype=torch.float64)  # of another mean, as a validation part may have
    model = network(SquaredError())
    error = (model(x).detach() - y)[:, 0].square() / 2
    expected = ((error * weight).sum() / weight.sum()).item()
    figures = model.evaluate_all(Examples(x, y, weight))[0]
    assert figures["loss"] == pytest.approx(expected, rel=1e-12)
    assert figures["mse"] == pytest.approx(2 * error.mean().item(), rel=1e-12)  # metrics count all examples the same
