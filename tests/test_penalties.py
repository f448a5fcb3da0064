"""Penalties: values by hand, gradients against autograd, the proximal step against its definition."""

import math
from dataclasses import fields
from pathlib import Path

import hydra.utils
import pytest
import torch
from hypothesis import given, settings, strategies as st
from omegaconf import OmegaConf
from torch import Tensor

from linnet.penalties import L1, L2, ElasticNet, NoPenalty, Penalty

STRENGTHS = torch.tensor([0.0, 0.5, 2.0], dtype=torch.float64)
RATIOS = torch.tensor([0.3, 0.0, 1.0], dtype=torch.float64)
PENALTIES = [
    NoPenalty(),
    L2(0.3),
    L2(STRENGTHS),
    L1(0.3),
    L1(STRENGTHS),
    ElasticNet(0.3),
    ElasticNet(STRENGTHS, RATIOS),
]
CONFIGS = sorted(Path(__file__).parents[1].joinpath("conf", "penalty").glob("*.yaml"))


@pytest.fixture
def weight() -> Tensor:
    return torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_values_by_hand() -> None:
    weight = torch.tensor([[[3.0, -4.0]], [[1.0, 0.0]]])  # ‖W‖₁ = 7 and 1, ‖W‖² = 25 and 1
    assert NoPenalty().value(weight).tolist() == [0, 0]
    assert L2(0.5).value(weight).tolist() == [6.25, 0.25]
    assert L1(0.5).value(weight).tolist() == [3.5, 0.5]
    assert ElasticNet(2.0, 0.25).value(weight).tolist() == [2 * (0.25 * 7 + 0.375 * 25), 2 * (0.25 + 0.375)]
    assert ElasticNet(torch.tensor([2.0, 4.0]), 0.25).value(weight).tolist() == [22.25, 2.5]


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_gradient_is_autograds_of_the_smooth_value(penalty: Penalty, weight: Tensor) -> None:
    base = torch.ones_like(weight)
    got = base.clone()
    penalty.add_gradient(weight, got)
    weight.requires_grad_()
    (expected,) = torch.autograd.grad(penalty.smooth_value(weight).sum() + (weight * base).sum(), weight)
    torch.testing.assert_close(got, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_proximal_step_minimises_its_definition(penalty: Penalty, weight: Tensor) -> None:
    """prox(w) is the minimiser over u of ½(u - w)² / step + non-smooth part of u, found here on a grid."""
    step, n_models = 0.4, len(weight)
    shrunk = weight.clone()
    penalty.proximal_step(shrunk, step)
    grid = torch.linspace(-4, 4, 801, dtype=torch.float64)  # spacing 1e-2
    for entry, got in zip(weight.view(n_models, -1).T, shrunk.view(n_models, -1).T, strict=True):
        candidates = grid.view(-1, 1, 1).expand(-1, n_models, 1)
        rough = torch.stack([penalty.value(u[..., None]) - penalty.smooth_value(u[..., None]) for u in candidates])
        best = (0.5 * (grid[:, None] - entry).square() / step + rough).argmin(0)
        torch.testing.assert_close(got, grid[best], rtol=0, atol=1e-2)


@settings(deadline=None)
@given(
    entries=st.lists(st.floats(-10, 10), min_size=1, max_size=6),
    step=st.floats(0, 2),
    strength=st.floats(0, 2),
)
def test_soft_threshold_properties(entries: list[float], step: float, strength: float) -> None:
    weight = torch.tensor([[entries]], dtype=torch.float64)
    shrunk = weight.clone()
    L1(strength).proximal_step(shrunk, step)
    assert (shrunk[weight.abs() <= step * strength] == 0).all()
    assert (shrunk * weight >= 0).all()
    expected = weight.sign() * (weight.abs() - step * strength).clamp(min=0)
    torch.testing.assert_close(shrunk, expected, rtol=0, atol=1e-14)


def test_step_may_be_one_per_model_or_per_coordinate(weight: Tensor) -> None:
    per_model = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    a, b = weight.clone(), weight.clone()
    L1(STRENGTHS).proximal_step(a, per_model)
    L1(STRENGTHS).proximal_step(b, per_model.view(3, 1, 1).expand_as(weight))
    assert torch.equal(a, b)
    for model in range(3):
        alone = weight[model : model + 1].clone()
        L1(STRENGTHS[model].item()).proximal_step(alone, per_model[model].item())
        torch.testing.assert_close(alone[0], a[model], rtol=0, atol=1e-15)


@pytest.mark.parametrize(("ratio", "twin"), [(1.0, L1(0.3)), (0.0, L2(0.3))])
def test_elastic_net_ends_in_lasso_and_ridge(ratio: float, twin: Penalty, weight: Tensor) -> None:
    mixed = ElasticNet(0.3, ratio)
    assert mixed.proximal == twin.proximal
    assert torch.equal(mixed.value(weight), twin.value(weight))
    assert torch.equal(mixed.smooth_value(weight), twin.smooth_value(weight))
    results = []
    for penalty in (mixed, twin):
        grad, shrunk = torch.ones_like(weight), weight.clone()
        penalty.add_gradient(weight, grad)
        penalty.proximal_step(shrunk, 0.5)
        results.append((grad, shrunk))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_only_an_absolute_part_calls_for_a_proximal_step() -> None:
    assert not NoPenalty().proximal
    assert not L2(1.0).proximal
    assert L1(1.0).proximal
    assert ElasticNet(1.0).proximal
    assert L1(STRENGTHS).proximal


def test_number_and_tensor_keep_the_dtype_of_the_weight() -> None:
    weight = torch.ones(3, 2, 4)
    for penalty in PENALTIES:
        assert penalty.value(weight).dtype == torch.float32
        penalty.add_gradient(weight, torch.zeros_like(weight))
        penalty.proximal_step(weight, STRENGTHS)


@pytest.mark.parametrize("kind", [L1, L2, ElasticNet])
@pytest.mark.parametrize("strength", [-0.1, math.nan, math.inf, "much", torch.tensor([0.1, -0.1])])
def test_strength_out_of_range(kind: type, strength: object) -> None:
    with pytest.raises(ValueError, match="strength must be"):
        kind(strength)


@pytest.mark.parametrize("ratio", [-0.1, 1.1, math.nan, torch.tensor([0.5, 1.5])])
def test_l1_ratio_out_of_range(ratio: object) -> None:
    with pytest.raises(ValueError, match="l1_ratio must be"):
        ElasticNet(0.1, ratio)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config_names_every_parameter(path: Path) -> None:
    config = OmegaConf.load(path)
    penalty = hydra.utils.instantiate(config)
    assert set(config) - {"_target_"} == {field.name for field in fields(penalty)}
    assert f"penalty={path.stem}" in path.read_text().splitlines()[1]
