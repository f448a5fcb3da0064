"""What a run that was killed leaves: opened as its readers would, compared with what an uninterrupted run left."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from killed_process import Broken
from safetensors.numpy import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from linnet.comparison.runs import read_run
from linnet.system.reading import read_json
from linnet.tracking import Curve, read_history
from linnet.tracking.checkpoint_file import load
from linnet.tracking.events import PATTERN

STARTING, EARLY, FIT, AFTER, ENDED = PHASES = (
    "before the claim", "before a checkpoint", "in fit", "after fit", "completed"
)  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """What an uninterrupted run left, and how long it took: in seconds, and in file operations."""

    directory: Path
    history: dict[str, Curve]
    steps: int
    seconds: float
    operations: int


def points(directory: Path) -> dict[str, list[tuple[int, float]]]:
    """Tag -> (step, value) of all that the event files hold, in the order in which TensorBoard reads them."""
    found: dict[str, list[tuple[int, float]]] = {}
    for path in sorted(directory.glob(PATTERN)):
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def scalars(directory: Path) -> dict[str, list[tuple[int, float]]]:
    """Tag -> (step, value) as TensorBoard shows them."""
    events = EventAccumulator(str(directory), size_guidance={"scalars": 0}).Reload()
    return {tag: [(point.step, point.value) for point in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def open_all(directory: Path, pid: int, reference: Reference) -> str:
    """Open what a killed run left as its readers would, and return the phase in which it was."""
    if not (directory / "status.json").exists():
        return STARTING
    status = read_json(directory / "status.json")
    for name in ("manifest.json", "metrics.json"):
        if (directory / name).exists():
            read_json(directory / name)
    if (directory / "weights.safetensors").exists():
        load_file(directory / "weights.safetensors")
    checkpoints = {path.name: load(path) for path in (directory / "checkpoints").glob("*.ckpt")}
    if checkpoints and "last.ckpt" not in checkpoints:
        raise Broken(f"there is no last.ckpt, only {', '.join(checkpoints)}")
    history = directory / "history.csv"
    for name, curve in (read_history(history) if history.exists() else {}).items():
        whole = reference.history[name]
        if curve != Curve(whole.step[: len(curve.step)], whole.value[: len(curve.value)]):
            raise Broken(f"history.csv has other points of {name} than the uninterrupted run")
    if any(directory.glob(PATTERN)):
        scalars(directory)
    if read_run(directory).state != status["state"]:
        raise Broken("`linnet compare` reads another state")

    if status["pid"] != pid:
        return STARTING
    if status["state"] == "completed":
        return ENDED
    if not checkpoints:
        return EARLY
    saved = checkpoints["last.ckpt"]["linnet"]
    return AFTER if saved["stopped"] or saved["steps_done"] == reference.steps else FIT


def compare(directory: Path, uninterrupted: Path) -> None:
    """Raise Broken unless a run ended like the other one, which nobody interrupted."""
    ends = [read_json(folder / "status.json") for folder in (directory, uninterrupted)]
    for key in ("state", "epoch", "step", "kept_epoch"):
        if ends[0].get(key) != ends[1].get(key):
            raise Broken(f"{key} in status.json: {ends[0].get(key)} instead of {ends[1].get(key)}")
    for name in ("weights.safetensors", "metrics.json", "history.csv"):
        if (directory / name).read_bytes() != (uninterrupted / name).read_bytes():
            raise Broken(f"{directory / name} is not the same as {uninterrupted / name}")
    hashes = {read_json(folder / "manifest.json")["weights_sha256"] for folder in (directory, uninterrupted)}
    if len(hashes) > 1:
        raise Broken(f"weight hashes {hashes}")
    for read in (points, scalars):
        found, expected = read(directory), read(uninterrupted)
        for tag in {*found, *expected}:
            if found.get(tag) != expected.get(tag):
                raise Broken(f"{tag} in TensorBoard ({read.__name__}): {found.get(tag)} instead of {expected.get(tag)}")
    for tag, curve in scalars(directory).items():
        if any(later <= earlier for (earlier, _), (later, _) in pairwise(curve)):
            raise Broken(f"doubled points of {tag} in TensorBoard")
    if stray := files(directory) - files(uninterrupted):
        raise Broken(f"left behind: {', '.join(stray)}")


def files(directory: Path) -> set[str]:
    """What a run left, but for files that depend on when checkpoints were written, or on the state of the checkout."""
    paths = {path.relative_to(directory).as_posix() for path in directory.rglob("*")}
    besides = ("events.", "checkpoints/previous.ckpt", "uncommitted.diff")
    return {path for path in paths if not path.startswith(besides)}
