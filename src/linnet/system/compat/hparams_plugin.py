"""Private parts of TensorBoard's page HPARAMS: the order of its columns.

The page begins with the first five hyperparameters and the first five metrics by name. Metrics would be the last points
of curves, and hyperparameters numbers of the training problem, before what a sweep is about.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tensorboard import default
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.hparams_plugin import HParamsPlugin

Arrange = Callable[[Any], None]


def plugins(arrange: Arrange) -> Sequence[Any]:
    """Return TensorBoard's plugins, that of HPARAMS with columns arranged.

    Args:
        arrange: orders the `hparam_infos` and `metric_infos` of an `Experiment` of TensorBoard's in place.
    """

    class ArrangedContext(Context):
        def experiment_from_metadata(self, *args: Any, **options: Any) -> Any:
            experiment = super().experiment_from_metadata(*args, **options)
            arrange(experiment)
            return experiment

    class ArrangedHParams(HParamsPlugin):
        def __init__(self, context: Any) -> None:
            super().__init__(context)
            self._context = ArrangedContext(context)

    return [ArrangedHParams if plugin is HParamsPlugin else plugin for plugin in default.get_plugins()]
