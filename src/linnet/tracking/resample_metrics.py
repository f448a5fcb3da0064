"""Write and read `resample_metrics.csv`: the metrics of each resample, of runs with many. Imports no torch."""

import csv
import io
import math
from collections.abc import Mapping, Sequence

FILE = "resample_metrics.csv"


def resample_metrics(metrics: Sequence[Mapping[str, float]]) -> str:
    """Return the content of `FILE`: one row per resample, one column per metric on what the resample leaves out.

    Cells are empty where a metric is not defined, and of a resample that diverged.

    Args:
        metrics: of each resample, by name; empty for one that diverged.
    """
    names = next((list(found) for found in metrics if found), [])
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["resample", *names])
    for k, found in enumerate(metrics):
        values = [found.get(name, math.nan) for name in names]
        writer.writerow([k, *("" if math.isnan(value) else repr(value) for value in values)])
    return text.getvalue()
