"""Losses: pure functions from prediction and target to a value per example and its derivative.

`linnet.losses.huber(prediction, target, delta=2.0)` and `Huber(delta=2.0)(prediction, target)` are called as torch's.
"""

from linnet.losses.absolute_error import AbsoluteError as AbsoluteError
from linnet.losses.cross_entropy import CrossEntropy as CrossEntropy, softmax as softmax
from linnet.losses.cross_entropy_naive import CrossEntropyNaive as CrossEntropyNaive
from linnet.losses.gaussian_nll import GaussianNLL as GaussianNLL
from linnet.losses.huber import Huber as Huber
from linnet.losses.log_cosh import LogCosh as LogCosh
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

from linnet.losses.functional import (  # isort: skip  # last: the functions have the names of modules
    absolute_error as absolute_error,
    cross_entropy as cross_entropy,
    cross_entropy_naive as cross_entropy_naive,
    gaussian_nll as gaussian_nll,
    huber as huber,
    log_cosh as log_cosh,
    poisson_nll as poisson_nll,
    squared_error as squared_error,
)

# Configurations name this class by its module, which Hydra looks for among attributes, and finds the function.
setattr(log_cosh, LogCosh.__name__, LogCosh)
