"""Table of a comparison, the best group, and the runs that did not complete."""

from collections.abc import Sequence

from rich.console import Console

from linnet.comparison.groups import Group, Spread, show
from linnet.comparison.ranking import SCORES, Objective, score_beside
from linnet.system.tables import Column, print_table

STATE = "state"


def print_comparison(console: Console, groups: Sequence[Group], objective: Objective, *, test: bool = False) -> None:
    """Print `comparison_cells` as a table, as several where the console is too narrow."""
    header, rows = comparison_cells(groups, objective, test=test)
    n_settings = len(groups[0].settings)
    metrics = range(n_settings + 1, len(header) - 2)
    columns = [
        Column(name, "left" if name == STATE else "right", whole=number in metrics)
        for number, name in enumerate(header)
    ]  # fmt: skip
    print_table(console, columns, rows, title=heading(groups))


def heading(groups: Sequence[Group]) -> str:
    """Return how many runs and settings there are."""
    return f"{sum(len(group.runs) for group in groups)} runs, {len(groups)} settings"


def comparison_cells(
    groups: Sequence[Group], objective: Objective, *, test: bool = False
) -> tuple[list[str], list[list[str]]]:
    """Return a header and one row per group: rank, settings, metrics as mean ± standard deviation (n), states, seconds.

    Metrics of resamples are means ± standard error, "± se".

    Args:
        groups: best first.
        objective: what they are ordered by.
        test: show the test metrics of every group. To choose by them makes the test set a validation set.
    """
    runs = [run for group in groups for run in group.runs]
    metrics = [objective.metric, score_beside(objective, runs)]
    if test:
        metrics += test_metrics(objective, groups)
    shown = [name for name in dict.fromkeys(metrics) if name]
    arrows = {objective.metric: " ↓" if objective.minimize else " ↑"}
    errors = {name for name in shown if any((value := group.spread(name)) and value.is_error for group in groups)}
    names = [name + (" ± se" if name in errors else "") + arrows.get(name, "") for name in shown]
    header = ["", *groups[0].settings, *names, STATE, "seconds"]
    rows = []
    for rank, group in enumerate(groups, 1):
        settings = [show(value) for value in group.settings.values()]
        figures = [_figure(group, group.spread(name)) for name in shown]
        seconds = f"{group.seconds.mean:.1f}" if group.seconds else ""
        rows.append([str(rank) if figures[0] else "–", *settings, *figures, _states(group), seconds])
    return header, rows


def best_line(best: Group, objective: Objective, rule: str = "") -> str:
    """Return a line with the chosen group and the test metrics of this one only.

    rule: by which it was chosen, where it is not the best by the objective.
    """
    line = f"chosen by {objective.metric}{rule}: {best.name}"
    figures = [f"{name} {_figure(best, best.spread(name))}" for name in test_metrics(objective, [best])]
    if figures:
        line += f": {', '.join(figures)}"
    if objective.part == "test":
        line += " (chosen on the test set, so these metrics are too good)"
    return line


def incomplete_lines(groups: Sequence[Group]) -> list[str]:
    """Return, for each group and state other than completed, the number of runs, and reason and path of the first.

    Runs some of whose resamples diverged are named too.
    """
    lines = []
    for group in groups:
        for run in group.runs:
            if run.diverged_resamples:
                lines.append(f"{run.diverged_resamples} of its resamples diverged: {group.name} [{run.path}]")
        for state, count in group.states.items():
            if state == "completed":
                continue
            first = next(run for run in group.runs if run.state == state)
            of = f" ({count} of {len(group.runs)})" if len(group.runs) > 1 else ""
            lines.append(f"{state}{of}: {group.name}: {first.reason} [{first.path}]")
    return lines


def test_metrics(objective: Objective, groups: Sequence[Group]) -> list[str]:
    """Return the names of test accuracy or R² and of the objective on the test set, where runs have them."""
    known = {key for group in groups for run in group.completed for key in run.metrics}
    names = [*(f"test/{score}" for score in SCORES), f"test/{objective.metric.partition('/')[2]}"]
    return [name for name in dict.fromkeys(names) if name in known]


def _figure(group: Group, value: Spread | None) -> str:
    if value is None:
        return ""
    return f"{value} (1)" if value.n == 1 and len(group.runs) > 1 else str(value)


def _states(group: Group) -> str:
    if len(group.states) == 1:
        return next(iter(group.states))
    return ", ".join(f"{count} {state}" for state, count in sorted(group.states.items()))
