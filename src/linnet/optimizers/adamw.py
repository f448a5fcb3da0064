"""Adam with decoupled weight decay."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from linnet.optimizers.adam import Adam
from linnet.optimizers.hyperparameter import Hyperparameter, along_models
from linnet.optimizers.optimizer import State, Tensors
from linnet.optimizers.update_rule import Numbers


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam after a decay of the weight: w ← (1 - lr weight_decay) w, then Adam's step.

    The decay applies to the weight, `params[0]`, never to the bias. It stands beside the objective, not in it:
    Adam would rescale the gradient of an l2 penalty per coordinate, but leaves this decay alone.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019.

    Args:
        lr, beta1, beta2, eps: as in `Adam`.
        weight_decay: in [0, inf), one number or `[K]`.

    Raises:
        ValueError: a hyperparameter is out of range.
    """

    weight_decay: Annotated[Hyperparameter, Ge(0)] = 0.01

    def numbers(self, step: Hyperparameter, factor: Hyperparameter) -> Numbers:
        return (*super().numbers(step, factor), 1 - self.lr * factor * self.weight_decay)

    def apply(self, params: Tensors, grads: Tensors, state: State, numbers: Numbers) -> None:
        weight = params[0]
        weight.mul_(along_models(numbers[3], weight))
        super().apply(params, grads, state, numbers)
