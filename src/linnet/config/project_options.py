"""Options in YAML files of a project: `./conf/optimizer/fast.yaml` is `optimizer=fast`.

Folders are ./conf, if it is there, and those of `--config-dir` and `hydra.searchpath` on the command line. Their files
are data: each is one node of its group, read and merged here. They never become a part of Hydra's search path, so they
set nothing of Hydra's or of another group, and grant no trust.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, cast

from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import OmegaConf

from linnet.config.check_hydra import walk
from linnet.config.groups import GROUPS, base_of, conf, file_of, shipped
from linnet.config.own_parts import DOTTED, is_own, own_node
from linnet.system.compat.hydra import parse_overrides
from linnet.system.errors import InputError
from linnet.system.reading import YAML_LIMIT, read_text, read_yaml
from linnet.system.sanitize import is_text, print_note

PROVIDER = "project"
HERE = Path("conf")
SEARCHPATH = "hydra.searchpath"
MAX_FILES = 1000
"""Options that a folder may have in one group."""
ANNOUNCED = 8
NAME = re.compile(r"[^\W_][\w-]*")
PACKAGE = re.compile(r"^\s*#\s*@package\s+(\S+)", re.MULTILINE)
REFERENCE = re.compile(r"\$\{[\w.]+\}")
"""The value of another key; all other interpolations would compute something."""

_refused: dict[tuple[str, str], str] = {}
"""(group, option) -> why a file of that name is no option; of the session that runs."""
_here: list[str] = []
"""The options of ./conf in that session, as group=option."""


def take_searchpath(overrides: Sequence[str]) -> tuple[list[str], list[Path]]:
    """Return the overrides without `hydra.searchpath=[…]`, and the folders that these name.

    Raises:
        InputError: a folder is not there, or has no options.
    """
    rest, folders = [], []
    for text in overrides:
        if text.lstrip("+").partition("=")[0] == SEARCHPATH:
            folders += [_folder(place) for place in _places(text)]
        else:
            rest.append(text)
    for folder in folders:
        if not any(_files(folder)):
            raise InputError(f"{folder} has no options: expected files such as {folder}/optimizer/fast.yaml")
    return rest, folders


def searchpath_of(folder: str) -> str:
    """Return the override that names a folder, as `--config-dir` does."""
    escaped = str(Path(folder).expanduser().absolute()).replace("\\", "\\\\").replace('"', '\\"')
    return f'{SEARCHPATH}=["file://{escaped}"]'


@contextmanager
def registered(folders: Sequence[Path]) -> Iterator[None]:
    """Make the files in these folders and in ./conf options of their groups, inside the block."""
    store = ConfigStore.instance()
    added = []
    here = [HERE] if _is_of_a_project(HERE) else []
    try:
        for folder in (*folders, *here):
            if folder.samefile(conf()):
                continue
            for group, path in _files(folder):
                name = path.stem
                if (group, name) in added or (group, name) in _refused:
                    continue  # as on Hydra's search path, the first one counts
                try:
                    node = _load(folder, group, name)
                except InputError as error:
                    _refused[group, name] = str(error)
                else:
                    store.store(group=group, name=name, node=node, provider=PROVIDER)
                    added.append((group, name))
                    _here.extend([f"{group}={name}"] if folder == HERE else [])
        yield
    finally:
        for group, name in added:
            del store.repo[group][f"{name}.yaml"]
        _refused.clear()
        _here.clear()


def has_options_here() -> bool:
    """Return whether ./conf is a folder of a project, whose files may be options."""
    return _is_of_a_project(HERE)


def announce() -> None:
    """Say on stderr which options ./conf adds."""
    if _here:
        more = len(_here) - ANNOUNCED
        names = ", ".join(_here[:ANNOUNCED]) + (f" and {more} more" if more > 0 else "")
        print_note(f"options of ./{HERE}: {names}")


def refuse_unusable(choices: Mapping[str, Any]) -> None:
    """Raise InputError for a chosen option of which a project has a file that cannot be used: group -> option."""
    for group, option in choices.items():
        if (group, str(option)) in _refused:
            raise InputError(_refused[group, str(option)])


def added(group: str) -> dict[str, dict[str, Any]]:
    """Return option -> node of what projects add to a group, inside a session."""
    options = ConfigStore.instance().repo.get(group, {})
    return {
        name.removesuffix(".yaml"): cast(dict[str, Any], OmegaConf.to_container(entry.node, resolve=False))
        for name, entry in sorted(options.items())
        if getattr(entry, "provider", None) == PROVIDER
    }


def node_of(group: str, option: str) -> Mapping[str, Any] | None:
    """Return the node of an option: linnet's, a project's, or a trusted part; None if there is none."""
    if option in shipped()[group]:
        return shipped()[group][option]
    return own_node(group, option) if DOTTED.fullmatch(option) else added(group).get(option)


def complete(overrides: Sequence[str]) -> None:
    """Give the options of a project that these overrides choose the defaults of the trusted parts that they name."""
    for text in overrides:
        group, _, values = text.lstrip("+").partition("=")
        for name in map(str.strip, values.split(",") if group in GROUPS else ()):
            node = added(group).get(name)
            if node is not None and is_own(node.get("_target_")):
                node = {**own_node(group, node["_target_"]), **node}
                ConfigStore.instance().store(group=group, name=name, node=node, provider=PROVIDER)


def _places(text: str) -> list[str]:
    try:
        (override,) = parse_overrides([text])
    except HydraException as error:
        raise InputError(f"{text}: expected folders, as in {SEARCHPATH}=[file:///my/conf]") from error
    value = override.value()
    given = value if isinstance(value, list) else [value]
    if override.is_sweep_override() or override.is_delete() or not all(isinstance(place, str) for place in given):
        raise InputError(f"{text}: expected folders, as in {SEARCHPATH}=[file:///my/conf]")
    return [str(place) for place in given]


def _folder(place: str) -> Path:
    """Return the folder of `file://…`, `pkg://package.conf` or a path. No package is imported."""
    scheme, separator, rest = place.rpartition("://")
    if not separator or scheme == "file":
        folder = Path(rest).expanduser()
    elif scheme == "pkg":
        top, *below = rest.replace("/", ".").strip(".").split(".")
        spec = find_spec(top) if top.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            raise InputError(f"{SEARCHPATH}: {place}: no such package is installed")
        folder = Path(next(iter(spec.submodule_search_locations))).joinpath(*below)
    else:
        raise InputError(f"{SEARCHPATH}: {place}: expected file://FOLDER or pkg://PACKAGE")
    if not folder.is_dir():
        raise InputError(f"{SEARCHPATH}: {place}: there is no such folder")
    return folder


def _is_of_a_project(folder: Path) -> bool:
    """Return whether a folder is not that of linnet's own options, in this or another checkout."""
    readable = folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)
    return readable and not Path("src/linnet/__init__.py").is_file()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (group, file) of each option in a folder."""
    for group in GROUPS:
        if (folder / group).is_dir():
            files = list(islice((folder / group).glob("*.yaml"), MAX_FILES + 1))
            if len(files) > MAX_FILES:
                raise InputError(f"{folder / group} has more than {MAX_FILES} files")
            yield from ((group, path) for path in sorted(files) if NAME.fullmatch(path.stem))


def _load(folder: Path, group: str, name: str, before: Sequence[str] = ()) -> dict[str, Any]:
    """Return the node of an option's file, over those of its group that its defaults list names.

    Raises:
        InputError: what is wrong with the file, in one line.
    """
    path = folder / group / f"{name}.yaml"
    if (conf() / group / path.name).is_file():
        raise InputError(f"{path}: linnet has an option {group}={name} of its own: give the file another name")
    if name in before:
        raise InputError(f"{path}: its defaults lead back to itself")
    try:
        text, content = read_text(path, folder, YAML_LIMIT), read_yaml(path, folder)
        node: Any = OmegaConf.to_container(content, resolve=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not readable YAML: {str(error).strip().splitlines()[0]}") from error
    if not isinstance(node, dict) or not all(isinstance(key, str) for key in node):
        raise InputError(f"{path}: expected keys and values, such as _target_: linnet.optimizers.SGD")
    _check_stays_in_its_group(path, group, text, node)
    names = node.pop("defaults", ["_base"] if base_of(group) else [])
    if not isinstance(names, list) or not all(
        isinstance(base, str) and re.fullmatch(r"[\w-]+", base) for base in names
    ):
        raise InputError(f"{path}: its defaults may name other options of {group} only, as in [{_example(group)}]")
    bases = [_base(folder, group, base, (*before, name)) for base in names if base != "_self_"]
    return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.merge(*bases, node), resolve=False))


def _base(folder: Path, group: str, name: str, before: Sequence[str]) -> dict[str, Any]:
    own = file_of(group, name)
    if own is not None:
        return own
    if not (folder / group / f"{name}.yaml").is_file():
        raise InputError(
            f"{folder / group / before[-1]}.yaml: its defaults name {name}, and there is no {group}={name}"
        )
    return _load(folder, group, name, before)


def _check_stays_in_its_group(path: Path, group: str, text: str, node: dict[str, Any]) -> None:
    """Raise InputError for what would reach beyond the option's own node, or compute something."""
    for package in PACKAGE.findall(text):
        if package not in (group, "_group_"):
            raise InputError(f"{path}: @package {package}: a file sets keys of its group {group} only")
    for key, _, value in walk(node):
        if not is_text(f"{key} {value}"):
            raise InputError(f"{path}: {key!a}: holds bytes that could not be recorded")
        if isinstance(value, str) and "${" in REFERENCE.sub("", value):
            raise InputError(
                f"{path}: {key}: of interpolations only ${{key}} is allowed here, the value of another key"
            )


def _example(group: str) -> str:
    return next(iter(shipped()[group]))
