"""Final metrics as the cells of a table, for a terminal and for a notebook. Imports no torch."""

import math
from collections.abc import Mapping, Sequence, Set

from linnet.config.metric_names import CV, FOLD, HIGH, LOW, STANDARD_ERROR, STD, is_of_one_resample

INTERVAL = "95 % of test"
SAME = 1e-6
"""Relative difference below which a metric is the loss itself, a mean of float32, as nll of cross-entropy is."""
MEANINGS = {
    "optimum/loss": "best possible objective: loss + penalty over the training examples",
    "optimum/bound": "proven upper bound of the distance from it",
    "optimum/gap": "objective of this run minus the best possible one",
    "optimum/distance": "distance of the weights from those of the optimum",
    "optimum/condition": "condition number of the design: features and bias as trained on",
    "optimum/scaled_condition": "condition number of the scaled design: centred, unit length",
    "optimum/rank": "rank of the design",
    "optimum/df_residual": "residual degrees of freedom",
    "optimum/r2": "R² of the optimum, on the training examples",
    "optimum/adjusted_r2": "the same, adjusted for the number of features",
    "optimum/f": "F statistic: are all coefficients but the bias 0?",
    "optimum/f_p": "its p-value",
    "optimum/residual_std_error": "residual standard error",
    "parameter/weight_error": "distance of the weights from the true ones",
    "parameter/bias_error": "distance of the bias from the true one",
    "parameter/nonzero": "weights that are not 0",
}


def metrics_cells(metrics: Mapping[str, float]) -> tuple[list[str], list[list[str]]]:
    """Return the header and one row per metric: one column per split, one for 95 % intervals; other metrics come last.

    Rows are cut short where nothing follows.
    """
    header, rows = split_cells(metrics)
    return header, [*rows, *(row[:2] for row in other_cells(metrics))]


def split_cells(metrics: Mapping[str, float]) -> tuple[list[str], list[list[str]]]:
    """Return the header and rows of metrics of examples, each once: loss = nll where the loss is the likelihood.

    Of resamples, mean ± its standard error is in a column as that of a split.
    """
    metrics = {key: value for key, value in metrics.items() if not is_of_one_resample(key)}
    splits = _splits(metrics)
    intervals = {name for key in metrics if key.endswith(LOW) and (name := key.removesuffix(LOW)) + HIGH in metrics}
    header = ["metric", *splits, *([INTERVAL] if intervals else [])]
    spread = {key + end for key in metrics for end in (STD, STANDARD_ERROR) if key.startswith(CV)}
    keys = [key for key in metrics if not key.endswith((LOW, HIGH)) and key not in spread]
    names = list(dict.fromkeys(key.partition("/")[2] for key in keys if key.partition("/")[0] in splits))
    same = [name for name in names if name != "loss" and _is_loss(metrics, name, splits, intervals)]
    rows = []
    for name in names:
        if name in same:
            continue
        cells = [_cell(metrics, f"{split}/{name}") for split in splits]
        if (key := f"test/{name}") in intervals:
            cells.append(f"{metrics[key + LOW]:.4g} … {metrics[key + HIGH]:.4g}")
        rows.append([" = ".join([name, *(same if name == "loss" else [])]), *cells])
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


def other_cells(metrics: Mapping[str, float]) -> list[list[str]]:
    """Return a row with name, number and meaning for each metric that is of no examples, as optimum/rank."""
    keys = [key for key in metrics if key.partition("/")[0] not in _splits(metrics) and key.count("/") == 1]
    shown = [f"{metrics[key]:.8g}" if key == "optimum/loss" else f"{metrics[key]:.4g}" for key in keys]
    return [[key, number, MEANINGS.get(key, "")] for key, number in zip(keys, shown, strict=True)]


def metrics_markdown(metrics: Mapping[str, float]) -> str:
    """Return all metrics as tables of Markdown, for TensorBoard's page of texts."""
    header, rows = split_cells(metrics)
    others = other_cells(metrics)
    tables = [_markdown(header, rows), *([_markdown(["", "number", "meaning"], others)] if others else [])]
    return "\n\n".join(tables)


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *([*row, *[""] * (len(header) - len(row))] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _splits(metrics: Mapping[str, float]) -> list[str]:
    columns = ("train", "val", CV.rstrip("/"), "test")
    return [split for split in columns if any(key.startswith(f"{split}/") for key in metrics)]


def _is_loss(metrics: Mapping[str, float], name: str, splits: Sequence[str], intervals: Set[str]) -> bool:
    """Return whether a metric is the loss on every split that it is known for, and has no interval of its own."""
    if f"test/{name}" in intervals and "test/loss" not in intervals:
        return False
    known = [(metrics[f"{split}/{name}"], metrics.get(f"{split}/loss")) for split in splits
             if f"{split}/{name}" in metrics]  # fmt: skip
    return all(loss is not None and abs(value - loss) <= SAME * abs(loss) for value, loss in known)


def _cell(metrics: Mapping[str, float], key: str) -> str:
    if key not in metrics:
        return ""
    error = metrics.get(key + STANDARD_ERROR) if key.startswith(CV) else None
    if error is None:
        return f"{metrics[key]:.4g}"
    return f"{metrics[key]:.4g} ± {error:.{2 if error < 100 else 4}g}"
