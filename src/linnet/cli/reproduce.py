"""`linnet reproduce RUN|EXPERIMENT`: run again and compare."""

import argparse
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from linnet.cli.parser import Parser
from linnet.config.groups import experiments
from linnet.config.input_files import describe_input_files
from linnet.config.loggers import further
from linnet.reproduction.experiment_report import ExperimentReport
from linnet.reproduction.experiment_table import print_experiment, print_summary
from linnet.reproduction.find_experiment import FILE, Experiment, find_experiment
from linnet.reproduction.printing import print_verdict
from linnet.reproduction.results import read_results
from linnet.reproduction.verdict import RELATIVE, worst
from linnet.system.errors import InputError
from linnet.system.files import to_json
from linnet.system.limits import MOST_THREADS
from linnet.system.sanitize import plain, print_note
from linnet.system.terminal import Terminal
from linnet.tracking.run_config import load_hydra


def main(arguments: Sequence[str]) -> int:
    """Run again, print what is the same, and return the exit code: 0 identical or within tolerance, 1 different.

    Raises:
        InputError: if there is nothing of that name, or options exclude each other.
    """
    given = _parser().parse_args(arguments)
    run = _check(given)
    console, progress = Terminal(), Terminal(stderr=True)
    if run is not None:
        return _run(given, run, console, progress)
    targets = [folder for _, folder in sorted(experiments().items())] if given.all else given.targets
    reports = _experiments(given, targets, progress)
    if given.json:
        print(to_json([report.as_dict() for report in reports]))
    elif given.all:
        print_summary(console, reports)
        print_verdict(console, _verdict(reports))
    else:
        for report in reports:
            print_experiment(console, report)
        if len(reports) > 1:
            print_summary(console, reports)
    failed = any(report.reason is not None for report in reports)
    return 1 if failed or (_verdict(reports) == "different" and not given.update) else 0


def _run(given: argparse.Namespace, run: Path, console: Console, progress: Console) -> int:
    from linnet.reproduction.run import reproduce_run
    from linnet.reproduction.run_table import print_run

    tolerance = RELATIVE if given.tolerance is None else given.tolerance
    with progress.status(Text(f"running {plain(run)} again")):
        report = reproduce_run(run, place=given.dir, threads=given.threads, tolerance=tolerance)
    config = load_hydra(run)[0]
    reads = describe_input_files(config)
    if reads:
        print_note(reads)
    if others := further(config):
        print_note(f"the run was logged by logger={','.join(others)} too, and its reproduction is by TensorBoard only")
    if given.json:
        print(to_json(report.as_dict()))
    else:
        print_run(console, report)
    return 0 if report.verdict != "different" else 1


def _experiments(given: argparse.Namespace, targets: Sequence[str | Path], progress: Console) -> list[ExperimentReport]:
    """Return the report of each experiment. With --all, an experiment that fails does not stop the others."""
    found = [find_experiment(target) for target in targets]
    reports = []
    for experiment in found:
        started = time.monotonic()
        with progress.status(Text(f"running {experiment.name}")):
            try:
                report = _experiment(given, experiment)
            except Exception as error:
                if not given.all:
                    raise
                kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
                reason = kind + " ".join(str(error).split())
                report = ExperimentReport(experiment.name, 0, 0, [], {}, time.monotonic() - started, reason)
        reports.append(report)
        if len(found) > 1:
            progress.print(f"{report.name}: {report.verdict}, {report.seconds:.1f} s", soft_wrap=True)
    return reports


def _experiment(given: argparse.Namespace, experiment: Experiment) -> ExperimentReport:
    from linnet.reproduction.experiment import record_experiment, reproduce_experiment

    if given.update:
        return record_experiment(experiment)
    seeds = read_results(experiment.results).seeds[:1] if given.seeds == "first" else given.seeds
    return reproduce_experiment(experiment, seeds=seeds, threads=given.threads)


def _verdict(reports: Sequence[ExperimentReport]) -> str:
    """Return the worst verdict; "not run" if an experiment failed and no other is different."""
    found = worst(row.verdict for report in reports for row in report.rows)
    return "not run" if found != "different" and any(report.reason is not None for report in reports) else found


def _check(given: argparse.Namespace) -> Path | None:
    """Return the run to check, or None for experiments. Raises InputError if options exclude each other."""
    if bool(given.targets) == given.all:
        raise InputError("reproduce: give one run directory, or names or folders of experiments, or --all")
    runs = [Path(target) for target in given.targets if (Path(target) / "status.json").is_file()]
    if runs and len(given.targets) > 1:
        raise InputError(f"reproduce: {plain(runs[0])} is a run: give one run at a time, and no experiment with it")
    options = {"--dir": given.dir, "--tolerance": given.tolerance, "--update": given.update, "--seeds": given.seeds}
    for option in ("--update", "--seeds") if runs else ("--dir", "--tolerance"):
        if options[option] is not None and options[option] is not False:
            kind = "experiments only" if runs else "a run only: results.json says what may differ in an experiment"
            raise InputError(f"reproduce: {option} is for {kind}")
    if given.update and (given.seeds or given.threads):
        raise InputError(
            "reproduce: --update records all seeds, with as many threads as a run takes: no --seeds, --threads"
        )
    return runs[0] if runs else None


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="linnet reproduce",
        allow_abbrev=False,
        description="Run again what was recorded, and tell whether it is identical, within tolerance, or different "
        "(exit code 0, 0, 1), and what in the environment differs.",
    )
    parser.add_argument(
        "targets", nargs="*", metavar="RUN|EXPERIMENT",
        help=f"a run directory, or experiments by name or by folder (with {FILE} and results.json)",
    )  # fmt: skip
    parser.add_argument("--all", action="store_true", help="every experiment, shipped or in ./experiments")
    parser.add_argument("--update", action="store_true", help="write what comes out into the experiment's results.json")
    parser.add_argument("--seeds", type=_seeds, metavar="first|0,1", help="only these of an experiment's seeds")
    parser.add_argument("--dir", type=Path, help="where the fresh run goes; default: runs/reproduced/<time>")
    parser.add_argument(
        "--threads", type=_number(int, 1, MOST_THREADS), metavar="N", help="of torch; default: as the config says"
    )
    parser.add_argument(
        "--tolerance", type=_number(float, 0, 1), metavar="X",
        help=f"relative difference of a run's metrics where the environment differs; default: {RELATIVE:g}",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the report as JSON, with all digits")
    return parser


def _number(kind: type[int] | type[float], least: int, most: int) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value: float = kind(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            words = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"{plain(text)}: expected {words} in [{least}, {most}]")
        return value

    return read


def _seeds(text: str) -> str | list[int]:
    try:
        return text if text == "first" else [int(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{plain(text)}: expected first, or seeds as in 0,1") from None
