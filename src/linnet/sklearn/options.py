"""Losses, penalties and numbers as the parameters of an estimator name them."""

import math
from importlib import import_module
from numbers import Integral, Real
from typing import Any

from linnet.config.groups import shipped_in
from linnet.losses import Loss
from linnet.optimizers import Exact, Optimizer
from linnet.penalties import L1, L2, ElasticNet, NoPenalty, Penalty
from linnet.system.errors import InputError


def _components(group: str) -> dict[str, tuple[type[Any], dict[str, Any]]]:
    """Return the name of each option of a configuration group -> its class and the values in its file."""
    found = {}
    for name, node in shipped_in(group).items():
        module, _, attribute = node["_target_"].rpartition(".")
        options = {key: value for key, value in node.items() if key != "_target_"}
        found[name] = getattr(import_module(module), attribute), options
    return found


_LOSSES = _components("loss")
LOSSES: dict[str, type[Loss]] = {name: kind for name, (kind, _) in _LOSSES.items()}
PENALTIES: dict[str, type[Penalty]] = {name: kind for name, (kind, _) in _components("penalty").items()}
OPTIMIZERS: dict[str, tuple[type[Optimizer], dict[str, Any]]] = {
    name: component for name, component in _components("optimizer").items() if name != "exact"
}
"""Name -> class and options."""


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
        kind, options = _LOSSES[loss]
        found = kind(**options)
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
