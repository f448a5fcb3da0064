"""Losses as functions of one model's predictions, held to `torch.nn.functional`."""

import inspect
from functools import partial
from importlib import import_module

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

import linnet.losses as L
from linnet.losses import functional
from linnet.losses.own_loss import OwnLoss

SIGMA = 0.3


def gaussian_twin(p, y, reduction):
    return F.gaussian_nll_loss(p, y, torch.full_like(p, SIGMA**2), full=True, reduction=reduction)


def log_cosh_twin(p, y, reduction):
    values = 0.25 * ((p - y) / 0.5).cosh().log()
    return values if reduction == "none" else getattr(values, reduction)()


REGRESSION = {
    "squared_error": (L.squared_error, lambda p, y, reduction: F.mse_loss(p, y, reduction=reduction) / 2),
    "absolute_error": (L.absolute_error, F.l1_loss),
    "huber": (partial(L.huber, delta=0.5), partial(F.huber_loss, delta=0.5)),
    "log_cosh": (partial(L.log_cosh, delta=0.5), log_cosh_twin),
    "gaussian_nll": (partial(L.gaussian_nll, sigma=SIGMA), gaussian_twin),
    "poisson_nll": (L.poisson_nll, partial(F.poisson_nll_loss, log_input=True)),
}
CLASSIFICATION = {
    "cross_entropy": (L.cross_entropy, F.cross_entropy),
    "smoothed": (partial(L.cross_entropy, label_smoothing=0.1), partial(F.cross_entropy, label_smoothing=0.1)),
    "cross_entropy_naive": (L.cross_entropy_naive, F.cross_entropy),
}
every = pytest.mark.parametrize("name", [*REGRESSION, *CLASSIFICATION])


def draw(name: str, *shape: int, dtype: torch.dtype = torch.float64):
    stream = torch.Generator().manual_seed(0)
    prediction = torch.randn(*shape, dtype=torch.float64, generator=stream).to(dtype)
    if name in CLASSIFICATION:
        return prediction, torch.randint(0, shape[1], shape[:1], generator=stream)
    return prediction, 3 * torch.rand(*shape, dtype=torch.float64, generator=stream).to(dtype)


def test_every_loss_has_its_function():
    """Of the name of its module; with the class's options in their order, then the reduction."""
    functions = dict(inspect.getmembers(functional, inspect.isfunction))
    for name, function in functions.items():
        kind = next(
            kind for kind in vars(import_module(f"linnet.losses.{name}")).values()
            if inspect.isclass(kind) and kind.__module__ == f"linnet.losses.{name}"
        )  # fmt: skip
        options = list(inspect.signature(kind).parameters)
        assert list(inspect.signature(function).parameters) == ["prediction", "target", *options, "reduction"]
        assert getattr(L, name) is function
        assert getattr(L, kind.__name__) is kind
    plain = [kind for _, kind in inspect.getmembers(L, inspect.isclass) if not inspect.isabstract(kind)]
    assert len(functions) == len([kind for kind in plain if not kind.__name__.startswith("Torch")])


@every
class TestAsTorch:
    @pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
    def test_value(self, name, reduction):
        ours, theirs = {**REGRESSION, **CLASSIFICATION}[name]
        for shape in [(9, 4)] if name in CLASSIFICATION else [(9,), (9, 4), (3, 2, 2)]:
            for dtype in (torch.float32, torch.float64):
                prediction, target = draw(name, *shape, dtype=dtype)
                found = ours(prediction, target, reduction=reduction)
                assert_close(found, theirs(prediction, target, reduction=reduction))
                assert found.dtype == dtype

    def test_is_differentiable_twice(self, name):
        ours, _ = {**REGRESSION, **CLASSIFICATION}[name]
        prediction, target = draw(name, 5, 3)
        prediction.requires_grad_()
        for reduction in ("mean", "none"):
            assert gradcheck(lambda p: ours(p, target, reduction=reduction), prediction)  # noqa: B023
            assert gradgradcheck(lambda p: ours(p, target, reduction=reduction), prediction)  # noqa: B023
        if name in REGRESSION:  # and by the target
            target.requires_grad_()
            assert gradcheck(ours, (prediction, target)) and gradgradcheck(ours, (prediction, target))


