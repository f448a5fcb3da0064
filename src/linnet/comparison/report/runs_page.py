"""Make the page of runs and write it."""

from collections.abc import Sequence
from pathlib import Path

from linnet.comparison.groups import Group, grouped
from linnet.comparison.ranking import Objective, choose_objective, ranked
from linnet.comparison.report.blocks import Page
from linnet.comparison.report.many_runs import runs_sections, runs_title
from linnet.comparison.report.one_run import run_sections, run_title
from linnet.comparison.report.page import render
from linnet.comparison.runs import SavedRun
from linnet.system.errors import InputError
from linnet.system.files import write_atomic
from linnet.system.sanitize import plain, shown
from linnet.system.version import VERSION

MADE = f"Made by linnet {VERSION} from the files of the runs."


def runs_page(runs: Sequence[SavedRun], metric: str | None = None, direction: str | None = None) -> Page:
    """Return the page of one run, or of many that are compared.

    Args:
        runs: at least one, in any state.
        metric: orders many runs; None: the objective that most were configured with.
        direction: "minimize" or "maximize", for a metric that has none of its own.

    Raises:
        InputError: no run has the metric, or its direction is unknown.
    """
    if len(runs) == 1 and metric is None:
        (run,) = runs
        return Page(run_title(run), [plain(shown(run.path), 300), MADE], run_sections(run))
    objective = choose_objective(runs, metric, direction)
    return groups_page(ranked(grouped(runs), objective), objective)


def groups_page(groups: Sequence[Group], objective: Objective) -> Page:
    """Return the page of many runs. Arguments as of `runs_sections`."""
    return Page(runs_title(groups), [MADE], runs_sections(groups, objective))


def write_page(path: Path, page: Page) -> None:
    """Write a page as one HTML file, in place of one of before.

    Raises:
        InputError: the folder does not exist, or there is a folder or a link of this name.
    """
    if not path.parent.is_dir():
        raise InputError(f"report: {path.parent} is no directory: make it, or give another --output")
    if path.is_symlink() or path.is_dir():
        raise InputError(f"report: {path} is a link or a directory: remove it, or give another --output")
    write_atomic(path, render(page), durable=False)
