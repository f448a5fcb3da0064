"""summary.csv: one row per run."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from linnet.comparison.groups import Group
from linnet.config.metric_names import is_of_one_resample
from linnet.system.spreadsheet import safe_cell


def summary_csv(groups: Sequence[Group], *, spreadsheet_safe: bool = True) -> str:
    """Return path, state, seed, the settings that vary, metrics, seconds and error of each run, in the groups' order.

    Metrics of single resamples are left out: a bootstrap has hundreds. Numbers keep all their digits; a cell is empty
    where a run has no such number. With `spreadsheet_safe`, texts that a spreadsheet would take for formulas begin with
    an apostrophe.
    """
    rows = [(group, run) for group in groups for run in group.runs]
    settings = list(groups[0].settings)
    metrics = list(dict.fromkeys(key for _, run in rows for key in run.metrics if not is_of_one_resample(key)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    cell: Callable[[Any], Any] = safe_cell if spreadsheet_safe else lambda value: value
    writer.writerow([cell(name) for name in ("run", "state", "seed", *settings, *metrics, "seconds", "error")])
    for group, run in rows:
        figures = [run.metrics.get(key) for key in metrics]
        row = [str(run.path), run.state, run.seed, *group.settings.values(), *figures, run.seconds, run.reason]
        writer.writerow([cell(value) for value in row])
    return text.getvalue()
