"""Metrics: a class with a direction and a value of the predictions and targets of all evaluated examples."""

from torch import Tensor


class MAPE:
    """Mean absolute percentage error, 100 |y − p| / |y|, for targets that are never 0."""

    direction = "minimize"

    def value(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the error of each example, in the units of the data: [N, C], [N, C] -> [N]. Their mean is reported."""
        return 100 * ((target - prediction).abs() / target.abs()).mean(-1)
