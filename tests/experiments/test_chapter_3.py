"""Exercises of chapter 3 whose answer is a proof: the statement, held to numbers."""

import csv
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

import linnet
from linnet.data.sources.synthetic import synthetic_regression
from linnet.losses import PoissonNLL, SquaredError
from linnet.models.linear import backpropagate
from linnet.penalties import L2
from linnet.results.run import Run
from linnet.system.errors import InputError

FOLDER = Path(__file__).resolve().parents[2] / "experiments"


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, np.ndarray]:
    """Features `[60, 3]` and targets `[60]` in float64."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    return x, x @ [1.0, -2.0, 0.5] + 3 + rng.normal(size=60)


def trained(x: np.ndarray, y: np.ndarray, *options: str, seed: int = 0) -> Run:
    overrides = ["data.dtype=float64", "data.standardize=false", "data.val_fraction=0", f"seed={seed}", *options]
    return linnet.train(x, y, overrides, test=(x, y), tracked=False, quiet=True)


def parameters(run: Run) -> np.ndarray:
    """Return weights and bias, `[D + 1]`."""
    parts = [run.module.weight, *([] if run.module.bias is None else [run.module.bias])]
    return torch.cat([part.detach().double().flatten() for part in parts]).numpy()


@pytest.mark.parametrize(
    ("loss", "center"), [("squared_error", np.mean), ("absolute_error", np.median)], ids=["mean", "median"]
)
def test_the_best_constant(loss: str, center, problem) -> None:
    """3.1, exercise 1."""
    x, y = problem[0][:59], problem[1][:59]  # an odd number has one median
    run = trained(x, y, f"loss={loss}", "penalty=l1", "penalty.strength=1e5", "optimizer=exact")
    assert parameters(run) == pytest.approx([0, 0, 0, center(y)], abs=1e-9)


def test_affine_functions_are_linear_ones_of_x_and_1(problem) -> None:
    """3.1, exercise 2."""
    x, y = problem
    affine = parameters(trained(x, y, "optimizer=exact"))
    with_ones = np.column_stack([x, np.ones(len(x))])
    assert parameters(trained(with_ones, y, "optimizer=exact", "model.bias=false")) == pytest.approx(affine, abs=1e-10)


def test_noise_on_features_is_a_ridge() -> None:
    """3.1, exercise 4: E (X + E)ᵀ(X + E) = XᵀX + nσ²I, here as the mean of 4000 draws, within 6 standard errors."""
    rng = np.random.default_rng(0)
    x, sigma, n_draws = np.repeat(rng.normal(size=(20, 1)), 2, axis=1), 0.5, 4000  # two equal columns: rank 1
    noisy = x + sigma * rng.normal(size=(n_draws, *x.shape))
    grams = noisy.transpose(0, 2, 1) @ noisy
    error = grams.std(axis=0) / np.sqrt(n_draws)
    assert (np.abs(grams.mean(axis=0) - x.T @ x - 20 * sigma**2 * np.eye(2)) < 6 * error).all()
    assert np.linalg.matrix_rank(x.T @ x) == 1 and np.linalg.matrix_rank(grams[0]) == 2


def test_two_linear_layers_are_one() -> None:
    """3.1, exercise 6."""
    torch.manual_seed(0)
    first, second = torch.nn.Linear(3, 50).double(), torch.nn.Linear(50, 1).double()
    x = torch.randn(20, 3, dtype=torch.float64)
    weight, bias = second.weight @ first.weight, second.weight @ first.bias + second.bias
    assert torch.allclose(second(first(x)), x @ weight.T + bias, atol=1e-13)


def test_rate_is_the_expected_count() -> None:
    """3.1, exercise 8: the model without features predicts the mean count, and its loss is least there."""
    counts = torch.tensor([[0.0], [2.0], [1.0], [5.0]], dtype=torch.float64)
    at_mean = torch.full((1, 4, 1), 2.0, dtype=torch.float64).log()
    assert PoissonNLL().gradient(at_mean, counts).mean().abs() < 1e-15
    assert sum(k * np.exp(-3.5) * 3.5**k / np.prod(range(1, k + 1), dtype=float) for k in range(60)) == pytest.approx(
        3.5
    )


def test_a_short_last_minibatch_counts_for_what_it_is(problem) -> None:
    """3.3, exercise 1, and 3.4, exercise 7: 60 examples in batches of 25, at a rate of 0."""
    x, y = problem
    run = trained(x, y, "data.batch_size=25", "optimizer.lr=1e-300", "trainer.max_epochs=1", "model.init=zeros")
    assert run.metrics["train/loss"] == pytest.approx(np.mean(y**2) / 2, rel=1e-12)


def test_the_same_seed_makes_the_same_data() -> None:
    """3.3, exercise 4."""
    made = [synthetic_regression([1.0, 2.0], 0.0, 1.0, "gaussian", 10, 5, 5, "float32", seed) for seed in (7, 7, 8)]
    assert made[0].checksum == made[1].checksum != made[2].checksum


def test_hessian_of_squared_error(problem) -> None:
    """3.4, exercise 4: XᵀX/n, the same everywhere, also through linnet's loss by autograd twice."""
    x = torch.from_numpy(problem[0])
    target = torch.from_numpy(problem[1])[:, None]

    def mean_loss(weight: torch.Tensor) -> torch.Tensor:
        return SquaredError().value((x @ weight)[None, :, None], target).mean()

    hessian = torch.autograd.functional.hessian(mean_loss, torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    assert torch.allclose(hessian, x.T @ x / len(x), atol=1e-14)


def test_shapes_that_do_not_match_are_refused(problem) -> None:
    """3.4, exercise 5: `[N]` against `[N, 1]` would silently give N × N differences."""
    prediction, target = torch.zeros(4, 1), torch.zeros(4)
    assert (prediction - target).shape == (4, 4)
    with pytest.raises((InputError, ValueError)):
        linnet.losses.squared_error(prediction, target)


def test_sorted_examples_are_forgotten() -> None:
    """3.4, exercise 9: the constant that one pass of SGD ends at, by the order of the targets 0, 1/1000, 2/1000, …."""
    targets, rng = np.arange(1000) / 1000, np.random.default_rng(0)

    def last(order: np.ndarray) -> float:
        bias = 0.5
        for start in range(0, 1000, 10):
            bias -= 0.3 * (bias - targets[order[start : start + 10]].mean())
        return bias

    assert last(np.arange(1000)) > 0.95  # the mean is 0.4995
    assert last(rng.permutation(1000)) == pytest.approx(0.4995, abs=0.15)


def test_a_sum_takes_the_rate_divided_by_the_batch_size(problem) -> None:
    """3.5, exercise 1."""
    x, y = (torch.from_numpy(part) for part in problem)
    found = []
    for reduction, rate in (("mean", 0.1), ("sum", 0.1 / 20)):
        weight = torch.zeros(3, dtype=torch.float64, requires_grad=True)
        for start in (0, 20, 40):
            loss = functional.mse_loss(x[start : start + 20] @ weight, y[start : start + 20], reduction=reduction)
            weight = (weight - rate * torch.autograd.grad(loss, weight)[0]).detach().requires_grad_()
        found.append(weight)
    assert torch.allclose(*found, atol=1e-14)


def test_gradients_of_the_module(problem) -> None:
    """3.5, exercise 3: those that autograd leaves in `weight.grad` are the closed form's."""
    x, y = (torch.from_numpy(part) for part in problem)
    layer = torch.nn.Linear(3, 1).double()
    (functional.mse_loss(layer(x), y[:, None]) / 2).backward()
    residual = SquaredError().gradient(layer(x).detach()[None], y[:, None])
    weight, bias = backpropagate(x, residual, bias=True)
    assert torch.allclose(weight[0], layer.weight.grad, atol=1e-14)
    assert torch.allclose(bias[0], layer.bias.grad, atol=1e-14)


def test_squared_norm_of_a_matrix() -> None:
    """3.7, exercise 4: ‖W‖² = tr(WᵀW)."""
    weight = torch.randn(1, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert float(L2(0.6).value(weight).sum()) == pytest.approx(0.3 * float(torch.trace(weight[0].T @ weight[0])))


def test_ridge_is_the_mode_of_the_posterior(problem) -> None:
    """3.7, exercise 6: the gradient of −log p(w | data) vanishes at the ridge solution with λ = σ²/(nτ²)."""
    x, y = problem
    sigma, tau = 1.5, 0.4
    strength = sigma**2 / (len(x) * tau**2)
    found = parameters(
        trained(x, y, "optimizer=exact", "model.bias=false", "penalty=l2", f"penalty.strength={strength!r}")
    )
    gradient = x.T @ (x @ found - y) / sigma**2 + found / tau**2
    assert np.abs(gradient).max() < 1e-10 * np.abs(x.T @ y).max()


def test_prices_below_zero_are_predicted_without_the_logarithm() -> None:
    """3.1, exercise 7, on the table of house_prices."""
    with (FOLDER / "house_prices" / "houses.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    x = np.array([[float(row[name]) for name in ("area", "age", "distance")] for row in rows])
    price = np.array([float(row["price"]) for row in rows])
    predicted = trained(x, price, "optimizer=exact").predict(x)
    assert np.sum(np.asarray(predicted) < 0) > 0 and price.min() > 0


@pytest.mark.parametrize(
    ("script", "table"),
    [("house_prices/houses.py", "houses.csv"), ("apple_sales/sales.py", "sales.csv"),
     ("planck/spectrum.py", "spectrum.csv"), ("dependent_rows/visits.py", "visits.csv")],
)  # fmt: skip
def test_tables_are_those_of_their_scripts(script: str, table: str) -> None:
    made = runpy.run_path(str(FOLDER / script))["rows"]()
    with ((FOLDER / script).parent / table).open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == made
