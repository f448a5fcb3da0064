"""Losses: pure functions from prediction and target to a value per example and its derivative."""

from linnet.losses.absolute_error import AbsoluteError
from linnet.losses.cross_entropy import CrossEntropy, softmax
from linnet.losses.cross_entropy_naive import CrossEntropyNaive
from linnet.losses.gaussian_nll import GaussianNLL
from linnet.losses.huber import Huber
from linnet.losses.loss import Loss
from linnet.losses.poisson_nll import PoissonNLL
from linnet.losses.squared_error import SquaredError
from linnet.losses.torch_twins import (
    TorchAbsoluteError,
    TorchCrossEntropy,
    TorchGaussianNLL,
    TorchHuber,
    TorchLoss,
    TorchPoissonNLL,
    TorchSquaredError,
)

__all__ = [
    "AbsoluteError",
    "CrossEntropy",
    "CrossEntropyNaive",
    "GaussianNLL",
    "Huber",
    "Loss",
    "PoissonNLL",
    "SquaredError",
    "TorchAbsoluteError",
    "TorchCrossEntropy",
    "TorchGaussianNLL",
    "TorchHuber",
    "TorchLoss",
    "TorchPoissonNLL",
    "TorchSquaredError",
    "softmax",
]
