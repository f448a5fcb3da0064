"""The interface of every optimizer: a pure update rule, its hyperparameters apart from its state."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor

from linnet.config.option_types import check_options
from linnet.optimizers.hyperparameter import Hyperparameter

Tensors: TypeAlias = Sequence[Tensor]
State: TypeAlias = dict[str, Any]
Evaluate: TypeAlias = Callable[[], tuple[Tensor, list[Tensor]]]


class Optimizer(ABC):
    """An update rule for K models trained side by side.

    Subclasses are frozen dataclasses whose fields are the hyperparameters, each one number or a tensor `[K]`.
    Parameters are `[weight [K, C, D], bias [K, C]]`, the bias possibly absent. No rule mixes coordinates of
    different models, so one row of a `[K]` run equals the run of that model alone.
    """

    lr: Hyperparameter
    """Learning rate, the field that every rule has."""

    needs_evaluate: ClassVar[bool] = False
    """Whether a step evaluates the objective itself: it is taken by `minimise`, not by `update`."""

    has_proximal_step: ClassVar[bool] = True
    """Whether `step_size` is defined, as an l1 penalty demands."""

    trains_many: ClassVar[bool] = True
    """Whether hyperparameters may be tensors `[K]`, one number per model."""

    exact: ClassVar[bool] = False
    """Whether the run is solved for, and takes no steps."""

    def __post_init__(self) -> None:
        check_options(self)

    @abstractmethod
    def init(self, params: Tensors) -> State:
        """Return the state before the first update: counters, and lists with one tensor per parameter."""

    @abstractmethod
    def update(self, params: Tensors, grads: Tensors, state: State, factor: Hyperparameter = 1.0) -> None:
        """Take one step: change `params` and `state` in place.

        To be called under `torch.no_grad()`: entering it in each step would take as long as a step of SGD.

        Args:
            params: the parameters that `state` was made for.
            grads: gradient of the objective's smooth part, one tensor per parameter and of its shape. It may
                be used as scratch memory: its contents are undefined afterwards.
            state: what `init` returned and earlier updates changed.
            factor: the schedule's multiplier of the learning rate, one number or `[K]`.
        """

    def minimise(self, params: Tensors, evaluate: Evaluate, state: State, factor: Hyperparameter = 1.0) -> None:
        """Take one step by evaluating objective and gradients of the current batch: once, unless overridden."""
        self.update(params, evaluate()[1], state, factor)

    @abstractmethod
    def step_size(self, index: int, state: State, factor: Hyperparameter = 1.0) -> Hyperparameter:
        """Return the step s of the update just taken, such that a constant gradient g moves parameters by -s g.

        The soft threshold of an l1 penalty λ is s λ. With this s, momentum and preconditioning leave the fixed
        point where it belongs: w = soft(w - s g, s λ) holds exactly where -g is a subgradient of λ‖w‖₁, for
        every positive s, coordinate by coordinate (Parikh and Boyd, Proximal Algorithms, 2014, section 4.2).

        Args:
            index: which parameter, as in `params`.
            state: the state after `update`.
            factor: the factor that `update` was given.

        Returns:
            One number, a tensor `[K]`, or a tensor of the parameter's shape.
        """

    def state_dict(self, state: State) -> dict[str, Any]:
        """Return a copy of `state` in plain containers and tensors, fit for `torch.load(weights_only=True)`."""
        return {
            name: [tensor.clone() for tensor in entry]
            if isinstance(entry, list)
            else entry.clone()
            if isinstance(entry, Tensor)
            else entry
            for name, entry in state.items()
        }

    @torch.no_grad()
    def load_state_dict(self, state: State, saved: dict[str, Any]) -> None:
        """Restore in place, bit for bit, what `state_dict` returned; `saved` is left alone.

        Raises:
            ValueError: `saved` comes from another kind of optimizer or from parameters of other shapes.
        """
        if _layout(saved) != _layout(state):
            raise ValueError(f"saved optimizer state is {_layout(saved)}, expected {_layout(state)}")
        for name, entry in saved.items():
            if isinstance(entry, list):
                for tensor, saved_tensor in zip(state[name], entry, strict=True):
                    tensor.copy_(saved_tensor)
            elif isinstance(entry, Tensor):
                state[name].copy_(entry)
            else:
                state[name] = entry


def state_of(state: State, models: slice) -> State:
    """Return the state of some of the models, as a view."""
    return {
        name: [tensor[models] for tensor in entry]
        if isinstance(entry, list)
        else entry[models]
        if isinstance(entry, Tensor)
        else entry
        for name, entry in state.items()
    }


def count_each(state: State, n_models: int, device: torch.device) -> State:
    """Return the state with counters of updates for each model, `[K]` float64, since some of them may skip some."""
    return {
        name: entry
        if isinstance(entry, (list, Tensor))
        else torch.full((n_models,), float(entry), dtype=torch.float64, device=device)
        for name, entry in state.items()
    }


class Idle:
    """Parameters and state of models that take no step, put back after the step of the others.

    Args:
        params, state: as an `Optimizer` takes them, the state as `count_each` makes it.
        models: bool `[K]`.
    """

    def __init__(self, params: Tensors, state: State, models: Tensor) -> None:
        entries = [*params]
        for entry in state.values():
            entries += entry if isinstance(entry, list) else [entry]
        self._models = models.nonzero()[:, 0]
        self._kept = [(tensor, tensor.index_select(0, self._models)) for tensor in entries]

    def restore(self) -> None:
        for tensor, kept in self._kept:
            tensor.index_copy_(0, self._models, kept)


def _layout(state: State) -> dict[str, Any]:
    return {
        name: [list(tensor.shape) for tensor in entry]
        if isinstance(entry, list)
        else list(entry.shape)
        if isinstance(entry, Tensor)
        else type(entry).__name__
        for name, entry in state.items()
    }
