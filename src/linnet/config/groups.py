"""The config groups that linnet ships, and the experiments found in the package and in ./experiments."""

from functools import cache, reduce
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from linnet.system.errors import InputError
from linnet.system.reading import read_yaml
from linnet.system.sanitize import plain

GROUPS = ("data", "resampling", "model", "loss", "penalty", "optimizer", "schedule", "trainer", "logger", "callbacks")
ADDED = ("resampling",)
"""Groups that configurations of earlier versions do not have: without a node, a run does without the component."""
SEARCH, EXPERIMENT = "search", "experiment"
ABOUT = "about"
"""Key of an experiment's YAML that is no configuration: the sections of the book, and its picture."""


def conf() -> Path:
    """Return the folder of linnet's own options."""
    return Path(str(files("linnet.conf")))


@cache
def primary() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `linnet train` begins with: keys outside of the groups, unresolved, and group -> option."""
    content = cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(conf() / "train.yaml"), resolve=False))
    chosen = [entry for entry in content.pop("defaults") if isinstance(entry, dict)]
    return content, {group: option for entry in chosen for group, option in entry.items()}


@cache
def shipped() -> dict[str, dict[str, dict[str, Any]]]:
    """Return group -> option -> its YAML as a dict, unresolved, over the files of the group that it is based on.

    A file whose name begins with an underscore is a base of others and no option.
    """
    return {group: shipped_in(group) for group in GROUPS}


@cache
def shipped_in(group: str) -> dict[str, dict[str, Any]]:
    """Return the options of one group as `shipped` does."""
    return {path.stem: _load(path) for path in _files(group)}


@cache
def base_of(group: str) -> dict[str, Any]:
    """Return the keys that all options of a group have in common, unresolved."""
    return file_of(group, "_base") or {}


def file_of(group: str, name: str) -> dict[str, Any] | None:
    """Return what a file of linnet's own holds, an option or a base of options, as `shipped` does; None: no file."""
    path = conf() / group / f"{name}.yaml"
    return _load(path) if path.is_file() else None


def summary(group: str, option: str) -> str:
    """Return the first line of an option's file, which says what it is."""
    path = conf() / group / f"{option}.yaml"
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def experiments() -> dict[str, Path]:
    """Return experiment name -> its folder; one in ./experiments comes before a shipped one of the same name."""
    roots = [Path(str(files("linnet.experiments"))), Path("experiments").resolve()]
    return {path.parent.name: path.parent for root in roots for path in sorted(root.glob("*/experiment.yaml"))}


_registered: list[tuple[str, int, int]] = []
"""(file, time of change, of change of its rights) of each experiment as last registered."""


def register_experiments() -> None:
    """Make the experiment folders, and no others of before, the options of Hydra's `experiment` group."""
    files = {
        name: (folder / "experiment.yaml", (folder / "experiment.yaml").stat())
        for name, folder in experiments().items()
    }
    state = [(str(path), stat.st_mtime_ns, stat.st_ctime_ns) for path, stat in files.values()]
    if state == _registered:
        return
    store = ConfigStore.instance()
    store.repo.pop(EXPERIMENT, None)  # found from another directory, or readable then
    _registered[:] = state
    for name, (path, stat) in files.items():
        try:
            node = _experiment(path, stat.st_mtime_ns)
        except InputError:
            continue  # said by `refuse_unreadable` to those who ask for it
        store.store(group=EXPERIMENT, name=name, node=node, package="_global_", provider="linnet")


def refuse_unreadable(name: str) -> None:
    """Raise InputError if there is an experiment of this name whose YAML cannot be read."""
    folder = experiments().get(name)
    if folder is not None:
        _experiment(folder / "experiment.yaml", 0)


def read_experiment(folder: Path) -> dict[str, Any]:
    """Return the content of an experiment's YAML, unresolved. Raises InputError if it cannot be read."""
    path = folder / "experiment.yaml"
    node = OmegaConf.to_container(_experiment(path, path.stat().st_mtime_ns), resolve=False)
    return cast(dict[str, Any], node) if isinstance(node, dict) else {}


def load_experiment(path: Path) -> Any:
    """Return the configuration in an experiment's YAML, unresolved, without what it says about itself.

    `${here}` in a text becomes the experiment's folder, where its tables lie.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        node = read_yaml(path)
    except Exception as error:  # whatever the YAML reader raises
        raise _unreadable(path, error) from error
    if isinstance(node, DictConfig):
        node.pop(ABOUT, None)
        node = OmegaConf.create(_in_folder(OmegaConf.to_container(node, resolve=False), path.parent))
    return node


def read_about(folder: Path) -> Any:
    """Return what an experiment's YAML says about itself, untrusted; None: nothing, or no mapping."""
    path = folder / "experiment.yaml"
    try:
        node = read_yaml(path)
    except Exception as error:
        raise _unreadable(path, error) from error
    if not isinstance(node, DictConfig) or ABOUT not in node:
        return None
    about = node[ABOUT]
    return OmegaConf.to_container(about, resolve=False) if OmegaConf.is_config(about) else None


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} is not readable YAML: {plain(str(error).strip().splitlines()[0], 200)}")


def _in_folder(node: Any, folder: Path) -> Any:
    if isinstance(node, dict):
        return {key: _in_folder(value, folder) for key, value in node.items()}
    if isinstance(node, list):
        return [_in_folder(value, folder) for value in node]
    return node.replace("${here}", str(folder)) if isinstance(node, str) else node


@cache
def _experiment(path: Path, mtime: int) -> Any:
    """Return `load_experiment`; cached until the file changes."""
    return load_experiment(path)


def options(group: str) -> list[str]:
    """Return the names that `group=` accepts, sorted."""
    return sorted(experiments()) if group == EXPERIMENT else [path.stem for path in _files(group)]


def _files(group: str) -> list[Path]:
    return sorted(path for path in (conf() / group).glob("*.yaml") if path.name[0] != "_")


def _load(path: Path) -> dict[str, Any]:
    node = cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(path), resolve=False))
    bases = [_load(path.with_name(f"{base}.yaml")) for base in node.pop("defaults", []) if isinstance(base, str)]
    return reduce(lambda before, after: before | after, [*bases, node])
