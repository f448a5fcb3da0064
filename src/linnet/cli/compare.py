"""`linnet compare DIR…`: many runs in one table, one CSV file, and figures."""

import argparse
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from linnet.cli.parser import Parser
from linnet.comparison.board_folder import remove_former_overview
from linnet.comparison.finding import find_runs, is_run
from linnet.comparison.groups import Group, grouped
from linnet.comparison.ranking import Objective, choose_objective, ranked
from linnet.comparison.rules import RULES, chosen_by
from linnet.comparison.runs import SavedRun, read_run, tagged
from linnet.comparison.summary import summary_csv
from linnet.comparison.table import best_line, incomplete_lines, print_comparison
from linnet.system.errors import InputError
from linnet.system.files import write_atomic, write_json
from linnet.system.reading import read_json
from linnet.system.sanitize import shown
from linnet.system.terminal import Terminal, labelled, print_prose
from linnet.system.writing import own_folder, safe_name
from linnet.tracking.lock import Lock, Owned

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def main(arguments: Sequence[str]) -> None:
    """Print the table and what did not complete; write summary.csv and comparison/*.png.

    Raises:
        InputError: if a directory does not exist, there is no run, or no run has the metric asked for.
    """
    given = _parser().parse_args(arguments)
    runs = tagged([read_run(path) for path in find_runs(given.dirs)], given.tag)
    objective = choose_objective(runs, given.metric, given.direction)
    groups = ranked(grouped(runs), objective)
    chosen, rule = chosen_by(given.rule, groups, objective, given.simplest)
    best = chosen if chosen.spread(objective.metric) else None

    console = Terminal()
    print_comparison(console, groups, objective, test=given.test)
    for line in incomplete_lines(groups):
        print_prose(console, line)
    if best is not None:
        print_prose(console, best_line(best, objective, rule))

    output = given.output or next((folder for folder in given.dirs if not is_run(folder)), None)
    if output is None:
        console.print("no files are written beside single runs: give --output DIR for table and figures")
    written = (
        {}
        if output is None
        else write_comparison(
            output, groups, objective, best, figures=not given.no_figures, spreadsheet_safe=given.spreadsheet_safe
        )
    )
    if given.figures and best is not None:
        written["best"] = draw_figures(best.completed[0])
    written["board"] = f"linnet board {_common(given.dirs)}"
    for label, text in written.items():
        console.print(labelled(label, text, 8), soft_wrap=True)


def _common(folders: Sequence[Path]) -> Path:
    """Return the folder that all of these lie in; of one, itself."""
    return folders[0] if len(folders) == 1 else shown(Path(os.path.commonpath([path.resolve() for path in folders])))


def write_comparison(
    output: Path,
    groups: Sequence[Group],
    objective: Objective,
    chosen: Group | None = None,
    *,
    figures: bool = True,
    spreadsheet_safe: bool = True,
) -> dict[str, str]:
    """Write the files of a comparison, replacing those of an earlier one, and return label -> place, for the console.

    Args:
        output: a folder, made if absent.
        groups: best first.
        objective: what they are ordered by.
        chosen: what the figures mark; None: the best.
        figures: draw comparison/*.png.
        spreadsheet_safe: see `summary_csv`.
    """
    output.mkdir(parents=True, exist_ok=True)
    folder = own_folder(output, "comparison")
    try:
        lock = Lock(folder)
    except Owned as error:
        raise InputError(
            f"{folder}: {error} is writing a comparison there: wait for it, or give --output DIR"
        ) from None
    with lock:
        write_atomic(output / "summary.csv", summary_csv(groups, spreadsheet_safe=spreadsheet_safe))
        written = {"runs": str(output / "summary.csv")}
        if figures:
            names = _write_figures(folder, groups, objective, chosen)
            if names:
                written["figures"] = f"{folder}: {', '.join(names)}"
        remove_former_overview(folder / "tensorboard")
    return written


def _write_figures(folder: Path, groups: Sequence[Group], objective: Objective, chosen: Group | None) -> list[str]:
    """Draw a comparison's figures, remove those of an earlier one that this one lacks, and return their names."""
    from linnet.comparison.figures import comparison_figures

    drawn = folder / "figures.json"
    names: list[str] = []
    for name, figure in comparison_figures(groups, objective, chosen):
        _save(figure, folder / f"{safe_name(name)}.png")
        names.append(f"{safe_name(name)}.png")
    for old in set(_figures_before(drawn)) - set(names):
        (folder / old).unlink(missing_ok=True)
    write_json(drawn, names)
    return names


def _figures_before(drawn: Path) -> list[str]:
    """Return the names of figures that an earlier comparison listed; the list may be damaged, or anybody's."""
    try:
        listed = read_json(drawn)
    except (OSError, ValueError):
        return []
    names = listed if isinstance(listed, list) else []
    return [name for name in names if isinstance(name, str) and "/" not in name and name.endswith(".png")]


def _save(figure: "Figure", path: Path) -> None:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100)
    write_atomic(path, content.getvalue(), durable=False)


def draw_figures(run: SavedRun) -> str:
    """Draw the figures of `figures=true` into the folder of a completed run, and return a line that says where.

    Raises:
        InputError: if its configuration, data or weights are no longer available.
    """
    from linnet.tracking import read_history
    from linnet.tracking.manifest_file import check_unchanged
    from linnet.tracking.report import result_figures
    from linnet.tracking.run_config import load_config
    from linnet.training import optimality
    from linnet.training.components import build_data
    from linnet.training.evaluate import evaluate_parts, load_model

    check_unchanged(run.path, ("history.csv",))
    config = load_config(run.path)
    data = build_data(config, recorded=True)
    model = load_model(run.path, config, data)
    _, predictions = evaluate_parts(model, data)
    folder = own_folder(run.path, "figures")
    analysis = optimality.load(run.path)
    figures = result_figures(model, data, predictions, read_history(run.path / "history.csv"), analysis, run.path)
    for name, figure in figures.items():
        _save(figure, folder / f"{name}.png")
    return f"{folder}: {', '.join(f'{name}.png' for name in figures)}"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="linnet compare", description="Table, summary.csv and figures of all runs below DIR….")
    parser.add_argument("dirs", nargs="+", type=Path, metavar="DIR", help="sweeps or runs, at any depth")
    parser.add_argument("--metric", help="order by this one instead of the runs' objective, e.g. val/accuracy")
    parser.add_argument(
        "--direction", choices=("minimize", "maximize"), help="for a metric without its own: val/predictive_entropy"
    )
    parser.add_argument(
        "--rule", choices=RULES, default=RULES[0],
        help="choose the best settings, or the simplest within one standard error of the best over its resamples",
    )  # fmt: skip
    parser.add_argument(
        "--simplest", metavar="KEY=WAY",
        help="of --rule one-standard-error: KEY=largest or KEY=smallest; default: penalty.strength=largest",
    )  # fmt: skip
    parser.add_argument(
        "--tag", action="append", default=[], metavar="WORD", help="only runs with this word in tags=[…]; repeatable"
    )
    parser.add_argument("--test", action="store_true", help="the test set's metrics for all, not only for the chosen")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="where the files go; default: the first DIR of several runs"
    )
    parser.add_argument("--no-figures", action="store_true", help="draw no comparison/*.png")
    parser.add_argument("--figures", action="store_true", help="draw the figures of the best run as well")
    parser.add_argument(
        "--no-spreadsheet-safe", dest="spreadsheet_safe", action="store_false",
        help="write texts into summary.csv as they are, also those that a spreadsheet would execute",
    )  # fmt: skip
    return parser
