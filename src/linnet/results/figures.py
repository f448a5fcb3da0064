"""Figures as PNG files that a notebook displays."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from linnet.system.reading import MIB, Unreadable, read_bytes
from linnet.system.sanitize import plain

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LIMIT = 64 * MIB


class Figure:
    """A figure as a PNG file, displayed by a notebook.

    png: its content.
    path: of its file; None if it is in memory only.
    """

    def __init__(self, name: str, png: bytes, path: Path | None = None) -> None:
        self.name, self.png, self.path = name, png, path

    def __repr__(self) -> str:
        return f"<Figure {plain(self.name)}: {len(self.png)} bytes{'' if self.path is None else f', {self.path}'}>"

    def _repr_png_(self) -> bytes:
        return self.png


class Figures(Mapping[str, Figure]):
    """Name -> figure. Those of a directory are read when they are asked for.

    Raises:
        Unreadable: the file is no PNG picture.
    """

    def __init__(self, figures: Mapping[str, Figure | Path]) -> None:
        self._figures = dict(figures)

    def __getitem__(self, name: str) -> Figure:
        found = self._figures[name]
        if isinstance(found, Path):
            content = read_bytes(found, found.parents[1], LIMIT)
            if not content.startswith(SIGNATURE):
                raise Unreadable(f"{found} is no PNG picture: remove it")
            found = self._figures[name] = Figure(name, content, found)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __len__(self) -> int:
        return len(self._figures)

    def __repr__(self) -> str:
        return f"<Figures {', '.join(map(plain, self)) or 'none'}>"


def saved_figures(folder: Path) -> Figures:
    """Return the figures `*.png` of a folder, by their names without the ending; none if there is no folder."""
    files = sorted(folder.glob("*.png")) if folder.is_dir() and not folder.is_symlink() else []
    return Figures({path.stem: path for path in files})
