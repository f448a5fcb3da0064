"""summary.csv: one row per run."""

import csv
import io
from collections.abc import Sequence

from linnet.comparison.groups import Group


def summary_csv(groups: Sequence[Group]) -> str:
    """Return path, state, seed, the settings that vary, metrics, seconds and error of each run, in the groups' order.

    Numbers keep all their digits; a cell is empty where a run has no such number.
    """
    rows = [(group, run) for group in groups for run in group.runs]
    settings = list(groups[0].settings)
    metrics = list(dict.fromkeys(key for _, run in rows for key in run.metrics))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", "state", "seed", *settings, *metrics, "seconds", "error"])
    for group, run in rows:
        figures = [run.metrics.get(key) for key in metrics]
        writer.writerow([run.path, run.state, run.seed, *group.settings.values(), *figures, run.seconds, run.reason])
    return text.getvalue()
