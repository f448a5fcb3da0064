"""More epochs for a run that has some already: `linnet resume RUN trainer.max_epochs=200`.

The directory then describes the longer run: its final weights are those of a run that was started with so many epochs,
and manifest.json lists under `continued` from where it was continued.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from linnet.config.check_options import is_exact
from linnet.config.compose import flat
from linnet.config.identity import config_hash
from linnet.schedules import Schedule
from linnet.system.errors import InputError
from linnet.system.files import write_atomic
from linnet.system.reading import read_texts, read_yaml
from linnet.tracking.manifest_file import write_manifest
from linnet.tracking.run_config import load_hydra
from linnet.tracking.weights import OPTIMUM
from linnet.training.components import make

KEY = "trainer.max_epochs"
CHANGEABLE = (KEY, "optimum")
"""The only keys that a continuation changes."""


@dataclass(frozen=True)
class Continuation:
    """A change of a run's length, planned and not yet written.

    config: the configuration that the run has afterwards, resolved.
    entry: what the manifest's list `continued` takes up; `changes` in it is key -> [before, after].
    """

    config: dict[str, Any]
    entry: dict[str, Any]

    def record(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Return the manifest of the longer run."""
        continued = manifest.get("continued")
        earlier = continued if isinstance(continued, list) else []
        return {
            **manifest, "config": self.config, "config_sha256": config_hash(self.config),
            "continued": [*earlier, self.entry],
        }  # fmt: skip

    def write(self, path: Path, record: Mapping[str, Any]) -> None:
        """Write manifest.json, then `.hydra`: of a process that is killed in between, `complete` finishes the work."""
        write_manifest(path, record)
        write_changes(path, _after(self.entry))


def plan(
    path: Path, config: Mapping[str, Any], manifest: Mapping[str, Any], checkpoint: Mapping[str, Any], max_epochs: int
) -> Continuation:
    """Check that a run can go on until `max_epochs` as if it had been started with that number.

    Args:
        path: the run directory, owned by this process.
        config: of the run, resolved and checked.
        manifest: of the run, checked.
        checkpoint: the last one.
        max_epochs: more than the run has.

    Raises:
        InputError: if it cannot.
    """
    before, saved = config["trainer"]["max_epochs"], checkpoint["linnet"]
    otherwise = f"start another run from its weights: linnet train ... init_from={path} {KEY}=N"
    if (path.absolute().parent / "ledger.json").is_file():
        raise InputError(
            f"{path}: the ledger of its sweep knows this job by its settings, which would change: run the sweep with "
            f"{KEY}={max_epochs}, or continue a copy of the directory elsewhere"
        )
    if is_exact(config):
        raise InputError(f"{path}: optimizer=exact solves and takes no epochs, so there are none to add")
    if max_epochs <= before:
        raise InputError(f"{KEY}={max_epochs}: {path} has {KEY}={before} already, give more than that")
    if saved["stopped"]:
        raise InputError(
            f"{path}: early stopping or a limit of the trainer ended this run after step {saved['steps_done']}, as "
            f"it would with more epochs; {otherwise}"
        )
    schedule: Schedule = make(config["schedule"])
    if schedule.depends_on_length(before, max_epochs):
        raise InputError(
            f"{path}: the learning rates of its schedule depend on {KEY}, so its first {before} epochs are not those "
            f"of a run of {max_epochs}; {otherwise}"
        )
    changes: dict[str, list[Any]] = {KEY: [before, max_epochs]}
    if config["optimum"] == "auto" and not (path / OPTIMUM).exists():
        # Longer training may be worth the search for the optimum, whose distance the epochs so far have not logged.
        changes["optimum"] = ["auto", "off"]
    entry = {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "from_epoch": epoch + 1 if isinstance(epoch := checkpoint.get("epoch"), int) else None,  # seen, perhaps in part
        "from_step": saved["steps_done"],
        "changes": changes,
        "command": sys.argv,
        "previous_command": manifest.get("command"),
        "previous_weights_sha256": manifest.get("weights_sha256"),
    }
    after = load_hydra(path, _after(entry))[0]
    others = [key for key, value in flat(after).items() if key not in changes and flat(config).get(key) != value]
    if others:
        raise InputError(f"{path}: {others[0]} follows from {KEY}, which cannot change therefore; {otherwise}")
    return Continuation(after, entry)


def complete(path: Path, config: dict[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Finish a `Continuation.write` that was killed, and return the configuration that the run has then.

    None: it was not that.

    Args:
        config: as `.hydra` has it, before the change.
        manifest: perhaps from an untrusted source; its hash must be that of the changed configuration.
    """
    continued = manifest.get("continued")
    entry = continued[-1] if isinstance(continued, list) and continued else None
    changes = entry.get("changes") if isinstance(entry, Mapping) else None
    if not isinstance(changes, Mapping) or not all(
        key in CHANGEABLE and isinstance(pair, list) and len(pair) == 2 for key, pair in changes.items()
    ):
        return None
    if any(flat(config).get(key) != before for key, (before, _) in changes.items()):
        return None
    after = load_hydra(path, _after({"changes": changes}))[0]
    if config_hash(after) != manifest.get("config_sha256"):
        return None
    write_changes(path, _after({"changes": changes}))
    return after


def _after(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: after for key, (_, after) in entry["changes"].items()}


def write_changes(path: Path, changes: Mapping[str, Any]) -> None:
    """Write new values into `.hydra`: the overrides first, config.yaml, which counts, last."""
    folder = path / ".hydra"
    words = [f"{key}={value}" for key, value in changes.items()]
    try:
        overrides = read_texts(folder / "overrides.yaml", folder.parent)
    except (OSError, ValueError):  # they only name what config.yaml holds
        overrides = []
    kept = [word for word in overrides if word.lstrip("+~").partition("=")[0] not in changes]
    # Not by OmegaConf, to which other words than those of an override may be wrong interpolations.
    write_atomic(folder / "overrides.yaml", yaml.safe_dump([*kept, *words], allow_unicode=True, width=sys.maxsize))
    config = read_yaml(folder / "config.yaml", folder.parent)
    for key, value in changes.items():
        OmegaConf.update(config, key, value)
    write_atomic(folder / "config.yaml", OmegaConf.to_yaml(config))
