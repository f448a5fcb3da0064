"""What every loss promises, whatever its formula."""

import dataclasses

import pytest
import torch
from hydra.utils import get_object
from torch import Tensor
from torch.testing import assert_close

from linnet import losses
from linnet.config.groups import shipped
from linnet.config.option_types import options_of
from linnet.losses import Loss

CLASSES = [get_object(node["_target_"]) for node in shipped()["loss"].values()]
OTHER = 0.3
"""A number that every option of a loss admits."""
LOSSES = [loss for kind in CLASSES for loss in dict.fromkeys([kind(), kind(**dict.fromkeys(options_of(kind), OTHER))])]

every_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def autograd(loss: Loss, prediction: Tensor, target: Tensor) -> Tensor:
    leaf = prediction.detach().requires_grad_()
    loss.value(leaf, target).sum().backward()
    assert leaf.grad is not None
    return leaf.grad


def finite_differences(loss: Loss, prediction: Tensor, target: Tensor, step: float = 1e-6) -> Tensor:
    """Central differences, one output of all examples at a time: an example's value depends on its own outputs."""
    columns = []
    for output in range(prediction.shape[-1]):
        nudge = torch.zeros_like(prediction)
        nudge[..., output] = step
        columns.append((loss.value(prediction + nudge, target) - loss.value(prediction - nudge, target)) / (2 * step))
    return torch.stack(columns, dim=-1)


@every_loss
class TestGradient:
    def test_equals_autograd(self, loss, examples):
        prediction, target = examples(loss)
        assert_close(loss.gradient(prediction, target), autograd(loss, prediction, target), rtol=0, atol=1e-12)

    def test_equals_finite_differences(self, loss, examples):
        prediction, target = examples(loss)
        assert_close(
            loss.gradient(prediction, target), finite_differences(loss, prediction, target), rtol=1e-6, atol=1e-6
        )

    def test_needs_no_autograd(self, loss, examples):
        prediction, target = examples(loss)
        expected = loss.gradient(prediction, target)
        with torch.no_grad():
            assert torch.equal(loss.gradient(prediction, target), expected)
            torch.testing.assert_close(loss.value_and_gradient(prediction, target)[1], expected, rtol=1e-13, atol=1e-15)


@every_loss
class TestValueAndGradient:
    def test_equals_the_two(self, loss, examples):
        prediction, target = examples(loss)
        value, gradient = loss.value_and_gradient(prediction, target)
        torch.testing.assert_close(value, loss.value(prediction, target), rtol=1e-13, atol=1e-15)
        torch.testing.assert_close(gradient, loss.gradient(prediction, target), rtol=1e-13, atol=1e-15)

    def test_shapes_and_dtype_follow_the_prediction(self, loss, examples):
        prediction, target = examples(loss)
        target = target.float() if target.is_floating_point() else target
        value, gradient = loss.value_and_gradient(prediction.float(), target)
        assert value.shape == (3, 7)
        assert gradient.shape == (3, 7, 4)
        assert value.dtype == gradient.dtype == torch.float32

    def test_arguments_are_left_alone(self, loss, examples):
        prediction, target = examples(loss)
        before = prediction.clone(), target.clone()
        loss.value_and_gradient(prediction, target)
        loss.gradient(prediction, target)
        loss.value(prediction, target)
        loss.mean(prediction)
        assert torch.equal(prediction, before[0])
        assert torch.equal(target, before[1])

    def test_memory_layout_does_not_matter(self, loss, examples):
        prediction, target = examples(loss)
        assert not prediction.is_contiguous()
        for strided, contiguous in zip(
            loss.value_and_gradient(prediction, target),
            loss.value_and_gradient(prediction.contiguous(), target),
            strict=True,
        ):
            assert_close(strided, contiguous, rtol=0, atol=1e-15)


@every_loss
class TestExamplesAndModels:
    def test_models_do_not_see_each_other(self, loss, examples):
        prediction, target = examples(loss)
        together = loss.value_and_gradient(prediction, target)
        for k in range(3):
            alone = loss.value_and_gradient(prediction[k : k + 1], target)
            assert_close(alone[0][0], together[0][k], rtol=0, atol=1e-14)
            assert_close(alone[1][0], together[1][k], rtol=0, atol=1e-14)

    def test_examples_do_not_see_each_other(self, loss, examples):
        prediction, target = examples(loss)
        order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
        value, gradient = loss.value_and_gradient(prediction, target)
        shuffled = loss.value_and_gradient(prediction[:, order], target[order])
        assert_close(shuffled[0], value[:, order], rtol=0, atol=1e-14)
        assert_close(shuffled[1], gradient[:, order], rtol=0, atol=1e-14)

    def test_an_empty_batch_has_no_values(self, loss, examples):
        prediction, target = examples(loss)
        value, gradient = loss.value_and_gradient(prediction[:, :0], target[:0])
        assert value.shape == (3, 0)
        assert gradient.shape == (3, 0, 4)


@every_loss
class TestCheck:
    @pytest.fixture(params=["value", "gradient", "value_and_gradient"])
    def function(self, loss, request):
        return getattr(loss, request.param)

    def test_target_without_its_output_dimension(self, loss, function):
        if loss.task == "classification":
            prediction, target = torch.zeros(1, 5, 3), torch.zeros(5, 1, dtype=torch.int64)
            shapes = r"\(1, 5, 3\).*\(5, 1\)"
        else:
            prediction, target = torch.zeros(1, 5, 1), torch.zeros(5)
            shapes = r"\(1, 5, 1\).*\(5,\)"
        with pytest.raises(ValueError, match=shapes):
            function(prediction, target)

    def test_another_number_of_examples(self, loss, function, examples):
        prediction, target = examples(loss)
        with pytest.raises(ValueError, match=r"\(3, 7, 4\).*\((1|1, 4),?\)"):
            function(prediction, target[:1])

    def test_prediction_without_its_model_dimension(self, loss, function, examples):
        prediction, target = examples(loss)
        with pytest.raises(ValueError, match=r"\(7, 4\)"):
            function(prediction[0], target[0])  # one example's target: fits the last dimensions

    def test_target_of_another_dtype(self, loss, function, examples):
        prediction, target = examples(loss)
        with pytest.raises(TypeError, match=r"torch\.float32"):
            function(prediction, target.float())


@every_loss
class TestConstructor:
    def test_is_a_value(self, loss):
        assert loss == dataclasses.replace(loss)
        assert hash(loss) == hash(dataclasses.replace(loss))

    def test_cannot_be_changed(self, loss):
        for field in dataclasses.fields(loss):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(loss, field.name, 0.5)


@pytest.mark.parametrize("refused", [-0.1, float("inf"), float("nan")])
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in CLASSES for name in options_of(kind)])
def test_numbers_out_of_range_are_refused(kind, name, refused):
    with pytest.raises(ValueError, match=rf"^{name} must be a number in [\[(]0, .*, got {refused}$"):
        kind(**{name: refused})


@pytest.mark.parametrize(
    ("kind", "name", "end"), [(losses.Huber, "delta", 0), (losses.GaussianNLL, "sigma", 0),
                              (losses.CrossEntropy, "label_smoothing", 1)],
)  # fmt: skip
def test_ends_of_ranges_at_which_a_loss_is_not_defined_are_refused(kind, name, end):
    with pytest.raises(ValueError, match=name):
        kind(**{name: end})
