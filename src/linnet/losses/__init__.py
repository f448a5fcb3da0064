"""Losses: pure functions from prediction and target to a value per example and its derivative."""

from linnet.losses.absolute_error import AbsoluteError as AbsoluteError
from linnet.losses.cross_entropy import CrossEntropy as CrossEntropy, softmax as softmax
from linnet.losses.cross_entropy_naive import CrossEntropyNaive as CrossEntropyNaive
from linnet.losses.gaussian_nll import GaussianNLL as GaussianNLL
from linnet.losses.huber import Huber as Huber
from linnet.losses.loss import Loss as Loss
from linnet.losses.poisson_nll import PoissonNLL as PoissonNLL
from linnet.losses.squared_error import SquaredError as SquaredError
from linnet.losses.torch_twins import (
    TorchAbsoluteError as TorchAbsoluteError,
    TorchCrossEntropy as TorchCrossEntropy,
    TorchGaussianNLL as TorchGaussianNLL,
    TorchHuber as TorchHuber,
    TorchLoss as TorchLoss,
    TorchPoissonNLL as TorchPoissonNLL,
    TorchSquaredError as TorchSquaredError,
)
