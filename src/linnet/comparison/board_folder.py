"""The folder that TensorBoard reads: every run below a directory once, under a name that says what differs.

TensorBoard names a run by its folder, which is a number in a sweep, and a run that did not complete has no row on the
page HPARAMS. So each run has a folder of its own here, with links to its event files, and with a small file of what
they lack: a row, and figures that were drawn after it. All of it follows from the runs, as they are now.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from linnet.comparison.board_events import ADDED, addition
from linnet.comparison.finding import is_run, natural
from linnet.comparison.groups import overrides, varying
from linnet.comparison.runs import SavedRun, read_run
from linnet.system.writing import safe_name

EVENTS = "events.out.tfevents."
FORMER = f"{EVENTS}0.comparison"
"""In each folder of an overview that earlier versions of `linnet compare` wrote beside a sweep, of the same runs."""
TIME = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(-\d+)?")
"""The default name of a run's folder, the time at which it began."""
LONGEST = 120
"""Characters of the settings in a name."""
SETTLED = 15.0
"""Seconds until TensorBoard, which looks every five, has forgotten a run whose folder is gone."""


@dataclass(frozen=True)
class Shown:
    """What is in the folder of a run.

    path: the run, or another directory with events.
    added: the content of the file beside the links; None: there is none.
    """

    path: Path
    added: bytes | None = None


@dataclass
class BoardFolder:
    """Keeps a folder as the runs below a directory are.

    Args:
        directory: the runs.
        folder: an empty one of this process.
    """

    directory: Path
    folder: Path
    swept: set[str] = field(default_factory=set)
    """Hyperparameters in which runs differ from those beside them."""
    _shown: dict[str, Shown] = field(default_factory=dict)
    _removed: dict[str, float] = field(default_factory=dict)
    _read: dict[Path, tuple[tuple[int, int], SavedRun, bytes | None]] = field(default_factory=dict)

    def update(self) -> None:
        """Add runs and event files that are new, and remove runs that are gone or no longer what they were.

        TensorBoard reads a run on, and never again: one that has changed comes back once it has been forgotten.
        """
        wanted = {name: Shown(path, self._addition(path)) for name, path in self._names().items()}
        for name, shown in list(self._shown.items()):
            now = wanted.get(name)
            if now is None or now.path != shown.path or shown.added not in (None, now.added):
                self._remove(name)
        for name, shown in wanted.items():
            if time.monotonic() - self._removed.get(name, -SETTLED) >= SETTLED:
                self._link(name, shown)

    def _names(self) -> dict[str, Path]:
        """Return a name for each run; that of another directory with events is its path."""
        names: dict[str, Path] = {}
        places: dict[Path, list[Path]] = {}
        for path in sorted(_with_events(self.directory), key=natural):
            places.setdefault(path.parent, []).append(path)
        for parent, paths in places.items():
            runs = {path: self._run(path) for path in paths if is_run(path)}
            inside = [] if parent == self.directory.parent else list(parent.relative_to(self.directory).parts)
            keys = differing(list(runs.values()))
            self.swept.update(keys)
            for path in paths:
                settings = {key: runs[path].value(key) for key in keys} if path in runs else {}
                own = run_name(path, _short(overrides(settings)))
                stem = "/".join(safe_name(part) for part in (*inside, own))
                name, count = stem, 1
                while name in names:
                    count += 1
                    name = f"{stem} ({count})"
                names[name] = path
        return names

    def _run(self, path: Path) -> SavedRun:
        changed = _changed(path / "status.json"), _changed(path / "figures")
        if path not in self._read or self._read[path][0] != changed:
            run = read_run(path)
            self._read[path] = changed, run, addition(run)
        return self._read[path][1]

    def _addition(self, path: Path) -> bytes | None:
        return self._read[path][2] if path in self._read else None

    def _link(self, name: str, shown: Shown) -> None:
        own = self.folder / name
        own.mkdir(parents=True, exist_ok=True)
        if shown.added is not None and not (own / ADDED).exists():
            (own / ADDED).write_bytes(shown.added)
        self._shown[name] = shown
        for events in _events_in(shown.path):
            if not (own / events).is_symlink():
                (own / events).symlink_to((shown.path / events).resolve())

    def _remove(self, name: str) -> None:
        for file in (self.folder / name).iterdir():
            if file.is_symlink() or file.name == ADDED:
                file.unlink()
        del self._shown[name]
        self._removed[name] = time.monotonic()


def run_name(path: Path, settings: str) -> str:
    """Return the name of a run: of a job its settings, else of its folder and, if that is a time, with these."""
    if path.name.isdecimal() and settings:
        return settings
    return f"{path.name} {settings}" if settings and TIME.fullmatch(path.name) else path.name


def differing(runs: Sequence[SavedRun]) -> list[str]:
    """Return the settings in which these runs differ, and the seed if it is one of them."""
    return [*varying(runs), *(["seed"] if len({repr(run.seed) for run in runs}) > 1 else [])]


def _short(settings: str) -> str:
    return settings if len(settings) <= LONGEST else f"{settings[: LONGEST - 1]}…"


def remove_former_overview(folder: Path) -> None:
    """Remove the overview that an earlier version of linnet wrote: it would show each run a second time."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for former in folder.iterdir():
        if (former / FORMER).is_file() and not former.is_symlink():
            shutil.rmtree(former)
    if not any(folder.iterdir()):
        folder.rmdir()


def _with_events(directory: Path) -> Iterator[Path]:
    """Yield the runs at any depth below a directory, and other directories with events."""
    for place, subfolders, files in os.walk(directory):
        path = Path(place)
        if is_run(path):
            subfolders.clear()
            yield path
        elif FORMER not in files and _events_in(path):
            yield path


def _events_in(path: Path) -> list[str]:
    """Return the names of the event files in a directory; a link is none, as it may lead anywhere."""
    try:
        with os.scandir(path) as entries:
            return sorted(
                entry.name
                for entry in entries
                if entry.name.startswith(EVENTS) and entry.is_file(follow_symlinks=False)
            )
    except OSError:  # it has gone since
        return []


def _changed(path: Path) -> int:
    """Return when a file or folder was changed; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
