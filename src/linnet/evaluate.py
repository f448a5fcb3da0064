"""`linnet evaluate RUN`: the saved weights on the run's own data."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from linnet.build import build_data
from linnet.errors import InputError
from linnet.files import read_json
from linnet.run import evaluate_parts
from linnet.saved import load_config, load_model
from linnet.tracking.report import metrics_table


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"evaluate: {message}; see `linnet evaluate --help`")


def main(arguments: Sequence[str]) -> None:
    """Print the figures, and a warning where the data is not what the run was trained on."""
    parser = _Parser(prog="linnet evaluate", description="The saved run's own config and weights, on its own data.")
    parser.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, with all their digits")
    given = parser.parse_args(arguments)
    metrics, same_data = evaluate(given.run)
    console = Console(stderr=given.json)
    if not same_data:
        console.print(f"[bold]note:[/bold] the data differs from that of the run (see {given.run}/manifest.json)")
    if given.json:
        print(json.dumps(metrics, indent=2))
    else:
        console.print(metrics_table(metrics, f"{given.run}, final weights"))


def evaluate(run: Path) -> tuple[dict[str, float], bool]:
    """All figures of the final weights, and whether the data has the checksum in the run's manifest.

    Raises:
        InputError: if the directory holds no completed run.
    """
    config = load_config(run)
    data = build_data(config)
    model = load_model(run, config, data)
    metrics, _ = evaluate_parts(model, data)
    recorded = read_json(run / "manifest.json").get("data_checksum") if (run / "manifest.json").is_file() else None
    return metrics, recorded == data.source.checksum
