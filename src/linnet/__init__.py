"""linnet: experiment-tracked linear and softmax regression.

    >>> run = linnet.train(["experiment=softmax_scratch", "seed=1"])
    >>> run.metrics["test/accuracy"], run.directory
    >>> linnet.load(run.directory)(pictures).argmax(axis=1)

Importing this module loads neither torch nor Lightning; `train` does.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linnet.system.version import VERSION

if TYPE_CHECKING:
    from linnet.inference.predictor import Predictor
    from linnet.training.finalize import Run

__version__ = VERSION
__all__ = ["__version__", "load", "train"]


def load(run: str | Path) -> "Predictor":
    """Load a completed run as a function of new examples; see `linnet.inference.predictor.Predictor`. Loads no torch.

    Args:
        run: its directory.

    Raises:
        InputError: if there is no completed run, or a file of it is damaged.
    """
    from linnet.inference.predictor import load_predictor

    return load_predictor(Path(run))


def train(overrides: Sequence[str] = (), **parts: Any) -> "Run":
    """Train one run, as `linnet train` does, and return what it left behind.

    Args:
        overrides: as on the command line, e.g. `["data=diabetes", "optimizer.lr=0.3"]`.
        parts: classes and functions of your own, as in conf/README.md, trusted because you give them: `loss=Pinball`,
            `data=rings`, `metric={"mape": MAPE}`. Their arguments are overrides: `["loss.q=0.8"]`.

    Raises:
        InputError: what was asked for cannot be run; no run directory is left.
        Diverged: the loss became infinite or NaN, or has grown a thousandfold; the run directory holds
            all until then.
    """
    from linnet.training.train import train

    return train(overrides, parts=parts)
