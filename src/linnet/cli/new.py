"""`linnet new NAME`: a small package of own parts, which installs, trains, sweeps and passes its tests as it is."""

import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from keyword import iskeyword
from pathlib import Path

from linnet.cli.parser import Parser
from linnet.system.errors import InputError
from linnet.system.files import write_folder
from linnet.system.terminal import Terminal, print_next

MARKER = "my_project"
"""Stands for the project's name in the files below `new_project` and in their paths."""
FILES = (
    ".gitignore", "README.md", "pyproject.toml", "conf/data/prices.yaml", "conf/loss/pinball.yaml",
    "experiments/learning_rate/experiment.yaml", "src/my_project/__init__.py", "src/my_project/data.py",
    "src/my_project/losses.py", "src/my_project/metrics.py", "tests/test_data.py", "tests/test_losses.py",
    "tests/test_metrics.py",
)  # fmt: skip
NAME = re.compile(r"[A-Za-z]([A-Za-z0-9_]{0,58}[A-Za-z0-9])?")
"""An identifier that can be the name of a distribution as well."""
FOLDERS = ("conf", "experiments", "runs", "src", "tests")
"""Names that linnet or the project itself gives to folders."""


def main(arguments: Sequence[str]) -> None:
    """Write the project into a new folder of the current directory and print what to do next.

    Raises:
        InputError: the name cannot be that of a package, or something of that name is there; nothing is written then.
    """
    name = _parser().parse_args(arguments).name
    _check(name)
    template = files("linnet.cli") / "new_project"
    write_folder(
        Path(name),
        {
            place.replace(MARKER, name): template.joinpath(place).read_bytes().replace(MARKER.encode(), name.encode())
            for place in FILES
        },
    )
    console = Terminal()
    print_next(console, "project", f"{name}: a loss, a data source, a metric; see {name}/README.md")
    print_next(console, "install", f"pip install --no-deps --no-build-isolation -e {name}")
    print_next(console, "train", f"cd {name} && linnet train data=prices loss=pinball optimizer.lr=10")
    print_next(console, "sweep", "linnet train -m experiment=learning_rate")
    print_next(console, "test", "python -m pytest")


def _check(name: str) -> None:
    if not NAME.fullmatch(name) or iskeyword(name):
        raise InputError(
            f"new: {name}: expected the name of a Python package: a letter, then letters, digits and _, such as "
            f"{MARKER}; 60 at most, and no _ at the end"
        )
    if os.path.lexists(name):
        raise InputError(f"new: {name} exists: remove it, or give another name")
    if name in FOLDERS:
        raise InputError(f"new: {name}: projects have a folder of this name in them: give another name")
    if name in sys.stdlib_module_names or importlib.util.find_spec(name) is not None or _is_installed(name):
        raise InputError(f"new: {name}: a module or package of this name is installed: give another name")


def _is_installed(name: str) -> bool:
    """Return whether a distribution has the name, as linear_networks and scikit_learn do, which no module has."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _parser() -> Parser:
    parser = Parser(
        prog="linnet new",
        description="A small package of own parts in a new folder NAME: a loss, a data source and a metric with their "
        "tests, conf/, and an experiment that is a sweep. Nothing is installed or downloaded.",
    )
    parser.add_argument("name", metavar="NAME", help=f"of the package and its folder, such as {MARKER}")
    return parser
