"""Optuna's samplers and storage, by the options of `search=optuna`."""

import sqlite3
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linnet.config.compose import OPTUNA
from linnet.config.option_types import Count, accepts, describe
from linnet.config.unknown_key import nearest
from linnet.system.errors import InputError

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage

SAMPLERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "tpe": ("TPESampler", {"n_startup_trials": Count, "n_ei_candidates": Count, "multivariate": bool}),
    "gp": ("GPSampler", {"n_startup_trials": Count, "deterministic_objective": bool}),
    "qmc": ("QMCSampler", {"scramble": bool}),
    "random": ("RandomSampler", {}),
}
"""Name -> Optuna's class, and its options with their types; null is Optuna's own default."""
OPTIONS = tuple(dict.fromkeys(name for _, options in SAMPLERS.values() for name in options))
SQLITE = "sqlite:///"


def check_sampler(sweeper: Mapping[str, Any]) -> None:
    """Raise InputError for an unknown key, a sampler that is not on the list, or an option that it does not have."""
    for key in sweeper:
        if key not in OPTUNA:
            raise InputError(f"search.{key}: no such key{nearest(key, list(OPTUNA))}")
    name = str(sweeper["sampler"])
    if name not in SAMPLERS:
        raise InputError(
            f"search.sampler={name}: no such sampler{nearest(name, list(SAMPLERS))}; choose from: {', '.join(SAMPLERS)}"
        )
    known = SAMPLERS[name][1]
    for option in OPTIONS:
        value = sweeper[option]
        if value is not None and option not in known:
            owners = [other for other, (_, options) in SAMPLERS.items() if option in options]
            raise InputError(
                f"search.{option}={value}: search.sampler={name} has no such option, it is of {', '.join(owners)}"
            )
        if value is not None and not accepts(known[option], value):
            raise InputError(f"search.{option}={value}: expected {describe(known[option])}")


def check_storage(sweeper: Mapping[str, Any], given: Sequence[str]) -> None:
    """Raise InputError for a storage that is no SQLite file, or that the command line does not name.

    Args:
        sweeper: Hydra's node, composed.
        given: the overrides of the command line.
    """
    storage = sweeper["storage"]
    if storage is None:
        return
    if not str(storage).startswith(SQLITE) or str(storage) == SQLITE:
        raise InputError(
            f"search.storage={storage}: expected {SQLITE}FILE.db, or null: a journal in the sweep directory"
        )
    if not any(text.lstrip("+").startswith("hydra.sweeper.storage=") for text in given):
        raise InputError(f"search.storage={storage}: only the command line names a storage")
    path = Path(str(storage).removeprefix(SQLITE))
    if not path.parent.is_dir():
        raise InputError(f"search.storage={storage}: there is no folder {path.parent}")
    if path.exists() and not path.is_file():
        raise InputError(f"search.storage={storage}: {path} is not a file")


def make_sampler(sweeper: Mapping[str, Any], n_before: int) -> "BaseSampler":
    """Return the sampler of a search.

    Args:
        sweeper: Hydra's node, checked.
        n_before: trials that the study has. A sampler seeded alike after a restart would propose its first points
            again, but for that of a sequence, which is kept in the study.
    """
    import optuna

    name = sweeper["sampler"]
    kind, known = SAMPLERS[name]
    options = {option: sweeper[option] for option in known if sweeper[option] is not None}
    options["seed"] = sweeper["seed"] + (n_before if name != "qmc" else 0)
    if name == "tpe":
        options["constant_liar"] = sweeper["n_jobs"] > 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler: BaseSampler = getattr(optuna.samplers, kind)(**options)
    return sampler


def open_database(storage: str | None) -> "BaseStorage | None":
    """Return the storage `sqlite:///FILE`, which may hold the studies of many sweeps; None for a journal.

    Raises:
        InputError: the file is no database that Optuna can use.
    """
    if storage is None:
        return None
    from optuna.storages import RDBStorage

    try:
        with closing(sqlite3.connect(storage.removeprefix(SQLITE))) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
        return RDBStorage(storage)
    except (sqlite3.Error, RuntimeError) as error:  # the latter is Optuna's, of a database of another version
        raise InputError(f"search.storage={storage}: {str(error).splitlines()[0]}") from error
