"""Stand-ins for linnet's components, made from the syntax trees of their files.

Importing a component imports torch, which takes longer than a mistake in a configuration may take to be answered. A
stand-in has the component's docstring, annotated options with defaults, and class constants (its task, what it is able
to do); its methods are left out. Only the package's own files are read.
"""

import ast
import builtins
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import new_class
from typing import Any

PACKAGE = Path(__file__).parents[1]
REAL = ("abc", "annotated_types", "collections", "dataclasses", "math", "typing", "linnet.config", "linnet.system")
"""Modules that are imported as they are."""


class Unknown(type):
    """The type of stand-ins for everything that is not read; their attributes are unknown, too."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return unknown(f"{cls.__name__}.{name}")

    def __getitem__(cls, arguments: object) -> "Unknown":
        return cls


@cache
def unknown(name: str) -> Unknown:
    return Unknown(name, (), {})


@cache
def skeleton(target: str) -> Any:
    """Return the stand-in for the class or function of this dotted name, as `linnet.losses.Huber`.

    Raises:
        AttributeError: the package has nothing of that name.
    """
    module, _, name = target.rpartition(".")
    return _module(module)[name]


@cache
def _module(name: str) -> "_Module":
    parts = name.split(".")
    if parts[0] != "linnet":
        raise AttributeError(f"{name} is not part of linnet")
    path = PACKAGE.joinpath(*parts[1:])
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not file.is_file():
        raise AttributeError(f"{name}: linnet has no such module")
    return _Module(name, ast.parse(file.read_text(encoding="utf-8")))


class _Module(dict[str, Any]):
    """The names of a module, each made when it is first asked for."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        super().__init__()
        self.name = name
        self.makers: dict[str, Callable[[], Any]] = {}
        for statement in ast.walk(tree):  # imports for type checkers stand inside an if
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                self._add_import(statement)
        for statement in tree.body:
            if isinstance(statement, ast.ClassDef):
                self.makers[statement.name] = partial(self._class, statement)
            elif isinstance(statement, ast.FunctionDef):
                self.makers[statement.name] = partial(self._function, statement)
            elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
                target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
                if isinstance(target, ast.Name):
                    self.makers[target.id] = partial(self._value, statement.value)

    def __missing__(self, name: str) -> Any:
        if name in self.makers:
            self[name] = self.makers[name]()
            return self[name]
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise AttributeError(f"{self.name} has no {name}")

    def _add_import(self, statement: ast.Import | ast.ImportFrom) -> None:
        for alias in statement.names:
            if isinstance(statement, ast.ImportFrom):
                self.makers[alias.asname or alias.name] = partial(_imported, statement.module or "", alias.name)
            else:
                self.makers[alias.asname or alias.name.partition(".")[0]] = partial(_imported, alias.name)

    def _value(self, node: ast.expr) -> Any:
        return eval(compile(ast.Expression(node), self.name, "eval"), {}, self)  # linnet's own files

    def _class(self, node: ast.ClassDef) -> Any:
        annotations: dict[str, Any] = {}
        body = {"__doc__": ast.get_docstring(node), "__module__": self.name, "__annotations__": annotations}
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                annotations[statement.target.id] = self._value(statement.annotation)
                if statement.value is not None:
                    body[statement.target.id] = self._value(statement.value)
            elif isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
                body["__init__"] = self._function(statement)
        bases = tuple(base for base in map(self._value, node.bases) if not isinstance(base, Unknown))
        made = new_class(node.name, bases, exec_body=lambda namespace: namespace.update(body))
        return self._decorated(made, node)

    def _function(self, node: ast.FunctionDef) -> Any:
        empty = ast.copy_location(ast.FunctionDef(node.name, node.args, [ast.Pass()], []), node)
        module = ast.fix_missing_locations(ast.Module([empty], []))
        exec(compile(module, self.name, "exec"), {}, self)
        made = self.pop(node.name)
        made.__doc__ = ast.get_docstring(node)
        return self._decorated(made, node)

    def _decorated(self, made: Any, node: ast.ClassDef | ast.FunctionDef) -> Any:
        for decorator in reversed(node.decorator_list):
            found = self._value(decorator)
            if not isinstance(found, Unknown):
                made = found(made)
        return made


def _imported(origin: str, name: str | None = None) -> Any:
    if any(origin == real or origin.startswith(f"{real}.") for real in REAL):
        module = import_module(origin)
        return module if name is None else getattr(module, name)
    if origin.startswith("linnet.") and name is not None:
        return _module(origin)[name]
    return unknown(name or origin)
