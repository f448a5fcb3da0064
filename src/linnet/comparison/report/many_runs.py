"""The sections of many runs: the settings that vary, ranked; sensitivity, curves, what failed, and the chosen run."""

from collections.abc import Iterator, Sequence
from typing import Any

from linnet.comparison.finding import natural
from linnet.comparison.groups import Group, is_number, show
from linnet.comparison.ranking import Objective
from linnet.comparison.report.asked import common, differences_table
from linnet.comparison.report.blocks import Block, Commands, Section, Table, Text
from linnet.comparison.report.commands import sweep_command
from linnet.comparison.report.curves import group_curves
from linnet.comparison.report.one_run import run_sections, run_title
from linnet.comparison.report.provenance import manifest_of, origin
from linnet.comparison.report.sensitivity import heat_map, sensitivity_charts
from linnet.comparison.runs import SavedRun
from linnet.comparison.table import STATE, best_line, comparison_cells, heading
from linnet.system.sanitize import plain

MOST_ROWS, MOST_FAILURES = 500, 100
"""Settings and failures that are listed."""
LONGEST_CELL = 80
"""Characters of a setting's value, which may be anybody's."""
MOST_READ = 256
"""Runs whose manifests are read a second time, for what they come from."""


def runs_title(groups: Sequence[Group]) -> str:
    """Return how many runs of which model there are."""
    titles = dict.fromkeys(run_title(run) for group in groups for run in group.runs if run.choices)
    of = f" of {next(iter(titles))}" if len(titles) == 1 else ""
    return f"{heading(groups)}{of}"


def runs_sections(groups: Sequence[Group], objective: Objective) -> list[Section]:
    """Return all of many runs, in any state.

    Args:
        groups: best first.
        objective: what they are ordered by.
    """
    runs = [run for group in groups for run in group.runs]
    best = _best(groups, objective)
    found = [
        Section("What was asked", list(_asked(groups, runs))),
        Section("What came out", list(_ranking(groups, objective))),
        Section("Sensitivity", list(_sensitivity(groups, objective))),
        Section("Curves", list(group_curves(groups))),
        Section("What did not complete", list(_failures(groups))),
        Section("Provenance of all", list(_provenance(runs, groups))),
    ]
    sections = [section for section in found if section.blocks]
    if best is not None:
        chosen = f"The best run: {plain(groups[0].name, 120)}"
        place = Text(f"Seed {plain(best.seed)}, {plain(best.path, 300)}", "note")
        sections += [Section(chosen, [place], 2, best.state), *run_sections(best, level=3)]
    return sections


def _best(groups: Sequence[Group], objective: Objective) -> SavedRun | None:
    """Return the best run of the best setting; None if none has a result."""
    metric, sign = objective.metric, 1 if objective.minimize else -1
    found = [run for run in groups[0].completed if metric in run.metrics]
    return min(found, key=lambda run: sign * run.metrics[metric]) if found else None


def _asked(groups: Sequence[Group], runs: Sequence[SavedRun]) -> Iterator[Block]:
    known = [run for run in runs if run.config]
    varying = list(groups[0].settings)
    if varying:
        values = {key: _values([group.settings[key] for group in groups]) for key in varying}
        rows = [[plain(key), str(len(found)), plain(", ".join(found), 300)] for key, found in values.items()]
        yield Table(["option", "values", ""], rows, "What varies between the runs.", texts=(0, 2))
    else:
        yield Text("The runs differ in their seeds only.")
    seeds = dict.fromkeys(plain(run.seed) for run in runs)
    yield Text(f"Seeds: {', '.join(list(seeds)[:50])}.", "note")
    if known:
        shared = differences_table(
            common(known, varying), "Options that all runs share, and that differ from their defaults."
        )
        yield shared or Text("All other options have their defaults.")


def _values(found: Sequence[Any]) -> list[str]:
    """Return each value once; numbers in their order."""
    texts = dict.fromkeys(map(show, sorted(found) if all(map(is_number, found)) else found))
    return list(texts)


def _ranking(groups: Sequence[Group], objective: Objective) -> Iterator[Block]:
    if groups[0].spread(objective.metric) is not None:
        yield Text(best_line(groups[0], objective))
    else:
        yield Text(f"No run has completed with {plain(objective.metric)}.", "bad")
    header, cells = comparison_cells(groups, objective)
    rows = [[plain(cell, LONGEST_CELL) for cell in row] for row in cells]
    texts = [number for number, name in enumerate(header) if name == STATE]
    left = f" The first {MOST_ROWS} of {len(rows)} settings." if len(rows) > MOST_ROWS else ""
    caption = f"Settings by {plain(objective.metric)}, best first: mean ± standard deviation (number of seeds).{left}"
    bold = 0 if groups[0].spread(objective.metric) else None
    yield Table([plain(name, LONGEST_CELL) for name in header], rows[:MOST_ROWS], caption, texts, bold)


def _sensitivity(groups: Sequence[Group], objective: Objective) -> Iterator[Block]:
    yield from sensitivity_charts(groups, objective)
    table = heat_map(groups, objective)
    if table is not None:
        yield table


def _failures(groups: Sequence[Group]) -> Iterator[Block]:
    found = [
        (group, run, run.reason if run.state != "completed" else f"{run.diverged_resamples} resamples diverged")
        for group in groups
        for run in group.runs
        if run.state != "completed" or run.diverged_resamples
    ]
    rows = [
        [plain(group.name, 120), plain(run.seed), run.state, plain(why, 500), plain(run.path, 200)]
        for group, run, why in found[:MOST_FAILURES]
    ]
    if rows:
        left = f" The first {MOST_FAILURES} of {len(found)}." if len(found) > MOST_FAILURES else ""
        header = ["setting", "seed", "state", "why", "directory"]
        yield Table(header, rows, f"Runs without a result, or with a part of it, and why.{left}", texts=(0, 2, 3, 4))


def _provenance(runs: Sequence[SavedRun], groups: Sequence[Group]) -> Iterator[Block]:
    yield from origin([manifest_of(run.path) for run in runs[:MOST_READ]])
    in_order = sorted(runs, key=lambda run: natural(run.path))  # as the sweep's own command has its values
    command = sweep_command(groups, in_order)
    if command is not None:
        yield Commands([(command, "train the whole sweep again")])
