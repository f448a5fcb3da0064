"""Linear regression (Dive into Deep Learning, chapter 3)."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from linnet.data import Examples
from linnet.data.target_spread import TargetSpread
from linnet.losses import Loss, SquaredError
from linnet.models.intervals import Intervals, bootstrap_intervals
from linnet.models.network import LinearNetwork
from linnet.models.running_metrics import RegressionMetrics, RunningMetrics


class LinearRegression(LinearNetwork):
    """ŷ = weight x + bias. Arguments and shapes as in LinearNetwork; metrics mse, rmse, mae, r2.

    With a loss that has a link (poisson_nll: rate = exp(prediction)), metrics compare expected targets with targets.
    """

    task: ClassVar[str] = "regression"

    def default_loss(self) -> Loss:
        return SquaredError()

    def new_metrics(
        self, n_absent: int = 0, n_models: int | None = None, spread: TargetSpread | None = None
    ) -> RunningMetrics:
        return RegressionMetrics(spread)

    def intervals(self, metrics: Mapping[str, float], prediction: Tensor | None, examples: Examples) -> Intervals:
        return {} if prediction is None else bootstrap_intervals(self.loss.mean(prediction[None])[0], examples.y)
