"""Every loss against torch's own, which shares no line with it."""

import pytest
import torch
from torch.testing import assert_close

from linnet import losses
from linnet.losses import TorchLoss

PAIRS = [
    (losses.SquaredError(), losses.TorchSquaredError()),
    (losses.AbsoluteError(), losses.TorchAbsoluteError()),
    (losses.Huber(), losses.TorchHuber()),
    (losses.Huber(delta=0.3), losses.TorchHuber(delta=0.3)),
    (losses.GaussianNLL(), losses.TorchGaussianNLL()),
    (losses.GaussianNLL(sigma=0.2), losses.TorchGaussianNLL(sigma=0.2)),
    (losses.PoissonNLL(), losses.TorchPoissonNLL()),
    (losses.CrossEntropy(), losses.TorchCrossEntropy()),
    (losses.CrossEntropy(label_smoothing=0.3), losses.TorchCrossEntropy(label_smoothing=0.3)),
    (losses.CrossEntropyNaive(), losses.TorchCrossEntropy()),
    (losses.CrossEntropyNaive(label_smoothing=0.3), losses.TorchCrossEntropy(label_smoothing=0.3)),
]


@pytest.mark.parametrize("n_models", [1, 3])
@pytest.mark.parametrize(("loss", "twin"), PAIRS, ids=[repr(loss) for loss, _ in PAIRS])
class TestTwins:
    def test_value(self, loss, twin, n_models, examples):
        prediction, target = examples(loss, n_models)
        assert_close(loss.value(prediction, target), twin.value(prediction, target), rtol=1e-12, atol=1e-12)

    def test_gradient(self, loss, twin, n_models, examples):
        prediction, target = examples(loss, n_models)
        assert_close(loss.gradient(prediction, target), twin.gradient(prediction, target), rtol=1e-12, atol=1e-12)

    def test_mean(self, loss, twin, n_models, examples):
        prediction, _ = examples(loss, n_models)
        assert_close(loss.mean(prediction), twin.mean(prediction), rtol=1e-12, atol=1e-12)


def test_squared_error_twin_is_half_of_mse_loss():
    prediction, target = torch.tensor([[[3.0]]]), torch.tensor([[1.0]])
    assert losses.TorchSquaredError().value(prediction, target).item() == torch.nn.MSELoss()(prediction[0], target) / 2


def test_gaussian_twin_keeps_a_sigma_below_torchs_floor():
    prediction, target = torch.full((1, 1, 1), 1e-4, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    expected = losses.GaussianNLL(sigma=1e-5).value(prediction, target)
    assert_close(losses.TorchGaussianNLL(sigma=1e-5).value(prediction, target), expected, rtol=1e-12, atol=0)


def test_a_twin_without_a_value_is_abstract():
    class Forgetful(TorchLoss, losses.SquaredError):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Forgetful()
