"""Private parts of Hydra, Lightning, OmegaConf and torch are named in linnet.system.compat and nowhere else."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import linnet

SOURCES = Path(linnet.__file__).parent
COMPAT = SOURCES / "system" / "compat"
LIBRARIES = ("hydra", "lightning_fabric", "omegaconf", "pytorch_lightning", "torch")
# Modules that have no underscore in their names, and no page in the documentation.
UNDOCUMENTED = ("hydra.core.override_parser.overrides_parser", "lightning_fabric.", "pytorch_lightning.trainer.")
# Underscored names that are public: of named tuples, abstract classes, the system and Hydra's configuration files.
PUBLIC = {"_asdict", "_replace", "_fields", "_exit", "_target_", "_abc_impl"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_module(module: str) -> bool:
    parts = module.split(".")
    return parts[0] in LIBRARIES and (any(map(is_private, parts)) or f"{module}.".startswith(UNDOCUMENTED))


def own_names(trees: "dict[Path, ast.Module]") -> set[str]:
    """Underscored names that linnet itself gives to functions, attributes and arguments."""
    names = set()
    for node in (node for tree in trees.values() for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            names.add(node.attr)
    return names


def found_in(tree: ast.Module, own: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if private_module(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (name for alias in node.names if private_module(name := f"{node.module}.{alias.name}"))
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own | PUBLIC:
            yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\b(?:hydra|omegaconf|pytorch_lightning|torch)(?:\.\w+)*\._[a-z]\w*", node.value)


@pytest.fixture(scope="module")
def trees() -> "dict[Path, ast.Module]":
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES.rglob("*.py")}


def test_modules_outside_compat_name_no_private_part_of_a_library(trees):
    own = own_names({path: tree for path, tree in trees.items() if COMPAT not in path.parents})
    found = {
        str(path.relative_to(SOURCES)): names
        for path, tree in trees.items()
        if COMPAT not in path.parents and (names := list(found_in(tree, own)))
    }
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "from hydra._internal.callbacks import Callbacks",
        "import torch._dynamo",
        "from torch import _C",
        "from hydra.core.override_parser.overrides_parser import OverridesParser",
        "from lightning_fabric.utilities.seed import reset_seed",
        "trainer._signal_connector.register_signal_handlers()",
        "TARGET = 'hydra._internal.core_plugins.basic_launcher.BasicLauncher'",
    ],
)
def test_each_way_of_naming_a_private_part_is_found(line):
    assert list(found_in(ast.parse(line), own={"_rank"}))


def test_classes_outside_compat_override_no_private_part_of_a_library():
    names = [module.name for module in pkgutil.walk_packages([str(SOURCES)], "linnet.")]
    modules = [importlib.import_module(name) for name in names if "__main__" not in name and ".compat" not in name]
    derived = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    found = []
    for kind in sorted(derived, key=repr):
        if not kind.__module__.startswith("linnet.") or kind.__module__.startswith("linnet.system.compat."):
            continue
        for base in kind.__mro__[1:]:
            if base.__module__.partition(".")[0] in LIBRARIES:
                shared = attributes(kind) & attributes(base)
                found += [f"{kind.__module__}.{kind.__name__}.{name} of {base.__name__}" for name in sorted(shared)]
    assert found == []


def attributes(kind: type) -> set[str]:
    """Underscored names that a class defines, or sets on its instances."""
    return {*filter(is_private, vars(kind)), *re.findall(r"\bself\.(_[a-z]\w*)", inspect.getsource(kind))} - PUBLIC
