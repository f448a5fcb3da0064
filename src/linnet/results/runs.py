"""Many runs as one object: a table, the best of them, figures."""

import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linnet.comparison.curves import loss_curve
from linnet.comparison.finding import find_runs, match_runs
from linnet.comparison.groups import Group, grouped, legend_label
from linnet.comparison.ranking import Objective, choose_objective, ranked
from linnet.comparison.rules import RULES, chosen_by
from linnet.comparison.runs import SavedRun, read_run, tagged
from linnet.comparison.table import STATE, best_line, comparison_cells, heading, incomplete_lines
from linnet.results.figures import Figure, Figures
from linnet.results.frames import frame
from linnet.results.html import escaped, faint, legend, page, table
from linnet.results.run import Run
from linnet.results.saved import load_run
from linnet.results.svg import COLOURS, Line, chart
from linnet.system.errors import InputError
from linnet.system.sanitize import plain

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS, MOST_LINES = 50, 10
"""Settings and further lines that a notebook shows."""


class Runs:
    """Runs in any state, ranked; runs that differ in their seed only are one setting.

    `runs[i]` loads the run of row i of `frame`.

    Args:
        saved: at least one.
        metric: orders them; None: the objective that most were configured with.
        direction: "minimize" or "maximize", for a metric that has none of its own.
        skipped: folders that were asked for and hold no run.
        rule, simplest: choose `chosen` among the groups, see `linnet.compare`.

    Raises:
        InputError: no run has the metric, or its direction is unknown; the rule does not apply.
    """

    def __init__(
        self, saved: Sequence[SavedRun], metric: str | None = None, direction: str | None = None,
        skipped: Sequence[Path] = (), rule: str = RULES[0], simplest: str | None = None,
    ) -> None:  # fmt: skip
        self.objective: Objective = choose_objective(saved, metric, direction)
        self.groups: list[Group] = ranked(grouped(saved), self.objective)
        self.skipped: tuple[Path, ...] = tuple(skipped)
        self.chosen, self.rule = chosen_by(rule, self.groups, self.objective, simplest)
        """Settings that the rule chooses, and the rule in words; by default the best ones."""

    @cached_property
    def saved(self) -> list[SavedRun]:
        """What the files of each run say, in the order of `frame`."""
        return [run for group in self.groups for run in group.runs]

    @property
    def frame(self) -> "pd.DataFrame":
        """One row per run, best settings first: run, state, seed, settings that vary, metrics, seconds, error.

        Raises:
            InputError: pandas is not installed.
        """
        settings = list(self.groups[0].settings)
        metrics = list(dict.fromkeys(key for run in self.saved for key in run.metrics))
        rows = [
            [str(run.path), run.state, run.seed, *group.settings.values(), *map(run.metrics.get, metrics), run.seconds,
             run.reason]
            for group in self.groups
            for run in group.runs
        ]  # fmt: skip
        found = frame(rows, ["run", "state", "seed", *settings, *metrics, "seconds", "error"])
        numbers = [*metrics, "seconds"]
        found[numbers] = found[numbers].astype("float64")
        return found

    @property
    def best(self) -> Run:
        """The best run of the chosen setting, by the objective; test metrics choose nothing.

        Raises:
            InputError: no run has completed with the objective, or a file of the best one is damaged.
        """
        metric, sign = self.objective.metric, 1 if self.objective.minimize else -1
        found = [run for run in self.chosen.completed if metric in run.metrics]
        if not found:
            raise InputError(f"none of {len(self)} runs has completed with {metric}: {self._first_reason()}")
        return load_run(min(found, key=lambda run: sign * run.metrics[metric]).path)

    @cached_property
    def figures(self) -> Figures:
        """Name -> PNG picture, as of `linnet compare`: the objective against each swept number, learning curves."""
        from linnet.comparison.figures import comparison_figures
        from linnet.tracking.report import png

        drawn = comparison_figures(self.groups, self.objective, self.chosen if self._has_best else None)
        return Figures({name: Figure(name, png(figure)) for name, figure in drawn})

    def plot(self, name: str | None = None) -> Figure:
        """Draw one of `figures`: that of this name, or the first.

        Raises:
            InputError: there is none of this name, or none at all since nothing varies.
        """
        if not self.figures:
            raise InputError("there is nothing to draw: the runs have no settings that vary")
        if name is not None and name not in self.figures:
            raise InputError(f"{name}: no such figure; choose from: {', '.join(self.figures)}")
        return self.figures[next(iter(self.figures)) if name is None else name]

    def report(self, path: str | Path) -> None:
        """Write one HTML page about the runs, that needs no network: settings, sensitivity, curves, the best run.

        Raises:
            InputError: the page cannot be written there.
        """
        from linnet.comparison.report.runs_page import groups_page, write_page

        write_page(Path(path), groups_page(self.groups, self.objective))

    def __len__(self) -> int:
        return len(self.saved)

    def __getitem__(self, index: int) -> Run:
        """Load the run of a row of `frame`. Raises InputError if it did not complete."""
        return load_run(self.saved[index].path)

    def __repr__(self) -> str:
        """Return one line: how many runs, and the best setting."""
        best = best_line(self.chosen, self.objective, self.rule) if self._has_best else self._first_reason()
        return f"<Runs {heading(self.groups)}: {plain(best, 300)}{self._skipped()}>"

    def _repr_html_(self) -> str:
        """Return table, with the best setting in bold, and learning curves for a notebook."""
        header, rows = comparison_cells(self.groups, self.objective)
        lines = [escaped(best_line(self.chosen, self.objective, self.rule), 400)] if self._has_best else []
        lines += _first(incomplete_lines(self.groups), MOST_LINES, "of further settings")
        if self.skipped:
            lines.append(faint(self._skipped().removeprefix("; ")))
        more = faint(f"{len(rows) - MOST_ROWS} more settings are in .frame") if len(rows) > MOST_ROWS else ""
        body = (
            table(
                header, rows[:MOST_ROWS], texts={STATE}, bold=self.groups.index(self.chosen) if self._has_best else None
            )
            + more
        )
        return page(heading(self.groups), lines, body, self._picture())

    def _picture(self) -> str:
        """Draw the loss of the runs of the best settings."""
        lines, entries, shown, names = [], [], [], {}
        for colour, group in enumerate(self.groups[: len(COLOURS)]):
            curves = [(run, *loss_curve(run)) for run in group.runs]
            found = [(run, name, steps, values) for run, name, steps, values in curves if steps]
            lines += [Line(steps, values, colour) for _, _, steps, values in found]
            names.update(dict.fromkeys(name for _, name, _, _ in found))
            shown += [value for run, _, _, values in found if run.state == "completed" for value in values]
            if found:
                ended = "" if group.completed else f" ({', '.join(group.states)})"
                entries.append((f"{legend_label(group.settings) or group.name}{ended}", colour))
        picture = chart(lines, shown)
        return f"{faint(' or '.join(names))}{legend(entries)}{picture}" if picture else ""

    @property
    def _has_best(self) -> bool:
        return self.groups[0].spread(self.objective.metric) is not None

    def _first_reason(self) -> str:
        return next(iter(incomplete_lines(self.groups)), f"they have no {self.objective.metric}")

    def _skipped(self) -> str:
        return f"; {_count(self.skipped)} without a run" if self.skipped else ""


