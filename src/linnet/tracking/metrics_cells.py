"""Final metrics as the cells of a table, for a terminal and for a notebook. Imports no torch."""

from collections.abc import Mapping

from linnet.config.metric_names import CV, HIGH, LOW, STANDARD_ERROR, STD, is_of_one_resample

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


def _cell(metrics: Mapping[str, float], key: str) -> str:
    if key not in metrics:
        return ""
    error = metrics.get(key + STANDARD_ERROR) if key.startswith(CV) else None
    if error is None:
        return f"{metrics[key]:.4g}"
    return f"{metrics[key]:.4g} ± {error:.{2 if error < 100 else 4}g}"
