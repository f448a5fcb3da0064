"""Resume a run after an interruption, or for more epochs, to the weights of a run that was never interrupted."""

import logging
import logging.config
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from linnet.config.check_hydra import OUTPUT_DIR
from linnet.config.identity import config_hash
from linnet.config.input_files import describe_input_files
from linnet.system.errors import InputError
from linnet.system.sanitize import printable
from linnet.system.terminal import Terminal
from linnet.tracking.checkpoint_file import LAST, PREVIOUS, Damaged, fall_back, load
from linnet.tracking.directory import FORMAT, RunDirectory, format_of, read_status
from linnet.tracking.logger import check_position
from linnet.tracking.loggers.wandb_run import FOLDER as WANDB
from linnet.tracking.manifest_file import check_unchanged, read_manifest
from linnet.tracking.run_config import load_hydra
from linnet.training.context import ResumeState, RunRequest
from linnet.training.continuation import complete, plan
from linnet.training.finalize import HASHED, FinishedRun
from linnet.training.initial_weights import FILE as INITIAL_WEIGHTS
from linnet.training.run import run_to_end
from linnet.training.setup import FIRST_FILES

log = logging.getLogger(__name__)


def resume(path: Path, max_epochs: int | None = None) -> FinishedRun:
    """Resume a run that was killed, interrupted, or failed, and return its result.

    Args:
        path: the run directory. Its files are untrusted.
        max_epochs: how many epochs the run is to have in all, also if it is completed; None: as many as it was
            started with. What a refusal leaves of a completed run is the completed run.

    Raises:
        InputError: if there is nothing to go on with, or it is no longer what the run began with, or it cannot be
            continued with more epochs.
    """
    if (path / "status.json").is_file():
        _refuse_links(path)
    config, hydra = load_hydra(path)
    state = read_status(path).get("state")
    if state == "completed":
        check_unchanged(path, HASHED)
    if state == "diverged" or (state == "completed" and max_epochs is None):
        raise InputError(f"{path} is {state}: there is nothing to go on with")
    directory = RunDirectory(path.absolute(), resumed=True)
    try:
        if max_epochs is None and directory.state_before in ("completed", "diverged"):
            raise InputError(f"{path} is {directory.state_before}: another process has just finished it")
        _log_as_before(path, hydra)
        config, resume_state = _resume_state(path, config)
        choices = _choices(path, hydra, resume_state)
        # The same command once more, after an interruption of what it had begun, goes on with that.
        if max_epochs is not None and (state == "completed" or max_epochs != config["trainer"]["max_epochs"]):
            resume_state = _continued(path, config, resume_state, max_epochs)
            config = resume_state.continuation.config if resume_state.continuation else config
    except BaseException as error:
        if isinstance(error, InputError):
            directory.refuse(error)
        else:
            directory.set(directory.state_before, error=str(error))
        directory.close()
        raise
    reads = describe_input_files(config)
    if reads:
        log.info(printable(reads))
    if resume_state is None or resume_state.checkpoint is None:
        log.info("no checkpoint yet: from the beginning")
    else:
        log.info(f"going on after step {resume_state.checkpoint['linnet']['steps_done']}")
    initial_weights = path.absolute() / INITIAL_WEIGHTS
    return run_to_end(RunRequest(directory, config, choices, Terminal(), resume_state, initial_weights, recorded=True))


def _choices(path: Path, hydra: DictConfig, resume_state: ResumeState | None) -> dict[str, Any]:
    """Return config group -> chosen option, by the manifest if there is one yet."""
    found: Any = OmegaConf.to_container(hydra, resolve=False)
    for key in ("runtime", "choices"):
        found = found.get(key) if isinstance(found, dict) else None
    if resume_state is not None:
        found = resume_state.manifest.get("choices")
    if not isinstance(found, dict) or not {"data", "model", "optimizer"} <= found.keys():
        raise InputError(f"{path / '.hydra' / 'hydra.yaml'} is damaged: it does not say which options were chosen")
    return found


def _continued(path: Path, config: dict[str, Any], resume_state: ResumeState | None, max_epochs: int) -> ResumeState:
    """Return the state to continue with for more epochs. Raises InputError if that is impossible."""
    if resume_state is None or resume_state.checkpoint is None:
        raise InputError(
            f"{path} has no checkpoint yet that more epochs could follow: linnet resume {path} comes first"
        )
    return replace(
        resume_state, continuation=plan(path, config, resume_state.manifest, resume_state.checkpoint, max_epochs)
    )


