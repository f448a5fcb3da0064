"""`linnet compare DIR…`: many runs in one table, one CSV file, and pictures."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from linnet.files import write_atomic
from linnet.parser import Parser
from linnet.sweeps.find_runs import find_runs
from linnet.sweeps.groups import Group, grouped
from linnet.sweeps.ranking import Objective, choose_objective, ranked
from linnet.sweeps.runs import SavedRun, read_run
from linnet.sweeps.summary import summary_csv
from linnet.sweeps.table import best_line, comparison_table, incomplete_lines
from linnet.tracking.lock import lock


def main(arguments: Sequence[str]) -> None:
    """Print the table and what did not complete; write summary.csv, comparison/*.png and comparison/tensorboard.

    Raises:
        InputError: if a directory does not exist, there is no run, or no run has the metric asked for.
    """
    given = _parser().parse_args(arguments)
    runs = [read_run(path) for path in find_runs(given.dirs)]
    objective = choose_objective(runs, given.metric)
    groups = ranked(grouped(runs), objective)

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 240  # a file or a pipe has no edge at which a table must be folded
    console.print(comparison_table(groups, objective, test=given.test))
    for line in incomplete_lines(groups):
        console.print(line, soft_wrap=True, markup=False)
    best = groups[0] if groups[0].spread(objective.metric) else None
    if best is not None:
        console.print(best_line(best, objective), soft_wrap=True, markup=False)

    output = given.output or _beside(given.dirs[0])
    written = write_comparison(output, groups, objective, figures=not given.no_figures)
    if given.figures and best is not None:
        written["best"] = draw_figures(best.completed[0])
    for label, text in written.items():
        console.print(f"[bold]{label:<8}[/bold] {text}", soft_wrap=True)


def write_comparison(
    output: Path, groups: Sequence[Group], objective: Objective, *, figures: bool = True
) -> dict[str, str]:
    """Write the files of a comparison, replacing those of an earlier one; label -> where, for the console.

    Args:
        output: a folder, made if absent.
        groups: best first.
        objective: what they are ordered by.
        figures: draw comparison/*.png.

    Raises:
        InputError: another process is writing a comparison there.
    """
    # Late, because an error in the command line should not wait for matplotlib and TensorBoard.
    from linnet.sweeps.tensorboard_overview import write_overview

    folder = output / "comparison"
    folder.mkdir(parents=True, exist_ok=True)
    with lock(folder):
        write_atomic(output / "summary.csv", summary_csv(groups))
        written = {"runs": str(output / "summary.csv")}
        if figures:
            from linnet.sweeps.compare_figures import comparison_figures
            from linnet.tracking.report import png

            for old in folder.glob("*.png"):
                old.unlink()
            names = []
            for name, figure in comparison_figures(groups, objective):
                write_atomic(folder / f"{name}.png", png(figure), durable=False)
                names.append(f"{name}.png")
            if names:
                written["figures"] = f"{folder}: {', '.join(names)}"
        write_overview(folder / "tensorboard", groups, objective)
        written["board"] = f"linnet board {folder / 'tensorboard'}"
    return written


def draw_figures(run: SavedRun) -> str:
    """Draw the figures that `figures=true` would have drawn at the end of a run, into its own folder; say where.

    Raises:
        InputError: if its configuration, data or weights cannot be had any more.
    """
    from linnet import best_possible
    from linnet.build import build_data
    from linnet.evaluate import evaluate_parts
    from linnet.saved import load_config, load_model
    from linnet.tracking import read_history
    from linnet.tracking.report import result_figures

    config = load_config(run.path)
    data = build_data(config)
    model = load_model(run.path, config, data)
    _, predictions = evaluate_parts(model, data)
    folder = run.path / "figures"
    folder.mkdir(exist_ok=True)
    landscape = best_possible.load(run.path)
    figures = result_figures(model, data, predictions, read_history(run.path / "history.csv"), landscape)
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=100)
    return f"{folder}: {', '.join(f'{name}.png' for name in figures)}"


def _beside(folder: Path) -> Path:
    """Where the comparison goes: into the first directory given, but beside it where that is itself a run."""
    return folder.absolute().parent if (folder / "status.json").is_file() else folder


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="linnet compare", description="Table, summary.csv and figures of all runs below DIR….")
    parser.add_argument("dirs", nargs="+", type=Path, metavar="DIR", help="sweeps or runs, at any depth")
    parser.add_argument("--metric", help="order by this one instead of the runs' objective, e.g. val/accuracy")
    parser.add_argument("--test", action="store_true", help="the test set's figures for all, not only for the chosen")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where the files go; default: the first DIR")
    parser.add_argument("--no-figures", action="store_true", help="draw no comparison/*.png")
    parser.add_argument("--figures", action="store_true", help="draw the figures of the best run as well")
    return parser
