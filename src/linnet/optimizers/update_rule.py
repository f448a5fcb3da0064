"""Optimizers whose step is arithmetic on tensors with a few numbers, all of which are known before the step.

The numbers of many steps can so be computed at once and before them, as a recording of the steps for a GPU demands.
"""

from abc import abstractmethod
from typing import TypeAlias

from linnet.optimizers.hyperparameter import Hyperparameter
from linnet.optimizers.optimizer import Optimizer, State, Tensors

Numbers: TypeAlias = tuple[Hyperparameter, ...]


class UpdateRule(Optimizer):
    """An update rule in two parts: the numbers of a step, and the step with them."""

    @abstractmethod
    def numbers(self, step: Hyperparameter, factor: Hyperparameter) -> Numbers:
        """Return the numbers of an update, each one number or `[K]`.

        Args:
            step: the number of the update, counted from 1; 0 for rules that count none.
            factor: the schedule's multiplier of the learning rate, one number or `[K]`.
        """

    @abstractmethod
    def apply(self, params: Tensors, grads: Tensors, state: State, numbers: Numbers) -> None:
        """Take one step with these numbers: change `params` and the tensors of `state` in place, as `update` does."""

    @abstractmethod
    def step_size_of(self, index: int, state: State, numbers: Numbers) -> Hyperparameter:
        """Return the `step_size` of an update with these numbers."""

    def update(self, params: Tensors, grads: Tensors, state: State, factor: Hyperparameter = 1.0) -> None:
        if "step" in state:
            state["step"] += 1
        self.apply(params, grads, state, self.numbers(state.get("step", 0), factor))

    def step_size(self, index: int, state: State, factor: Hyperparameter = 1.0) -> Hyperparameter:
        return self.step_size_of(index, state, self.numbers(state.get("step", 0), factor))
