"""Weighted squared error as squared error without weights and without a bias, of other rows."""

from dataclasses import dataclass, replace

from torch import Tensor

from linnet.data.examples import Examples
from linnet.losses import Loss
from linnet.optimum.families import family_of
from linnet.optimum.family import Quadratic
from linnet.optimum.optimum import Optimum


@dataclass(frozen=True)
class WeightedRows:
    """Rows √w (x − x̄) and √w (y − ȳ), w having mean 1 and x̄, ȳ being weighted means, 0 where there is no bias.

    The best bias for W is ȳ − W x̄, so the mean loss of these rows at W is 1/Σw Σ_i w_i ℓ_i at W and its best bias.

    examples: these rows, float64, without weights.
    mean_x: x̄ `[D]`.
    mean_y: ȳ `[C]`.
    """

    examples: Examples
    mean_x: Tensor
    mean_y: Tensor

    def undo(self, found: Optimum) -> Optimum:
        """The optimum of the weighted problem, from that of these rows."""
        words = f"{found.certificate}; of rows times √weight about weighted means, taken for exact"
        return replace(found, bias=self.mean_y - found.weight @ self.mean_x, certificate=words)


def takes_weights(loss: Loss) -> bool:
    """Whether the optimum of a loss is known for weighted examples."""
    return isinstance(family_of(loss), Quadratic)


def weighted_rows(examples: Examples, loss: Loss, *, bias: bool) -> WeightedRows:
    """The rows that stand for weighted examples of squared error.

    Raises:
        ValueError: the loss is another, or weights are not finite, negative, all 0, or not one per example.
    """
    if not takes_weights(loss):
        raise ValueError(f"{type(loss).__name__} of weighted examples: optima are known for squared error only")
    assert examples.weight is not None
    weight = examples.weight.detach().cpu().double()
    if weight.shape != (len(examples),) or not weight.isfinite().all() or bool((weight < 0).any()) or not weight.any():
        raise ValueError(f"weights are {tuple(weight.shape)}: N finite numbers of at least 0, not all 0, are wanted")
    weight = (weight / weight.mean())[:, None]
    x, y = examples.x.detach().cpu().double(), examples.y.detach().cpu().double()
    mean_x, mean_y = ((weight * part).mean(0) if bias else part.new_zeros(part.shape[1]) for part in (x, y))
    root = weight.sqrt()
    return WeightedRows(Examples(root * (x - mean_x), root * (y - mean_y)), mean_x, mean_y)
