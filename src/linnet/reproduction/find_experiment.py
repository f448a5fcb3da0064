"""Find experiments that can be reproduced: by name, or any folder with the same files."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hydra.core.config_store import ConfigStore

from linnet.config.groups import EXPERIMENT, experiments, load_experiment
from linnet.config.unknown_key import nearest
from linnet.system.errors import InputError
from linnet.system.sanitize import plain

FILE, RESULTS = "experiment.yaml", "results.json"


@dataclass(frozen=True)
class Experiment:
    """An experiment's folder. option: its name for `experiment=`, None for a folder without a name."""

    folder: Path
    option: str | None

    @property
    def name(self) -> str:
        return plain(self.folder.name)

    @property
    def results(self) -> Path:
        return self.folder / RESULTS


def find_experiment(target: str | Path) -> Experiment:
    """Find an experiment by its folder, or else by its name.

    Raises:
        InputError: if there is neither, with the nearest name.
    """
    known, folder = experiments(), Path(target)
    if (folder / FILE).is_file():
        folder = folder.resolve()
        names = [name for name, place in known.items() if place.resolve() == folder]
        return Experiment(folder, names[0] if names else None)
    name = str(target)
    if name in known:
        return Experiment(known[name], name)
    remedy = nearest(name, sorted(known))
    raise InputError(
        f"{plain(name)}: no run directory (it would have a status.json), no experiment's folder (it would have an "
        f"{FILE}), and no experiment has this name{remedy or '; `linnet train --help` lists them'}"
    )


@contextmanager
def as_option(experiment: Experiment) -> Iterator[str]:
    """Register the experiment inside a `linnet.config.session`, and yield its name for `experiment=`.

    A folder without a name gets a unique one inside the block, so that it replaces no other experiment.
    """
    if experiment.option is not None:
        yield experiment.option
        return
    path = experiment.folder / FILE
    node = load_experiment(path)
    option = f"given_{hashlib.sha256(bytes(path)).hexdigest()[:16]}"
    store = ConfigStore.instance()
    store.store(group=EXPERIMENT, name=option, node=node, package="_global_", provider="linnet")
    try:
        yield option
    finally:
        del store.repo[EXPERIMENT][f"{option}.yaml"]