class TestTwiceAtZero:
    """Where value and derivative are 0, a second derivative is not."""

    @pytest.mark.parametrize("loss", [L.SquaredError(), L.Huber(2.0), L.LogCosh(0.5), L.TorchHuber(2.0)], ids=repr)
    def test_curvature_is_one(self, loss):
        p = torch.zeros(3, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(loss(p, torch.zeros(3), "sum"), p, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), p)
        assert slope.tolist() == [0.0] * 3 and curvature.tolist() == [1.0] * 3


class TestCalledObjects:
    @pytest.mark.parametrize(
        "loss", [L.Huber(0.5), L.TorchHuber(0.5), L.TorchSquaredError(), L.SquaredError()], ids=repr
    )
    def test_mean_of_outputs_and_examples(self, loss):
        prediction, target = draw("", 6, 2)
        of_examples = loss.value(prediction[None], target)[0]  # the sum over outputs
        assert_close(loss(prediction, target), of_examples.mean() / 2)
        assert_close(loss(prediction, target, "none").sum(1), of_examples)

    def test_of_another_module_is_of_examples(self):
        class Norm:
            task = "regression"

            def value(self, prediction, target):
                return (prediction - target).norm(dim=-1)

        prediction, target = draw("", 6, 2)
        assert_close(OwnLoss(Norm())(prediction, target, "none"), (prediction - target).norm(dim=1))

    def test_integers_and_dtypes_are_promoted(self):
        prediction = torch.tensor([0.5, -0.25])
        assert_close(
            L.poisson_nll(prediction, torch.tensor([2, 0])), L.poisson_nll(prediction, torch.tensor([2.0, 0.0]))
        )
        assert L.squared_error(prediction, torch.zeros(2, dtype=torch.float64)).dtype == torch.float64
        logits = torch.randn(4, 3)
        for dtype in (torch.uint8, torch.int32):
            assert_close(L.cross_entropy(logits, torch.tensor([0, 1, 2, 2], dtype=dtype)),
                         F.cross_entropy(logits, torch.tensor([0, 1, 2, 2])))  # fmt: skip


@pytest.mark.parametrize(("call", "words"), [
    (lambda: L.huber(torch.zeros(3), torch.zeros(3, 1)), "shape [3] and target of shape [3, 1]"),
    (lambda: L.huber(torch.zeros(3, 1), torch.zeros(1)), "nothing is broadcast"),
    (lambda: L.huber(torch.zeros(3), torch.zeros(3), delta=0), "delta"),
    (lambda: L.huber(torch.zeros(3), torch.zeros(3), reduction="average"), "choose mean, sum or none"),
    (lambda: L.huber(torch.zeros(3).long(), torch.zeros(3)), "expected floating point"),
    (lambda: L.cross_entropy(torch.zeros(3, 2), torch.tensor([0, 1, 2])), "classes are 0 … 2: expected 0 … 1"),
    (lambda: L.cross_entropy(torch.zeros(3, 2), torch.tensor([0, -100, 1])), "classes are -100 … 1"),
    (lambda: L.cross_entropy(torch.zeros(3, 2), torch.zeros(3, 2)), "expected [N, C], [N]"),
    (lambda: L.cross_entropy(torch.zeros(3, 2), torch.zeros(3)), "expected integers"),
    (lambda: L.cross_entropy(torch.zeros(3, 2), torch.zeros(3).long(), label_smoothing=2), "label_smoothing"),
])  # fmt: skip
def test_refused(call, words):
    with pytest.raises(ValueError) as told:
        call()
    assert words in str(told.value) and "\n" not in str(told.value)
