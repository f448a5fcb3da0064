"""Final metrics as the cells of a table, for a terminal and for a notebook. Imports no torch."""

import math
from collections.abc import Mapping

from linnet.config.metric_names import CV, FOLD, HIGH, LOW, STANDARD_ERROR, STD, is_of_one_resample

INTERVAL = "95 % of test"


def metrics_cells(metrics: Mapping[str, float]) -> tuple[list[str], list[list[str]]]:
    """Return the header and one row per metric: one column per split, one for 95 % intervals; other metrics come last.

    Of resamples, mean ± its standard error is in a column as that of a split. Rows are cut short where nothing follows.
    """
    metrics = {key: value for key, value in metrics.items() if not is_of_one_resample(key)}
    columns = ("train", "val", CV.rstrip("/"), "test")
    splits = [split for split in columns if any(key.startswith(f"{split}/") for key in metrics)]
    intervals = {name for key in metrics if key.endswith(LOW) and (name := key.removesuffix(LOW)) + HIGH in metrics}
    header = ["metric", *splits, *([INTERVAL] if intervals else [])]
    spread = {key + end for key in metrics for end in (STD, STANDARD_ERROR) if key.startswith(CV)}
    keys = [key for key in metrics if not key.endswith((LOW, HIGH)) and key not in spread]
    names = dict.fromkeys(key.partition("/")[2] for key in keys if key.partition("/")[0] in splits)
    rows = []
    for name in names:
        cells = [_cell(metrics, f"{split}/{name}") for split in splits]
        if (key := f"test/{name}") in intervals:
            cells.append(f"{metrics[key + LOW]:.4g} … {metrics[key + HIGH]:.4g}")
        rows.append([name, *cells])
    for key in keys:
        if key.partition("/")[0] not in splits and key.count("/") == 1:
            rows.append([key, f"{metrics[key]:.8g}" if key == "optimum/loss" else f"{metrics[key]:.4g}"])
    return header, rows


def resamples_cells(metrics: Mapping[str, float]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the metrics of a run's resamples: mean ± standard error, deviation, lowest, highest.

    The last two are empty where the metrics of each resample are not metrics of the run. There are no rows without
    resamples.
    """
    header = ["metric", "mean", "standard error", "deviation", "lowest", "highest"]
    rows = []
    for key in [key for key in metrics if key.startswith(CV) and key + STANDARD_ERROR in metrics]:
        each = [value for name, value in metrics.items() if name.startswith(key + FOLD)]
        numbers = [metrics[key], metrics[key + STANDARD_ERROR], metrics.get(key + STD, math.nan)]
        numbers += [min(each), max(each)] if each else []
        rows.append([key, *(f"{number:.4g}" for number in numbers)])
    return header, rows


def bootstrap_cells(metrics: Mapping[str, float]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the bootstrap intervals of test metrics; no rows where there are none."""
    start, ends = "bootstrap/test/", ("percentile_low", "percentile_high", "bca_low", "bca_high")
    names = dict.fromkeys(key.removeprefix(start).partition("/")[2] for key in metrics if key.startswith(start))
    rows = []
    for name in names:
        found = (metrics.get(f"{start}{end}/{name}") for end in ends)
        numbers = [metrics.get(f"test/{name}"), *found]
        rows.append([f"test/{name}", *("" if number is None else f"{number:.4g}" for number in numbers)])
    return ["metric", "value", "percentile low", "percentile high", "BCa low", "BCa high"], rows


def _cell(metrics: Mapping[str, float], key: str) -> str:
    if key not in metrics:
        return ""
    error = metrics.get(key + STANDARD_ERROR) if key.startswith(CV) else None
    if error is None:
        return f"{metrics[key]:.4g}"
    return f"{metrics[key]:.4g} ± {error:.{2 if error < 100 else 4}g}"
