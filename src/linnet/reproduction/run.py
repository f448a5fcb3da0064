"""`linnet reproduce RUN`: re-run from the recorded configuration, and compare the two runs."""

from pathlib import Path

import torch

from linnet.data.saved import readable_again
from linnet.reproduction.compare import compare
from linnet.reproduction.environment import CODE, run_differences
from linnet.reproduction.figure import MANIFEST, METRICS, WEIGHTS, Figure
from linnet.reproduction.rerun import new_directory, run_again
from linnet.reproduction.run_report import RunReport
from linnet.reproduction.saved_config import SavedConfig, config_changes, load_config, manifest_changes
from linnet.reproduction.saved_files import SavedFiles, refuse_links
from linnet.reproduction.verdict import RELATIVE, Tolerance
from linnet.system.errors import InputError
from linnet.system.sanitize import plain
from linnet.tracking.manifest import weights_hash
from linnet.training.components import dtype_of
from linnet.training.finalize import HASHED, FinishedRun

CHANGED = "was changed after the run ended"
MOST_NAMES = 5


def reproduce_run(
    path: str | Path, *, place: Path | None = None, threads: int | None = None, tolerance: float = RELATIVE
) -> RunReport:
    """Re-run a run, and compare.

    Args:
        path: the run directory. Its content is untrusted, and stays as it is.
        place: where the fresh run goes, a directory that is new or empty; None: runs/reproduced/<time>.
        threads: of torch; None: as the configuration says, where null means as many as torch finds here.
        tolerance: the relative difference that values may have where the environment differs, see `Tolerance`.

    Raises:
        InputError: if there is no finished run, its configuration does not pass, or its data cannot be had.
    """
    path = Path(path)
    if not (path / "status.json").is_file():
        raise InputError(f"{path} is no run directory: it has no status.json")
    refuse_links(path)
    recorded = SavedFiles(path)
    state = recorded.status.get("state")
    if state not in ("completed", "diverged"):
        said = f"is {plain(state)}" if state else "does not say in status.json how it ended"
        raise InputError(
            f"{path} {said}: only a finished run can be compared with, go on with it: linnet resume {path}"
        )
    saved = load_config(path)
    with readable_again(path, saved.config["data"]), new_directory(path, place) as directory:
        run = run_again(saved.with_threads(threads), directory)
    here = SavedFiles(directory)

    differences = run_differences(recorded, here)
    accelerator = saved.config["trainer"]["accelerator"]
    if accelerator != "cpu":
        differences["trainer.accelerator"] = [accelerator, f"{accelerator}, which promises no equal bits"]
    rules = _rules(run, saved, tolerance, exact=not differences)
    figures = compare(recorded, here, rules, new_figures=not CODE.isdisjoint(differences))
    faults = _faults(recorded, saved, figures)
    if "data_checksum" in differences and CODE.isdisjoint(differences):  # other code may read other numbers
        before, now = differences["data_checksum"]
        fault = f"states the data checksum {before}, and the data here has {now}: the data or the file was changed"
        faults.setdefault(MANIFEST, fault)
    return RunReport(path, directory, figures, differences, faults, tolerance)


def _rules(run: FinishedRun | None, saved: SavedConfig, relative: float, *, exact: bool) -> Tolerance:
    rounding = torch.finfo(getattr(torch, dtype_of(saved.config))).eps
    parts = {} if run is None else {"train": run.data.train, "val": run.data.val, "test": run.data.test}
    return Tolerance(relative, rounding, {name: len(part) for name, part in parts.items() if part}, exact)


def _faults(recorded: SavedFiles, saved: SavedConfig, figures: list[Figure]) -> dict[str, str]:
    """Return file -> what is wrong with it: damaged, or its hash is not that in the manifest."""
    faults = dict(recorded.faults)
    manifest = recorded.manifest
    if manifest is None:
        return faults
    config = config_changes(saved.config, manifest)
    if config is not None:
        faults[".hydra/config.yaml"] = config
    stated = manifest_changes(saved, manifest)
    if stated is not None:
        faults[MANIFEST] = stated
    for name in HASHED if recorded.status["state"] == "completed" else ():
        digest, found = manifest.get("files_sha256", {}).get(name), recorded.digest(name)
        if digest is not None and found is None:
            faults.setdefault(name, "is missing")
        elif digest is not None and found != digest:
            fault = f"{CHANGED}{_changed(name, figures)}"
            faults[name] = f"{fault}; it {faults[name]}" if name in faults else fault
    weights = recorded.weights
    known = weights is not None and "weights_sha256" in manifest
    if WEIGHTS not in faults and known and weights_hash(weights or {}) != manifest["weights_sha256"]:
        faults[WEIGHTS] = f"{CHANGED}: its numbers do not have the hash in {MANIFEST}"
    return faults


def _changed(name: str, figures: list[Figure]) -> str:
    """Return `: test/accuracy`, the values of a changed file that differ from the new ones, the farthest first."""
    own = [figure for figure in figures if figure.file == name]
    for verdict in ("different", "within tolerance"):
        found = [figure for figure in own if figure.verdict == verdict]
        if found and name == METRICS:
            found.sort(
                key=lambda figure: float("inf") if figure.difference is None else figure.difference, reverse=True
            )
            more = f" and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
            return f": {', '.join(figure.name for figure in found[:MOST_NAMES])}{more}"
        if found:
            return f": {found[0].note}" if found[0].note else ""
    return ", but what it says is what came out here" if own else ""
