"""Final metrics as the cells of a table, for a terminal and for a notebook. Imports no torch."""

from collections.abc import Mapping

from linnet.config.metric_names import HIGH, LOW, SPLITS

INTERVAL = "95 % of test"


def metrics_cells(metrics: Mapping[str, float]) -> tuple[list[str], list[list[str]]]:
    """Return the header and one row per metric: one column per split, one for 95 % intervals; other metrics come last.

    Rows are cut short where nothing follows.
    """
    splits = [split for split in SPLITS if any(key.startswith(f"{split}/") for key in metrics)]
    intervals = {key.removesuffix(LOW) for key in metrics if key.endswith(LOW)}
    header = ["metric", *splits, *([INTERVAL] if intervals else [])]
    keys = [key for key in metrics if not key.endswith((LOW, HIGH))]
    names = dict.fromkeys(key.partition("/")[2] for key in keys if key.partition("/")[0] in splits)
    rows = []
    for name in names:
        cells = [f"{metrics[f'{split}/{name}']:.4g}" if f"{split}/{name}" in metrics else "" for split in splits]
        if (key := f"test/{name}") in intervals:
            cells.append(f"{metrics[key + LOW]:.4g} … {metrics[key + HIGH]:.4g}")
        rows.append([name, *cells])
    for key in keys:
        if key.partition("/")[0] not in splits and key.count("/") == 1:
            rows.append([key, f"{metrics[key]:.8g}" if key == "optimum/loss" else f"{metrics[key]:.4g}"])
    return header, rows
