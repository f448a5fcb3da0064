"""The page of a recorded experiment: its README, what was recorded, its configuration, and how to run it again."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from linnet.comparison.groups import Spread, grouped, spread
from linnet.comparison.ranking import Objective
from linnet.comparison.report.blocks import Block, Chart, Charts, Code, Commands, Markup, Section, Table, Text
from linnet.comparison.report.provenance import origin
from linnet.comparison.report.sensitivity import sensitivity_charts
from linnet.comparison.runs import SavedRun
from linnet.config.direction import known_direction
from linnet.config.groups import ABOUT
from linnet.config.metric_names import STANDARD_ERROR
from linnet.reproduction.find_experiment import FILE, Experiment
from linnet.reproduction.readme import README, book_of, markdown, question_of, read_readme, title_of
from linnet.reproduction.results import Arm, Results, read_results
from linnet.system.errors import InputError
from linnet.system.reading import read_text, read_yaml
from linnet.system.sanitize import plain, printable

MOST_CHARTS = 8
NOT_RECORDED = "No results are recorded: it has no results.json."
NUMBER = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True)
class Described:
    """An experiment with what its files say of it.

    book: sections of the book, as "3.7 Weight Decay"; empty: it is beside the book.
    """

    experiment: Experiment
    title: str
    question: str
    book: tuple[str, ...]

    @property
    def place(self) -> tuple[int, int]:
        """Chapter and number of its first section; after all of the book if it has none."""
        return min((section_number(section) for section in self.book), default=(10**6, 0))


def section_number(section: str) -> tuple[int, int]:
    """Return (3, 7) of "3.7 Weight Decay", and what comes after all numbers for another text."""
    found = NUMBER.match(section)
    return (int(found[1][:6]), int(found[2][:6])) if found else (10**6, 0)


def describe(experiment: Experiment) -> Described:
    """Read an experiment's README, and the sections of the book that its YAML names in `about.book`.

    A folder of scripts, which has no YAML, names them in its README, behind **Book.**

    Raises:
        InputError: its YAML cannot be read.
    """
    text = read_readme(experiment.folder / README)
    path = experiment.folder / FILE
    book: Any
    try:
        node: Any = OmegaConf.to_container(read_yaml(path), resolve=False)
        book = node[ABOUT]["book"]
    except FileNotFoundError:
        book = book_of(text)
    except (KeyError, TypeError, IndexError):  # of an experiment beside the book
        book = None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not readable YAML: {plain(error, 200)}") from error
    sections = [book] if isinstance(book, str) else book if isinstance(book, list) else []
    named = tuple(plain(section, 100) for section in sections if isinstance(section, str))
    return Described(experiment, title_of(text) or experiment.name, question_of(text), named)


def experiment_sections(found: Described, pages: Mapping[str, str] | None = None, level: int = 2) -> list[Section]:
    """Return all of an experiment.

    Args:
        found: whose files are untrusted.
        pages: of a book, see `linnet.reproduction.readme.markdown`.
        level: of the headings.

    Raises:
        InputError: results.json is damaged.
    """
    experiment = found.experiment
    text = read_readme(experiment.folder / README)
    readme = [Markup(markdown(text, experiment.folder, pages))] if text else []
    if not (experiment.folder / FILE).is_file():
        scripts = sorted(experiment.folder.glob("*.py"))
        code = [Code(printable(read_text(path, errors="replace"))) for path in scripts]
        return [Section("Question and finding", readme, level), Section("Script", code, level)]
    results = read_results(experiment.results) if experiment.results.exists() else None
    yaml = printable(read_text(experiment.folder / FILE, errors="replace"))
    option = experiment.option
    target = experiment.name if option is None else plain(option)
    recorded = [Text(NOT_RECORDED)] if results is None else list(_results(results))
    environment = [] if results is None else origin([results.environment])
    again = [] if option is None else [(f"linnet train experiment={target}", "train it")]
    if results is not None:
        again.append((f"linnet reproduce {target}", "run it again, and compare every recorded number"))
    sections = [
        Section("Question and finding", readme, level),
        Section("Recorded results", recorded, level),
        Section("Configuration", [Text("Options that differ from their defaults."), Code(yaml)], level),
        Section("Provenance", [*environment, Commands(again)], level),
    ]
    return [section for section in sections if section.blocks]


def _results(results: Results) -> Iterator[Block]:
    names = list(dict.fromkeys(name for arm in results.arms for name in arm.metrics))
    states = any(arm.state != "completed" for arm in results.arms)
    header = ["settings", *(["state"] if states else []), *map(plain, names)]
    rows = [
        [_arm(arm), *([arm.state] if states else []), *(_cell(arm, name) for name in names)] for arm in results.arms
    ]
    caption = f"Mean ± standard deviation (number of seeds); seeds {', '.join(map(str, results.seeds[:20]))}."
    yield Table(header, rows, caption, texts=(0, 1) if states else (0,))
    charts = list(_charts(results, names))
    if charts:
        yield Charts(charts)
    yield _values(results)


def _arm(arm: Arm) -> str:
    return plain(arm.name, 200)


def _cell(arm: Arm, name: str) -> str:
    if name not in arm.metrics:
        return ""
    value: Spread | None = spread([value for value in arm.metrics[name].values if value is not None])
    return "–" if value is None else str(value)


def _values(results: Results) -> Table:
    rows = [
        [_arm(arm), plain(name), *("–" if value is None else f"{value:.6g}" for value in metric.values),
         f"{metric.tolerance:.3g}"]
        for arm in results.arms
        for name, metric in arm.metrics.items()
    ]  # fmt: skip
    header = ["settings", "metric", *(f"seed {seed}" for seed in results.seeds), "tolerance"]
    caption = "Each recorded value, and by how much it may differ when it is reproduced."
    return Table(header, rows, caption, texts=(0, 1))


def _charts(results: Results, names: Sequence[str]) -> Iterator[Chart]:
    """Yield charts of the metrics over each number that the arms set differently."""
    runs = [run for arm in results.arms for run in _runs(arm, results.seeds)]
    groups = grouped(runs)
    drawn = 0
    for name in names:
        if name.endswith(STANDARD_ERROR):  # drawn as the bars of its metric
            continue
        objective = Objective(name, known_direction(name) != "maximize")
        measured = [group for group in groups if group.completed != group.runs or group.spread(name)]
        for chart in sensitivity_charts(measured, objective) if len(measured) > 1 else ():
            if drawn < MOST_CHARTS and any(line.joined and len(line.x) > 1 for line in chart.lines):
                drawn += 1
                yield chart


def _runs(arm: Arm, seeds: Sequence[int]) -> Iterator[SavedRun]:
    """Yield an arm's runs, as if they lay in directories, so that they are drawn as those are."""
    overrides = dict(text.lstrip("+~").partition("=")[::2] for text in arm.overrides)
    for number, seed in enumerate(seeds):
        values = {name: metric.values[number] for name, metric in arm.metrics.items()}
        metrics = {name: value for name, value in values.items() if value is not None}
        yield SavedRun(Path(), arm.state, "", None, {**overrides, "seed": str(seed)}, {}, {}, metrics)
