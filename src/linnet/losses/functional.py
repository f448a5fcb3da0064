"""The losses as functions of one model's predictions, called as those of `torch.nn.functional` are.

Shapes, reductions and errors are those of `Loss.__call__`. Each is equal to the function of torch that it names.
"""

from torch import Tensor

from linnet.losses.absolute_error import AbsoluteError
from linnet.losses.cross_entropy import CrossEntropy
from linnet.losses.cross_entropy_naive import CrossEntropyNaive
from linnet.losses.gaussian_nll import GaussianNLL
from linnet.losses.huber import Huber
from linnet.losses.log_cosh import LogCosh
from linnet.losses.loss import Reduction
from linnet.losses.poisson_nll import PoissonNLL
from linnet.losses.squared_error import SquaredError


def squared_error(prediction: Tensor, target: Tensor, reduction: Reduction = "mean") -> Tensor:
    """Half the squared error ½(p − y)²: half of `F.mse_loss`, which has no ½."""
    return SquaredError()(prediction, target, reduction)


def absolute_error(prediction: Tensor, target: Tensor, reduction: Reduction = "mean") -> Tensor:
    """Absolute error |p − y|, as `F.l1_loss`."""
    return AbsoluteError()(prediction, target, reduction)


def huber(prediction: Tensor, target: Tensor, delta: float = 1.0, reduction: Reduction = "mean") -> Tensor:
    """Huber's loss, as `F.huber_loss`; delta as of `Huber`."""
    return Huber(delta)(prediction, target, reduction)


def log_cosh(prediction: Tensor, target: Tensor, delta: float = 1.0, reduction: Reduction = "mean") -> Tensor:
    """δ² log cosh((p − y)/δ), which torch has not; delta as of `LogCosh`."""
    return LogCosh(delta)(prediction, target, reduction)


def gaussian_nll(prediction: Tensor, target: Tensor, sigma: float = 1.0, reduction: Reduction = "mean") -> Tensor:
    """−log N(y; p, σ²), as `F.gaussian_nll_loss` with `var` σ² and `full=True`."""
    return GaussianNLL(sigma)(prediction, target, reduction)


def poisson_nll(prediction: Tensor, target: Tensor, reduction: Reduction = "mean") -> Tensor:
    """exp(p) − y p, as `F.poisson_nll_loss` of a log rate without the term log y!."""
    return PoissonNLL()(prediction, target, reduction)


def cross_entropy(
    prediction: Tensor, target: Tensor, label_smoothing: float = 0.0, reduction: Reduction = "mean"
) -> Tensor:
    """Cross-entropy of logits and class numbers in nats, as `F.cross_entropy`."""
    return CrossEntropy(label_smoothing)(prediction, target, reduction)


def cross_entropy_naive(
    prediction: Tensor, target: Tensor, label_smoothing: float = 0.0, reduction: Reduction = "mean"
) -> Tensor:
    """Cross-entropy as its definition reads, which overflows; see `CrossEntropyNaive`."""
    return CrossEntropyNaive(label_smoothing)(prediction, target, reduction)
