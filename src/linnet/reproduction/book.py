"""The book: a page for each experiment, and their index in the order of *Dive into Deep Learning*."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from linnet.comparison.report.blocks import Links, Markup, Page, Section
from linnet.comparison.report.runs_page import write_page
from linnet.config.groups import experiments
from linnet.reproduction.experiment_page import Described, describe, experiment_sections, section_number
from linnet.reproduction.find_experiment import FILE, Experiment
from linnet.reproduction.readme import README, markdown, read_readme
from linnet.system.errors import InputError
from linnet.system.writing import safe_name

INDEX, COVERAGE, API = "index.html", "coverage.html", "api/index.html"
BESIDE = "Beside the book"
TITLE = "linnet: the book in experiments"


def write_book(folder: Path) -> list[Path]:
    """Write the pages of all experiments into a folder, made if absent, and return their files, the index first.

    The index also leads to what experiments/README.md says of each exercise, and to the API reference if that lies in
    the folder.

    Raises:
        InputError: an experiment cannot be read.
    """
    found = sorted(map(describe, _folders()), key=_order)
    pages = {_name(one): f"{safe_name(_name(one))}.html" for one in found}
    folder.mkdir(parents=True, exist_ok=True)
    others = [*_coverage(folder, found, pages), *([(API, "API reference")] if (folder / API).is_file() else [])]
    written = [folder / INDEX]
    write_page(written[0], Page(TITLE, (), _contents(found, pages), others))
    for before, one, after in zip([None, *found], found, [*found[1:], None], strict=False):
        links = [(INDEX, "contents")]
        links += [] if before is None else [(pages[_name(before)], f"← {_name(before)}")]
        links += [] if after is None else [(pages[_name(after)], f"{_name(after)} →")]
        written.append(folder / pages[_name(one)])
        write_page(written[-1], experiment_page(one, pages, links))
    return written


def _folders() -> list[Experiment]:
    """Return all experiments, and the folders of scripts with a README that stand beside them."""
    found = [Experiment(place, name) for name, place in experiments().items()]
    roots = dict.fromkeys(one.folder.parent for one in found)
    scripts = {path.parent for root in roots for path in root.glob(f"*/{README}") if any(path.parent.glob("*.py"))}
    return [*found, *(Experiment(place, None) for place in sorted(scripts) if not (place / FILE).is_file())]


def _coverage(folder: Path, found: Sequence[Described], pages: Mapping[str, str]) -> list[tuple[str, str]]:
    """Write experiments/README.md as a page, and return the link to it; none if there is no such file."""
    for root in dict.fromkeys(one.experiment.folder.parent for one in found):
        text = read_readme(root / README)
        if text:
            section = Section("Sections, questions and exercises", [Markup(markdown(text, root, pages))])
            write_page(folder / COVERAGE, Page("Experiments", (), [section], [(INDEX, "contents")]))
            return [(COVERAGE, "each section and exercise")]
    return []


def experiment_page(
    found: Described, pages: Mapping[str, str] | None = None, links: Sequence[tuple[str, str]] = ()
) -> Page:
    """Return the page of an experiment. Arguments as of `experiment_sections`; links: to other pages of the book."""
    try:
        sections = experiment_sections(found, pages)
    except InputError as error:
        raise InputError(f"{found.experiment.name}: {error}") from error
    book = [f"Dive into Deep Learning {section}" for section in found.book]
    return Page(found.title, book, sections, links)


def _order(found: Described) -> tuple[tuple[int, int], str]:
    return found.place, _name(found)


def _name(found: Described) -> str:
    return found.experiment.folder.name


def _contents(found: Sequence[Described], pages: Mapping[str, str]) -> list[Section]:
    """Return a section per section of the book; an experiment of several stands in each."""
    members: dict[str, list[tuple[str, str, str]]] = {}
    for one in found:
        for section in one.book or (BESIDE,):
            members.setdefault(section, []).append((pages[_name(one)], one.title, one.question))
    ordered = sorted(members, key=lambda section: (section_number(section), section))
    return [Section(section, [Links(members[section])]) for section in ordered]
