"""linnet: experiment-tracked linear and softmax regression.

    >>> run = linnet.train(["experiment=softmax_scratch", "seed=1"])
    >>> run.metrics["test/accuracy"], run.directory
    >>> linnet.load(run.directory)(pictures).argmax(axis=1)

Importing this module loads neither torch nor Lightning; `train` does.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linnet.system.errors import Diverged, InputError, Interrupted, LinnetError, ProcessLost
from linnet.system.version import VERSION

if TYPE_CHECKING:
    from linnet.models import LinearRegression, SoftmaxRegression
    from linnet.results.nested import Nested
    from linnet.results.run import Run
    from linnet.results.runs import Runs
    from linnet.results.trained import TrainedRun

__version__ = VERSION
__all__ = [
    "Diverged", "InputError", "Interrupted", "LinearRegression", "LinnetError", "Nested", "ProcessLost", "Run", "Runs",
    "SoftmaxRegression", "TrainedRun", "__version__", "compare", "load", "nested", "open_runs", "resume", "sweep",
    "train",
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
    save_data: bool = False,
    tracked: bool = True,
    quiet: bool = False,
    **options: Any,
) -> "TrainedRun":
    """Train one run, as `linnet train` does, and return what it left behind.

        linnet.train(X, y, penalty="l2", lr=0.1)
        linnet.train(["data=diabetes", "optimizer.lr=0.3"])

    Args:
        x: features: a data frame, or an array or tensor `[n, D]`, of images `[n, …]`; a `Dataset` of pairs or a
            `LightningDataModule`; or overrides, where the data is that of a data source.
        y: targets `[n]`, of several `[n, C]`, or the name of the frame's target column.
        overrides: as on the command line: a list, one string of words, or a dictionary, `{"optimizer.lr": 0.3}`.
        val, test: pairs (X, y) of the same; None: drawn from the data, as options say.
        sample_weight: how much each training example counts in the loss `[n]`, at least 0.
        save_data: keep the data in the run directory, so that the run can be resumed, evaluated and reproduced there.
        tracked: False: write no file; the weights and metrics are those of a tracked run, the `directory` is None.
        quiet: print nothing.
        options: a group (`penalty="l2"`), the short name of a key (`lr=0.1`, `max_epochs=50`, `seed=1`, `name="a"`,
            `run_dir="runs/a"`), or classes and functions of your own, as in conf/README.md, trusted because you give
            them: `loss=Pinball`, `metric={"mape": MAPE}`. Their arguments are overrides: `["loss.q=0.8"]`.
            `figures` is false for data given in Python: those of the returned run are drawn when looked at.

    Raises:
        InputError: what was asked for cannot be run; no run directory is left.
        Diverged: the loss became infinite or NaN, or has grown a thousandfold; the run directory holds
            all until then.
    """
    from linnet.training.call import train_call

    finished = train_call(
        x, overrides, options, y=y, val=val, test=test, sample_weight=sample_weight, save_data=save_data,
        tracked=tracked, quiet=quiet,
    )  # fmt: skip
    from linnet.results.trained import TrainedRun  # late: mistakes are answered before torch is imported

    return TrainedRun(finished)


def resume(
    run: str | Path,
    x: Any = None,
    y: Any = None,
    *,
    val: Any = None,
    test: Any = None,
    sample_weight: Any = None,
    max_epochs: int | None = None,
) -> "TrainedRun":
    """Resume a run that was interrupted, or train a completed one for more epochs, as `linnet resume` does.

    Args:
        run: its directory.
        x, y, val, test, sample_weight: the data of a run that was given data in Python and did not keep it.
        max_epochs: how many epochs the run is to have in all; None: as many as it was started with.

    Raises:
        InputError: there is nothing to go on with, or the data is another one.
        Diverged: as `train`.
    """
    from linnet.results.trained import TrainedRun
    from linnet.training.call import resume_call

    return TrainedRun(resume_call(run, x, y=y, val=val, test=test, sample_weight=sample_weight, max_epochs=max_epochs))


def sweep(
    grid: Mapping[str, Any],
    /,
    x: Any = (),
    y: Any = None,
    overrides: Any = None,
    *,
    val: Any = None,
    test: Any = None,
    sample_weight: Any = None,
    save_data: bool = False,
    sweep_dir: str | Path | None = None,
    launcher: str | None = None,
    quiet: bool = False,
    **options: Any,
) -> "Runs":
    """Train one run for each combination of values, as `linnet train -m` does, and return them ranked.

        linnet.sweep({"lr": [0.1, 0.01], "seed": range(3)}, "data=digits", max_epochs=5)
        linnet.sweep({"penalty.strength": [0.1, 1, 10]}, X, y, penalty="l2", launcher="vectorized")

    The same call on the same `sweep_dir` runs only what is missing. Jobs that diverge or fail are in the result, with
    their reasons.

    Args:
        grid: key (`"optimizer.lr"`), its short name (`"lr"`) or group (`"penalty"`) -> values.
        x, y, overrides, val, test, sample_weight, save_data, options: as of `train`.
        sweep_dir: where the jobs' directories are; None: a new folder below runs.
        launcher: "vectorized" trains jobs that share their minibatches as one matrix product; others as
            `hydra/launcher=…`; None: one job after the other.
        quiet: print nothing.

    Raises:
        InputError: the configuration of a job is wrong; nothing has run then.
    """
    from linnet.results.sweep import sweep

    return sweep(
        grid, x, overrides, options, sweep_dir=sweep_dir, launcher=launcher, quiet=quiet, save_data=save_data,
        y=y, val=val, test=test, sample_weight=sample_weight,
    )  # fmt: skip


def nested(n_folds: int, grid: Mapping[str, Any], /, x: Any = (), y: Any = None, **arguments: Any) -> "Nested":
    """Repeat a sweep for each of K outer folds, without its examples, and test by them what it chooses.

        linnet.nested(5, {"penalty.strength": [0.1, 1, 10]}, X, y, resampling="kfold", optimizer="exact").metrics

    The means of the test metrics are honest estimates for the whole procedure, the choice included; those of the folds
    that chose are not. As `linnet train --nested K`.

    Args:
        n_folds: K, at least 2; the folds are parts of the training examples, of a table parts of all rows.
        grid, x, y, arguments: as of `sweep`.

    Raises:
        InputError: as `sweep`, or none of the jobs of an outer fold has completed.
    """
    from linnet.results.sweep import nested_call

    return nested_call(n_folds, grid, x, y, arguments)


def compare(
    *runs: "str | Path | Run | Runs", metric: str | None = None, direction: str | None = None, tags: Sequence[str] = (),
    rule: str = "best", simplest: str | None = None,
) -> "Runs":  # fmt: skip
    """Compare runs as `linnet compare` does, without writing a file.

    Args:
        runs: directories of runs or of sweeps, at any depth; or runs themselves.
        metric: orders them, e.g. "val/accuracy"; None: the runs' objective.
        direction: "minimize" or "maximize", for a metric that has none of its own.
        tags: only runs that have all of these.
        rule: "best", or "one-standard-error": the `best` run is that of the simplest settings within one standard error
            of the best, over the resamples.
        simplest: of that rule, "KEY=largest" or "KEY=smallest"; None: "penalty.strength=largest".

    Raises:
        InputError: a directory does not exist, there is no run, or none has the metric or the tags; the rule does not
            apply to them.
    """
    from linnet.results.runs import compare

    return compare(runs, metric, direction, tags, rule, simplest)


def open_runs(
    pattern: str | Path, metric: str | None = None, direction: str | None = None, tags: Sequence[str] = ()
) -> "Runs":
    """Open all runs that a pattern of paths matches, such as "runs/**" or "runs/digits/2026-*", in whatever state.

    Folders that the pattern matches and that hold no run are in `Runs.skipped`, and a warning names them.

    Args:
        pattern: of `glob`, where `**` is any number of folders.
        metric, direction, tags: as of `compare`.

    Raises:
        InputError: nothing matches, there is no run, or none has the metric or the tags.
    """
    from linnet.results.runs import open_runs

    return open_runs(str(pattern), metric, direction, tags)


if not TYPE_CHECKING:
    _CLASSES = {
        "LinearRegression": "models", "SoftmaxRegression": "models", "Nested": "results.nested", "Run": "results.run",
        "Runs": "results.runs", "TrainedRun": "results.trained",
    }  # fmt: skip

    def __getattr__(name: str) -> Any:
        """Import a class when it is first used."""
        if name not in _CLASSES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"linnet.{_CLASSES[name]}"), name)
