"""A directory taken before anything is written into it, and given back as it was if no run comes of it."""

import shutil
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType

from linnet.tracking import lock
from linnet.tracking.directory import refuse_claimed

WRITTEN = (
    ".hydra", "*.log", "status.json", "manifest.json", "uncommitted.diff", "preprocessing.json", "optimum.safetensors",
    "history.csv", "metrics.json", "weights.safetensors", "events.out.tfevents.*", "checkpoints", "figures",
    lock.NAME,
)  # fmt: skip
"""Names of what a run writes into its directory. The lock goes last: until then no other process starts there."""


class Claim:
    """The run directory of this process, from before Hydra writes its configuration there.

    Args:
        path: of the directory, made with its parents if absent.

    Raises:
        InputError: another process owns it, or a run lies there; nothing has been written then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made: list[Path] = []
        while True:
            self._make(path)
            present = {lock.NAME} if (path / lock.NAME).exists() else set()
            try:
                self.lock: FileIO = lock.lock(path)
                break
            except FileNotFoundError:  # another process has just given it back
                continue
        try:
            self._present = present | ({entry.name for entry in path.iterdir()} - {lock.NAME})
            refuse_claimed(path)
        except BaseException:
            self.lock.close()
            raise

    def __enter__(self) -> "Claim":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lock.close()

    def remove_run(self) -> None:
        """Remove what this process wrote for a run that was refused, while it still owns the directory."""
        for pattern in WRITTEN:
            for entry in self.path.glob(pattern):
                if entry.name in self._present:
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        for folder in self._made:
            with suppress(OSError):  # another process has put something there
                folder.rmdir()

    def _make(self, folder: Path) -> None:
        """Make a directory and its parents; note those that no other process made first, innermost first."""
        if folder.is_dir():
            return
        self._make(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir()
            self._made.insert(0, folder)
