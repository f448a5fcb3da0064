"""linnet: experiment-tracked linear and softmax regression.

    >>> run = linnet.train(["experiment=softmax_scratch", "seed=1"])
    >>> run.metrics["test/accuracy"], run.directory
    >>> linnet.load(run.directory)(pictures).argmax(axis=1)

Importing this module loads neither torch nor Lightning; `train` does.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from linnet.system.errors import Diverged, InputError, Interrupted, LinnetError, ProcessLost
from linnet.system.version import VERSION

if TYPE_CHECKING:
    from linnet.results.run import Run
    from linnet.results.trained import TrainedRun

__version__ = VERSION
__all__ = [
    "Diverged", "InputError", "Interrupted", "LinnetError", "ProcessLost", "__version__", "load", "train",
]  # fmt: skip


def load(run: str | Path) -> "Run":
    """Load a completed run: its metrics, curves, coefficients and figures, and its model; see `Run`. Loads no torch.

    The run is a function of new examples: `linnet.load("runs/flowers")(X)`.

    Args:
        run: its directory.

    Raises:
        InputError: if there is no completed run, or a file of it is damaged.
    """
    from linnet.results.saved import load_run

    return load_run(Path(run))


def train(
    x: Any = (),
    /,
    y: Any = None,
    overrides: Any = None,
    *,
    val: Any = None,
    test: Any = None,
    sample_weight: Any = None,
    **options: Any,
) -> "TrainedRun":
    """Train one run, as `linnet train` does, and return what it left behind.

        linnet.train(X, y, penalty="l2", lr=0.1)
        linnet.train(["data=diabetes", "optimizer.lr=0.3"])

    Args:
        x: features: a data frame, or an array or tensor `[n, D]`; or overrides, where the data is a data source.
        y: targets `[n]`, or the name of the frame's target column.
        overrides: as on the command line: a list, one string of words, or a dictionary, `{"optimizer.lr": 0.3}`.
        val, test: pairs (X, y) of the same; None: drawn from the data, as options say.
        sample_weight: how much each training example counts in the loss `[n]`, at least 0.
        options: a group (`penalty="l2"`), the short name of a key (`lr=0.1`, `max_epochs=50`, `seed=1`, `name="a"`,
            `run_dir="runs/a"`), or classes and functions of your own, as in conf/README.md, trusted because you give
            them: `loss=Pinball`, `metric={"mape": MAPE}`. Their arguments are overrides: `["loss.q=0.8"]`.

    Raises:
        InputError: what was asked for cannot be run; no run directory is left.
        Diverged: the loss became infinite or NaN, or has grown a thousandfold; the run directory holds
            all until then.
    """
    from linnet.training.from_python import train_in_python

    finished = train_in_python(x, y, overrides, options, val=val, test=test, sample_weight=sample_weight)
    from linnet.results.trained import TrainedRun  # late: mistakes are answered before torch is imported

    return TrainedRun(finished)
