"""Sweeps from Python: a grid as a dictionary, the same jobs, directory and launchers as `linnet train -m`."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from linnet.comparison.runs import read_run
from linnet.config.groups import EXPERIMENT, GROUPS
from linnet.config.own_parts import CHOSEN
from linnet.config.python_options import SHORT, overrides_of, value_text
from linnet.config.trust import trust_object
from linnet.results.nested import Nested, nested
from linnet.results.runs import Runs
from linnet.sweeps.multirun import run_sweep
from linnet.system.errors import InputError
from linnet.training.call import process_as_before
from linnet.training.from_python import given_data, is_overrides

PARTS, DATA = "the classes and functions given in Python", "the data given in Python"


def sweep(
    grid: Mapping[str, Any], x: Any, overrides: Any, options: Mapping[str, Any], *, sweep_dir: str | Path | None,
    launcher: str | None, quiet: bool, save_data: bool, **data: Any,
) -> Runs:  # fmt: skip
    """Run a sweep; see `linnet.sweep`."""
    with (
        _words(grid, x, overrides, options, sweep_dir, launcher, save_data, data) as (words, given),
        process_as_before(),
    ):
        swept = run_sweep(words, given=given, quiet=quiet)
    started = [path for path in swept.directories if path.is_dir()]
    if not started:
        raise InputError("no job of the sweep has started")
    return Runs(
        [read_run(path) for path in started], skipped=[path for path in swept.directories if path not in started]
    )


def nested_call(n_folds: int, grid: Mapping[str, Any], x: Any, y: Any, arguments: Mapping[str, Any]) -> Nested:
    """Run a sweep for each outer fold; see `linnet.nested`."""
    data = {"y": y, **{name: arguments.get(name) for name in ("val", "test", "sample_weight")}}
    named = ("overrides", "sweep_dir", "launcher", "save_data", "quiet")
    overrides, sweep_dir, launcher, save_data, quiet = (arguments.get(name) for name in named)
    options = {name: value for name, value in arguments.items() if name not in (*named, *data)}
    call = _words(grid, x, overrides, options, sweep_dir, launcher, bool(save_data), data)
    with call as (words, given), process_as_before():
        return nested(n_folds, words, given=given, quiet=bool(quiet))


@contextmanager
def _words(
    grid: Mapping[str, Any], x: Any, overrides: Any, options: Mapping[str, Any], sweep_dir: str | Path | None,
    launcher: str | None, save_data: bool, data: Mapping[str, Any],
) -> Iterator[tuple[list[str], str | None]]:  # fmt: skip
    """Yield the words of a call as on the command line, and what is given in Python; inside, its data can be read."""
    swept, has_parts = grid_words(grid)
    are_overrides = is_overrides(x, data["y"])
    given = x if are_overrides and len(x) else overrides
    words = [*overrides_of(given or (), options), *swept]
    if sweep_dir is not None:
        words.append(f"hydra.sweep.dir={value_text(Path(sweep_dir))}")
    if launcher is not None:
        words.append(f"hydra/launcher={launcher}")
    has_parts = has_parts or any(not isinstance(options.get(group), (str, Mapping, type(None))) for group in CHOSEN)
    if are_overrides:
        if len(x) and overrides is not None:
            raise InputError("overrides were given twice: as the second argument and by name")
        for name, value in data.items():
            if value is not None:
                raise InputError(f"{name} is of data given in Python, and the second argument gives none")
        yield words, PARTS if has_parts else None
        return
    with given_data(x, **data, save=save_data) as more:
        yield [*more, *words], DATA


def grid_words(grid: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return the overrides of a grid, `optimizer.lr=0.1,0.01`, and whether it holds classes or functions.

    Args:
        grid: key, short name or group -> its values, or a single one.

    Raises:
        InputError: a key has no values, or one of a type that no option has.
    """
    words, parts = [], False
    for name, given in grid.items():
        key = SHORT.get(name, name)
        several = isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping, type))
        values = list(given) if several else [given]
        if not values:
            raise InputError(f"{name}: no values to sweep over")
        texts = []
        for value in values:
            if key in CHOSEN and callable(value):
                parts = True
                texts.append(trust_object(value))
            elif key in (*GROUPS, EXPERIMENT) and isinstance(value, str):
                texts.append(value)
            else:
                texts.append(value_text(value))
        words.append(f"{key}={','.join(texts)}")
    return words, parts
