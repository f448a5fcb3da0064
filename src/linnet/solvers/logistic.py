"""The logistic loss: softmax of two classes as a function of one logit, their difference."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from linnet.solvers.convex_loss import ConvexLoss
from linnet.solvers.convex_losses import Softmax


class Logistic(ConvexLoss):
    """The softmax loss of logits (−u/2, u/2) as a function of u `[1, N]`.

    With the margin m = u for class 1 and −u for class 0, and label smoothing ε, it is −log σ(m) + ε/2 m.

    Its dual variable is half the difference of those of softmax, of which (−θ, θ) is the pair: it sums to zero, and a
    common shift of the logits changes no loss, so that the conjugate is that of softmax.
    """

    def __init__(self, softmax: Softmax) -> None:
        super().__init__(softmax.loss, smoothness=0.25)
        self.softmax, self.weight = softmax, softmax.weight

    def weighted(self, weight: Tensor | None) -> "Logistic":
        return Logistic(self.softmax.weighted(weight))

    def value_and_theta(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        sign, smoothed = (2 * y - 1).to(z.dtype), self.softmax.label_smoothing / 2
        margin = sign * z
        value, slope = -logsigmoid(margin), -torch.sigmoid(-margin)
        if smoothed:
            value, slope = value + smoothed * margin, slope + smoothed
        return self.times_weight(value[0]), self.times_weight(sign * slope)

    def _conjugate(self, theta: Tensor, y: Tensor) -> Tensor:
        return self.softmax._conjugate(torch.cat([-theta, theta]), y)

    def _centre(self, theta: Tensor, y: Tensor) -> Tensor:
        return self.softmax._centre(torch.cat([-theta, theta]), y)[1:]

    def _curvature(self, z: Tensor, y: Tensor, majorise: float) -> Tensor:
        return torch.sigmoid(z) * torch.sigmoid(-z)
