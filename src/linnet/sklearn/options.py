"""Losses, penalties and numbers as the parameters of an estimator name them."""

import math
from numbers import Integral, Real
from typing import Any

from linnet.losses import (
    AbsoluteError,
    CrossEntropy,
    CrossEntropyNaive,
    GaussianNLL,
    Huber,
    Loss,
    PoissonNLL,
    SquaredError,
    TorchAbsoluteError,
    TorchCrossEntropy,
    TorchGaussianNLL,
    TorchHuber,
    TorchPoissonNLL,
    TorchSquaredError,
)
from linnet.losses.log_cosh import LogCosh
from linnet.optimizers import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Exact,
    Momentum,
    Optimizer,
    RMSprop,
    TorchAdam,
    TorchAdamW,
    TorchLBFGS,
    TorchSGD,
)
from linnet.penalties import L1, L2, ElasticNet, NoPenalty, Penalty
from linnet.system.errors import InputError

LOSSES: dict[str, type[Loss]] = {
    "squared_error": SquaredError, "absolute_error": AbsoluteError, "huber": Huber, "log_cosh": LogCosh,
    "gaussian_nll": GaussianNLL, "poisson_nll": PoissonNLL, "cross_entropy": CrossEntropy,
    "cross_entropy_naive": CrossEntropyNaive, "torch_squared_error": TorchSquaredError,
    "torch_absolute_error": TorchAbsoluteError, "torch_huber": TorchHuber, "torch_gaussian_nll": TorchGaussianNLL,
    "torch_poisson_nll": TorchPoissonNLL, "torch_cross_entropy": TorchCrossEntropy,
}  # fmt: skip
"""The names of the configuration group `loss`, with the defaults of each."""

PENALTIES: dict[str, type[Penalty]] = {"none": NoPenalty, "l2": L2, "l1": L1, "elastic_net": ElasticNet}

OPTIMIZERS: dict[str, tuple[type[Optimizer], dict[str, float]]] = {
    "sgd": (SGD, {"lr": 0.1}), "momentum": (Momentum, {"lr": 0.02, "momentum": 0.9}), "adam": (Adam, {"lr": 0.01}),
    "adamw": (AdamW, {"lr": 0.01}), "rmsprop": (RMSprop, {"lr": 0.001}), "adagrad": (Adagrad, {"lr": 0.1}),
    "torch_sgd": (TorchSGD, {"lr": 0.1}), "torch_adam": (TorchAdam, {"lr": 0.01}),
    "torch_adamw": (TorchAdamW, {"lr": 0.01}), "torch_lbfgs": (TorchLBFGS, {"lr": 1.0}),
}  # fmt: skip
"""The names of the configuration group `optimizer` but exact, with the options that have no default, and lr."""


class InvalidParameter(InputError, ValueError):
    """A parameter of an estimator is not what it admits; a ValueError as well, which scikit-learn's tools expect."""


def loss_of(loss: str | Loss, task: str) -> Loss:
    """Return the loss of a name, with its defaults, or the loss given.

    Raises:
        InvalidParameter: there is no such loss, or it is of the other task.
    """
    if isinstance(loss, Loss):
        found = loss
    elif isinstance(loss, str) and loss in LOSSES:
        found = LOSSES[loss]()
    else:
        names = ", ".join(name for name, kind in LOSSES.items() if kind.task == task)
        raise InvalidParameter(f"loss is {loss!r}: expected a linnet.losses.Loss or one of {names}")
    if found.task != task:
        raise InvalidParameter(f"loss={loss!r} is one of {found.task}, this estimator is for {task}")
    return found


def penalty_of(penalty: str | None, strength: float, l1_ratio: float) -> Penalty:
    """Return the penalty of a name.

    Raises:
        InvalidParameter: there is no such penalty, or a coefficient is out of range.
    """
    strength = number("strength", strength, low=0)
    match penalty:
        case None | "none":
            return NoPenalty()
        case "l2":
            return L2(strength)
        case "l1":
            return L1(strength)
        case "elastic_net":
            return ElasticNet(strength, number("l1_ratio", l1_ratio, low=0, high=1))
    raise InvalidParameter(f"penalty is {penalty!r}: expected None, 'l2', 'l1' or 'elastic_net'")


def optimizer_of(solver: str | Optimizer | Exact, lr: float | None) -> Optimizer | Exact:
    """Return the optimizer of a name, with a learning rate of its own or `lr`, or the one given.

    Raises:
        InvalidParameter: there is no such optimizer, or a learning rate for one that has it already, or out of range.
    """
    rate = None if lr is None else number("lr", lr, low=0, above=True)
    if isinstance(solver, str) and solver in OPTIMIZERS:
        kind, options = OPTIMIZERS[solver]
        return kind(**(options if rate is None else {**options, "lr": rate}))
    if isinstance(solver, Optimizer) and rate is not None:
        raise InvalidParameter(f"lr is {lr!r}, and solver={solver!r} has its own: leave one of them out")
    if isinstance(solver, Optimizer | Exact):
        return solver
    if solver == "exact":
        return Exact()
    names = ", ".join(OPTIMIZERS)
    raise InvalidParameter(f"solver is {solver!r}: expected a linnet.optimizers.Optimizer or one of exact, {names}")


def number(name: str, value: Any, low: float, high: float = math.inf, *, above: bool = False) -> float:
    """Return a parameter as a float. Raises InvalidParameter unless it is a finite number in [low, high].

    Args:
        above: whether `low` itself is out of range.
    """
    fits = not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
    if not fits or not low <= value <= high or (above and value == low):
        interval = f"{'(' if above else '['}{low:g}, {high:g}{')' if high == math.inf else ']'}"
        raise InvalidParameter(f"{name} is {value!r}: expected a number in {interval}")
    return float(value)


def count(name: str, value: Any) -> int:
    """Return a parameter as an int. Raises InvalidParameter unless it is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise InvalidParameter(f"{name} is {value!r}: expected a whole number in [1, inf)")
    return int(value)
