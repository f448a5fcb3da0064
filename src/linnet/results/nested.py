"""Nested cross-validation: the whole search, repeated for each outer fold and tested by it."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from linnet.comparison.groups import Group, Spread, spread
from linnet.comparison.runs import read_run
from linnet.comparison.table import best_line
from linnet.config.compose import compose_sweep, session
from linnet.config.environment import with_environment
from linnet.config.metric_names import HIGH, LOW
from linnet.config.project_options import take_searchpath
from linnet.results.runs import Runs
from linnet.sweeps.multirun import run_sweep
from linnet.sweeps.words import read_words
from linnet.system.errors import InputError
from linnet.system.files import write_json
from linnet.system.terminal import Terminal, labelled

FILE = "nested.json"
SET_HERE = ("data.outer_folds", "data.outer_fold")


@dataclass(frozen=True)
class Nested:
    """Nested cross-validation of a sweep.

    folds: the runs of the sweep of each outer fold, ranked.
    metrics: test metrics of what they chose, means over the outer folds, and with `_se` their standard errors.
    directory: with `nested.json`, and the sweeps in `outer_0`, `outer_1`, ….
    exit_code: 0 if every sweep's is 0.
    """

    folds: tuple[Runs, ...]
    metrics: Mapping[str, float]
    directory: Path
    exit_code: int

    def __repr__(self) -> str:
        """Return one line: how many outer folds, and the main metrics."""
        names = [name for name in ("test/accuracy", "test/r2", "test/loss") if name in self.metrics]
        shown = ", ".join(f"{name} {self.metrics[name]:.4g} ± {self.metrics[f'{name}_se']:.2g}" for name in names)
        return f"<Nested {len(self.folds)} outer folds: {shown}; {self.directory}>"


def nested(n_folds: int, overrides: Sequence[str], *, given: str | None = None, quiet: bool = False) -> Nested:
    """Run a sweep for each outer fold, and print how good what each of them chooses is on its outer fold.

    A sweep trains, validates and chooses without its outer fold, so that the mean over them estimates the test metrics
    of the whole procedure, the search included. The sweeps lie in `outer_0`, `outer_1`, … of the sweep directory; the
    same command again runs what is missing. `nested.json` there holds what was chosen and its metrics.

    Source: Varma and Simon, Bias in error estimation when using cross-validation for model selection, 2006.

    Args:
        n_folds: number of outer folds, at least 2.
        overrides: of the command line.
        given: what is given in Python, see `linnet.sweeps.multirun.run_sweep`.
        quiet: print nothing.

    Raises:
        InputError: the configuration of a job is wrong, or none of the jobs of an outer fold has completed.
    """
    folder = _folder(n_folds, overrides)
    others = [text for text in overrides if not text.startswith("hydra.sweep.dir=")]
    console, chosen, folds, code = Terminal(soft_wrap=True, quiet=quiet), [], [], 0
    for fold in range(n_folds):
        place = folder / f"outer_{fold}"
        of_fold = [f"data.outer_folds={n_folds}", f"data.outer_fold={fold}", f"hydra.sweep.dir={place}"]
        swept = run_sweep([*others, *of_fold], given=given, quiet=quiet)
        code = max(code, swept.exit_code)
        started = [path for path in swept.directories if path.is_dir()]
        runs = Runs([read_run(path) for path in started]) if started else None
        if runs is None or runs.groups[0].spread(runs.objective.metric) is None:
            raise InputError(f"outer fold {fold}: none of its jobs has completed, see {place}")
        console.print(f"outer fold {fold}: {best_line(runs.groups[0], runs.objective)}")
        chosen.append(runs.groups[0])
        folds.append(runs)
    means = _means(chosen)
    metrics = _flat(means)
    write_json(folder / FILE, {"folds": [_record(group, folder) for group in chosen], "metrics": metrics})
    shown = ", ".join(f"{name} {value}" for name, value in means.items())
    console.print(f"mean ± standard error over {n_folds} outer folds: {shown}")
    console.print(labelled("nested", os.path.relpath(folder / FILE), 8))
    return Nested(tuple(folds), metrics, folder, code)


def _folder(n_folds: int, overrides: Sequence[str]) -> Path:
    """Return the sweep directory that the overrides name or that is made for them."""
    if n_folds < 2:
        raise InputError(f"--nested {n_folds}: expected a number of outer folds in [2, inf)")
    for text in overrides:
        if text.lstrip("+").partition("=")[0] in SET_HERE:
            raise InputError(f"{text}: --nested {n_folds} sets it for each outer fold, leave it out")
    words = read_words(with_environment(overrides))
    rest, folders = take_searchpath(words.overrides)
    with session(folders):
        return Path(compose_sweep(rest, words.of_jobs).hydra.sweep.dir)


def _test_metrics(group: Group) -> dict[str, float]:
    """Return the test metrics of the chosen settings, means over their seeds."""
    names = dict.fromkeys(name for run in group.completed for name in run.metrics if name.startswith("test/"))
    found = {name: group.spread(name) for name in names if not name.endswith((LOW, HIGH))}
    return {name: value.mean for name, value in found.items() if value is not None}


def _means(chosen: Sequence[Group]) -> dict[str, Spread]:
    """Return mean and standard error over the outer folds of the test metrics that all of them have."""
    metrics = [_test_metrics(group) for group in chosen]
    found = {}
    for name in metrics[0]:
        value = spread([each[name] for each in metrics if name in each])
        if value is not None and value.n == len(chosen) and value.std is not None:
            found[name] = Spread(value.mean, value.std / len(chosen) ** 0.5, 1, is_error=True)
    return found


def _record(group: Group, folder: Path) -> dict[str, object]:
    paths = [os.path.relpath(run.path, folder) for run in group.completed]
    return {"settings": dict(group.settings), "runs": paths, "metrics": _test_metrics(group)}


def _flat(means: dict[str, Spread]) -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, value in means.items():
        flat |= {name: value.mean, f"{name}_se": math.nan if value.std is None else value.std}
    return flat