def _first(lines: Sequence[str], most: int, what: str) -> list[str]:
    """Return the first lines in a lighter shade, and how many more there are."""
    more = [f"{len(lines) - most} more {what}"] if len(lines) > most else []
    return [faint(line, 300) for line in [*lines[:most], *more]]


def _count(folders: Sequence[Path]) -> str:
    return f"{len(folders)} folder{'s' * (len(folders) != 1)}"


def compare(
    runs: Sequence[Any], metric: str | None = None, direction: str | None = None, tags: Sequence[str] = (),
    rule: str = RULES[0], simplest: str | None = None,
) -> Runs:  # fmt: skip
    """Compare runs; see `linnet.compare`."""
    folders: list[Path] = []
    for given in runs:
        if isinstance(given, Runs):
            folders += [run.path for run in given.saved]
        elif isinstance(given, Run):
            if given.directory is None:
                raise InputError("compare: a run that was not tracked has no directory: train it without tracked=False")
            folders.append(given.directory)
        else:
            folders.append(Path(given))
    if not folders:
        raise InputError("compare: give at least one directory of runs")
    saved = tagged([read_run(path) for path in find_runs(folders)], tags)
    return Runs(saved, metric, direction, rule=rule, simplest=simplest)


def open_runs(pattern: str, metric: str | None = None, direction: str | None = None, tags: Sequence[str] = ()) -> Runs:
    """Open the runs that a pattern matches; see `linnet.open_runs`."""
    paths, others = match_runs(pattern)
    if others:
        names = ", ".join(plain(path, 200) for path in others[:5]) + (", …" if len(others) > 5 else "")
        warnings.warn(f"{_count(others)} that {pattern} matches hold no run: {names}", stacklevel=3)
    return Runs(tagged([read_run(path) for path in paths], tags), metric, direction, others)