def _resume_state(path: Path, config: dict[str, Any]) -> tuple[dict[str, Any], ResumeState | None]:
    """Return the configuration and the state to resume; no state if the run was stopped before its manifest."""
    if not (path / "manifest.json").exists():
        return config, None
    manifest = read_manifest(path)
    missing = {"config_sha256", "data_checksum", "threads"} - manifest.keys()
    if missing:
        raise InputError(f"{path / 'manifest.json'} is damaged: it has no {min(missing)}")
    same = manifest["config_sha256"] == config_hash(config)
    _refuse_earlier_format(path, manifest)
    checkpoint = _checkpoint(path)
    if checkpoint is not None and "files_sha256" in manifest:
        check_unchanged(path, FIRST_FILES)
    if not same:
        changed = complete(path, config, manifest)
        if changed is not None:
            return changed, ResumeState(dict(manifest), checkpoint)
        raise InputError(
            f"{path / '.hydra' / 'config.yaml'} was changed after the run began, or manifest.json was (the hash there "
            f"is another): put it back, or start a new run"
        )
    return config, ResumeState(dict(manifest), checkpoint)


def _refuse_earlier_format(path: Path, manifest: Mapping[str, Any]) -> None:
    if format_of(manifest) < FORMAT:
        raise InputError(
            f"{path} was started by an earlier version of linnet (run directory of format {format_of(manifest)}, "
            f"here {FORMAT}), whose training prepared the data in another way: start a new run"
        )


def _checkpoint(path: Path) -> dict[str, Any] | None:
    """Return the last undamaged checkpoint whose log files exist; None if none was written yet."""
    folder, faults = path / "checkpoints", []
    if not any((folder / name).exists() for name in (LAST, PREVIOUS)):
        return None
    for name in (LAST, PREVIOUS):
        try:
            checkpoint = load(folder / name)
            _check_kinds(folder / name, checkpoint["linnet"])
            check_position(path, checkpoint["linnet"]["position"])
        except Damaged as error:
            faults.append(str(error))
        except FileNotFoundError:
            faults.append(f"{name} is missing")
        else:
            if faults:
                log.warning(f"{faults[0]}; going on from {name}")
                fall_back(folder)
            return checkpoint
    raise InputError(f"{path}: {'; '.join(faults)}: there is no other to go on with; remove {folder} to begin again")


def _check_kinds(file: Path, saved: Any) -> None:
    """Raise InputError unless linnet's own entries of a checkpoint have the types that it writes."""
    kinds = {"steps_done": int, "epoch_loss": float, "stopped": bool, "position": dict}
    fits = isinstance(saved, dict) and all(isinstance(saved.get(key), kind) for key, kind in kinds.items())
    if not fits or not all(
        isinstance(number, int) and 0 <= number < 2**63 for number in (saved["steps_done"], *saved["position"].values())
    ):
        raise InputError(f"{file} is no checkpoint of a run that linnet could go on with")


def _refuse_links(path: Path) -> None:
    """Raise InputError for links that lead out of the directory: an untrusted one must not make us write elsewhere."""
    inside = path.resolve()
    for entry in (path, *path.rglob("*")):
        if path / WANDB in entry.parents:  # has links to its own logs, and is removed before anything is written there
            continue
        if entry.is_symlink() and entry != path and not _leads_inside(entry, inside):
            raise InputError(f"{entry} leads out of the run directory: replace the link by what it points to")
        if not entry.is_file() and not entry.is_dir():  # reading a pipe would wait for ever
            raise InputError(f"{entry} is neither a file nor a directory: remove it")


def _leads_inside(entry: Path, folder: Path) -> bool:
    try:
        return entry.resolve().is_relative_to(folder)
    except (OSError, RuntimeError):  # a link to itself
        return False


def _log_as_before(path: Path, hydra: DictConfig) -> None:
    """Set up logging as Hydra did for the run; train.log is appended to."""
    try:
        options: Any = OmegaConf.to_container(hydra.job_logging, resolve=False)
        for handler in options.get("handlers", {}).values():
            handler.pop(".", None)  # would set attributes of the handler, such as the name of its file
            for start in OUTPUT_DIR:
                if str(handler.get("filename", "")).startswith(start):
                    handler["filename"] = str(path / handler["filename"].removeprefix(start))
        logging.config.dictConfig(options)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path / '.hydra' / 'hydra.yaml'}: its job_logging is damaged: {error}") from error
