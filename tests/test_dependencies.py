"""What pyproject.toml and the lock files name: every package that linnet imports, with hashes and no address."""

import ast
import re
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUNNING, DEVELOPING = "requirements.lock", "requirements-dev.lock"
# Imported only where an extra is installed.
OPTIONAL = {"mlflow", "wandb", "hydra_plugins", "joblib", "onnx", "onnxruntime", "optuna", "pandas"}


def normalized(names: Iterable[str]) -> set[str]:
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def pinned(lock: str) -> set[str]:
    return set(re.findall(r"^[a-z][\w.-]*==[\w.+]+", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))


def imported(path: Path) -> set[str]:
    """Top-level names of the modules that a file imports, inside functions too."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {module.partition(".")[0] for module in modules}


def test_every_package_that_linnet_imports_is_a_dependency_and_locked() -> None:
    files = [path for path in (ROOT / "src").rglob("*.py") if "new_project" not in path.parts]  # a user's, one day
    names = set().union(*map(imported, files))
    names -= {*sys.stdlib_module_names, *OPTIONAL, "linnet"}
    assert {"torch", "numpy", "hydra"} <= names
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[project.optional-dependencies]")[0]
    dependencies = normalized(re.findall(r'^    "([\w.-]+)[=><]', text, re.MULTILINE))
    distributions = packages_distributions()
    assert {name for name in names if not normalized(distributions[name]) & dependencies} == set()
    assert dependencies <= normalized(pin.partition("==")[0] for pin in pinned(RUNNING))


def test_lock_of_running_is_part_of_the_other_and_has_no_development_tools() -> None:
    assert pinned(RUNNING) < pinned(DEVELOPING)
    names = normalized(pin.partition("==")[0] for pin in pinned(RUNNING))
    assert not names & {"pytest", "ruff", "mypy", "optuna", "onnx", "ray"}


@pytest.mark.parametrize("lock", [RUNNING, DEVELOPING])
def test_locked_packages_have_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert all("--hash=sha256:" in entry for entry in re.split(r"(?m)^(?=[a-z])", text)[1:])
    assert re.search(r"https?:|--(?!hash=sha256:)", text) is None
