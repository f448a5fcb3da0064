"""Parts of others that may be built: those in modules that the person running the command names.

Named are installed modules and files by `--trust`, both also by $LINNET_TRUST, and modules of installed packages by the
entry-point group `linnet.components`; from Python, parts are given themselves. Nothing in a run directory, an
experiment or the current directory can name one.
"""

import hashlib
import importlib
import importlib.util
import os
import shlex
import sys
from collections.abc import Sequence
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from linnet.system.errors import InputError

OPTION = "--trust"
VARIABLE = "LINNET_TRUST"
"""Names separated as in $PATH. Worker processes get it from the first one, whatever starts them."""
ENTRY_POINTS = "linnet.components"
TORCH_OPTIM = "torch.optim"
"""Its optimizers are known; they are trusted, since they only compute."""
_objects: dict[str, Any] = {}
"""Dotted name -> class or function that was given to `linnet.train` itself; of this process only."""
_given: list[str] = []
"""What `--trust` named on the command line of this process."""


def take_trust(arguments: Sequence[str]) -> list[str]:
    """Trust what `--trust NAME` on a command line names, and return the other arguments.

    Raises:
        InputError: no name follows, or the file or module is not there.
    """
    rest, named, words = [], [], list(arguments)
    while words:
        word = words.pop(0)
        if word == OPTION and not words:
            raise InputError(f"{OPTION}: expected a module or a file, as in {OPTION} ./my_parts.py")
        if word == OPTION:
            named.append(words.pop(0))
        elif word.startswith(f"{OPTION}="):
            named.append(word.partition("=")[2])
        else:
            rest.append(word)
    for name in named:
        trust(name)
    _given[:] = named
    return rest


def given_again() -> str:
    """Return what a further command needs to trust what this one was given by `--trust`: " --trust ./my_parts.py"."""
    return "".join(f" {OPTION} {shlex.quote(name)}" for name in _given)


def trust(name: str) -> None:
    """Trust a module, or a file `./my_parts.py` as the module `my_parts`, in this process and those that it starts.

    Raises:
        InputError: there is no such module or file.
    """
    place = str(Path(name).expanduser().resolve()) if _is_file(name) else name
    before = _named()
    if place not in before:
        _check(place)
        os.environ[VARIABLE] = os.pathsep.join([*before, place])


def trust_object(part: Any) -> str:
    """Trust a class or function, in this process, and return its dotted name.

    Raises:
        InputError: it is something else, or has no name by which it could be found again.
    """
    if not isinstance(part, (type, FunctionType)):
        raise InputError(f"{part!r}: expected a class, or a function for data; arguments are overrides, as loss.q=0.8")
    target = f"{part.__module__}.{part.__qualname__}"
    if "<" in target:
        raise InputError(f"{target}: stands inside a function: move it to the top of its module")
    _objects[target] = part
    return target


def is_trusted(target: str) -> bool:
    """Return whether a dotted name stands in a module that is trusted. Imports nothing."""
    return target in _objects or any(target.startswith(f"{name}.") for name in (*_module_names(), TORCH_OPTIM))


def trusted_object(target: str) -> Any:
    """Return the class or function of a dotted name, as `my_parts.Asymmetric`, from a trusted module.

    Raises:
        InputError: its module is not trusted, cannot be imported, or only imports the object from elsewhere.
    """
    if not is_trusted(target):
        raise InputError(f"{target}: {how_to_trust(target)}")
    if target in _objects:
        return _objects[target]
    module, name = _module_of(target)
    found: Any = module
    for word in name.split("."):
        found = None if word.startswith("_") else getattr(found, word, None)
    origin = getattr(found, "__module__", None)
    if found is None or not callable(found):
        raise InputError(f"{target}: {module.__name__} has no class or function {name}")
    if not isinstance(origin, str) or not is_trusted(f"{origin}."):
        raise InputError(f"{target}: stands in {origin}, which is not trusted")
    return found


def how_to_trust(target: str) -> str:
    """Return what to say of a dotted name in a module that is not trusted."""
    top = target.partition(".")[0]
    return f"the module {top} is not trusted here; if you know what it does: {OPTION} {top}, or {OPTION} ./{top}.py"


def source_of(target: str) -> dict[str, str | None]:
    """Return module, version of its package (None for a file), and sha256 of the source of a trusted part."""
    from importlib.metadata import PackageNotFoundError, version as version_of  # late, as below

    module = sys.modules[_objects[target].__module__] if target in _objects else _module_of(target)[0]
    file = Path(getattr(module, "__file__", None) or "")
    try:
        version = version_of(module.__name__.partition(".")[0])
    except PackageNotFoundError:
        version = None
    # A script from standard input, or a module in a zip file, has the name of a file that does not exist.
    digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
    return {"module": module.__name__, "version": version, "sha256": digest}


def _is_file(name: str) -> bool:
    return name.endswith(".py") or os.sep in name


def _named() -> list[str]:
    return [name for name in os.environ.get(VARIABLE, "").split(os.pathsep) if name]


def _module_names() -> list[str]:
    return [*(Path(name).stem if _is_file(name) else name for name in _named()), *_installed()]


@cache
def _installed() -> tuple[str, ...]:
    """Return the modules that installed packages name as theirs for linnet."""
    from importlib.metadata import entry_points  # late: it takes 20 ms, and most commands need it not

    found = entry_points(group=ENTRY_POINTS)
    return tuple(dict.fromkeys(entry.value.partition(":")[0] for entry in found))


def _check(place: str) -> None:
    if not _is_file(place):
        try:
            found = importlib.util.find_spec(place) is not None
        except (ImportError, ValueError):
            found = False
        if not found:
            raise InputError(f"{OPTION} {place}: no such module is installed; a file is named as {OPTION} ./{place}.py")
        return
    path = Path(place)
    if not path.is_file():
        raise InputError(f"{OPTION} {place}: there is no such file")
    if not path.stem.isidentifier():
        raise InputError(f"{OPTION} {place}: the name of the file is no name of a module, rename it")
    if path.stem in sys.stdlib_module_names or PathFinder.find_spec(path.stem) is not None:
        raise InputError(f"{OPTION} {place}: a module {path.stem} is installed, give the file another name")


def _module_of(target: str) -> tuple[ModuleType, str]:
    """Return the innermost module of a dotted name, imported, and the rest of the name."""
    top = max((name for name in (*_module_names(), TORCH_OPTIM) if target.startswith(f"{name}.")), key=len)
    module, rest = _imported(top, _files().get(top)), target[len(top) + 1 :].split(".")
    while len(rest) > 1 and hasattr(module, "__path__"):
        name = f"{module.__name__}.{rest[0]}"
        if importlib.util.find_spec(name) is None:
            break
        module, rest = _imported(name, None), rest[1:]
    return module, ".".join(rest)


def _files() -> dict[str, Path]:
    return {Path(name).stem: Path(name) for name in _named() if _is_file(name)}


def _imported(name: str, file: Path | None) -> ModuleType:
    known = sys.modules.get(name)
    if known is not None and (file is None or getattr(known, "__file__", None) == str(file)):
        return known
    try:
        if file is None:
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # so that its objects can be sent to other processes by name
        spec.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(name, None)
        raise InputError(f"{file or name} cannot be imported: {type(error).__name__}: {error}") from error
    return module
