"""`linnet report RUN|SWEEP|EXPERIMENT…`: one self-contained HTML page."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from linnet.cli.parser import Parser
from linnet.comparison.finding import find_runs
from linnet.comparison.report.blocks import Page, Section
from linnet.comparison.report.runs_page import runs_page, write_page
from linnet.comparison.runs import SavedRun, read_run, tagged
from linnet.system.errors import InputError
from linnet.system.sanitize import shown
from linnet.system.terminal import Terminal, labelled

EXPERIMENT = "experiment.yaml"


def main(arguments: Sequence[str]) -> None:
    """Write the page, or with --book the pages of all experiments, and print where they are.

    Raises:
        InputError: there is no run or experiment of that name, or the page cannot be written there.
    """
    given = _parser().parse_args(arguments)
    console = Terminal()
    if given.book is not None:
        if given.targets or given.output is not None:
            raise InputError("report: --book DIR writes the pages of all experiments: leave the other arguments out")
        from linnet.reproduction.book import write_book  # late, as all that reads experiments: it imports Hydra

        written = write_book(given.book)
        console.print(labelled("book", f"{shown(written[0])} ({len(written) - 1} experiments)"), soft_wrap=True)
        return
    if not given.targets:
        raise InputError("report: name a run, a sweep or an experiment; see `linnet report --help`")
    output = given.output or Path("report.html")
    write_page(output, _page(given))
    size = f"{output.stat().st_size / 1000:.0f} kB"
    console.print(labelled("page", f"{shown(output)} ({size})"), soft_wrap=True)


def _page(given: argparse.Namespace) -> Page:
    folders = [Path(text) for text in given.targets if _holds_runs(Path(text))]
    named = [text for text in given.targets if not _holds_runs(Path(text))]
    runs = tagged([read_run(path) for path in find_runs(folders)], given.tag) if folders else []
    pages = [*_experiments(named), *_of_runs(runs, given)]
    if len(pages) == 1:
        return pages[0]
    sections: list[Section] = []
    for page in pages:
        sections.append(Section(page.title))
        sections += [Section(part.title, part.blocks, 3, part.state) for part in page.sections]
    return Page(" and ".join(page.title for page in pages[:3]), [], sections)


def _holds_runs(path: Path) -> bool:
    return path.is_dir() and not (path / EXPERIMENT).is_file()


def _of_runs(runs: Sequence[SavedRun], given: argparse.Namespace) -> list[Page]:
    return [runs_page(runs, given.metric, given.direction)] if runs else []


def _experiments(targets: Sequence[str]) -> list[Page]:
    if not targets:
        return []
    from linnet.reproduction.book import experiment_page
    from linnet.reproduction.experiment_page import describe
    from linnet.reproduction.find_experiment import find_experiment

    return [experiment_page(describe(find_experiment(target))) for target in targets]


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="linnet report",
        description="One HTML page that needs no network: what was asked, what came out, curves, figures, provenance. "
        "All runs named are compared, as by `linnet compare`; of an experiment, what was recorded is shown.",
    )
    parser.add_argument(
        "targets", nargs="*", metavar="RUN|SWEEP|EXPERIMENT", help="directories of runs at any depth, experiments"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: report.html")
    parser.add_argument("--metric", help="order many runs by this one instead of their objective, e.g. val/accuracy")
    parser.add_argument(
        "--direction", choices=("minimize", "maximize"), help="for a metric without its own: val/predictive_entropy"
    )
    parser.add_argument(
        "--tag", action="append", default=[], metavar="WORD", help="only runs with this word in tags=[…]; repeatable"
    )
    parser.add_argument(
        "--book", type=Path, metavar="DIR", help="instead: a page for each experiment, and an index of all"
    )
    return parser
