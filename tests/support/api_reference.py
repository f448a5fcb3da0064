"""Write the API reference from the docstrings, for `make book`: `python tests/support/api_reference.py DIR`.

It has what users import: the faces of linnet, and the mathematics.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import linnet

MODULES = (
    "linnet", "linnet.results", "linnet.sklearn", "linnet.models", "linnet.losses", "linnet.optimizers",
    "linnet.penalties", "linnet.schedules", "linnet.information", "linnet.solvers", "linnet.inference",
    "linnet.config.option_types", "linnet.system.errors",
)  # fmt: skip
"""With their submodules, but of packages that name what they offer."""


def write(folder: Path, modules: Sequence[str] = MODULES) -> None:
    """Write one page per module, an index of names, and what searches in them; nothing is fetched."""
    import pdoc

    for module in map(import_module, modules):
        for name in getattr(module, "__all__", ()):  # some are imported when they are asked for, and pdoc asks for none
            setattr(module, name, getattr(module, name))
    pdoc.render.configure(docformat="google", footer_text=f"linnet {linnet.__version__}", show_source=False)
    pdoc.pdoc(*modules, output_directory=folder)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
