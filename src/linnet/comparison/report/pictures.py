"""Figures of a run as pictures of a page, with what they show in words."""

from collections.abc import Iterator
from pathlib import Path

from linnet.comparison.report.blocks import Block, Picture, Text
from linnet.system.reading import MIB, read_bytes
from linnet.system.sanitize import plain

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LIMIT, ALL = MIB, 3 * MIB // 2
"""Bytes of one picture and of all of a page, so that a page of many runs stays below 3 MB."""
LONGEST_SIDE = 10_000
"""Pixels; a small file may unpack to any number."""
SHOWS = {
    "learning_curves": "Loss and metrics of the training and validation examples over the epochs",
    "optimum_gap": "Distance of the training objective from its optimum over the epochs",
    "coefficients": "Coefficients of the features, with 95 % intervals where they are known",
    "prediction_against_target": "Predictions against targets, with the diagonal on which both are equal",
    "residuals": "Residuals against predictions, and their distribution",
    "confusion_matrix": "How many examples of each class were predicted as each class",
    "reliability": "Accuracy against confidence: on the diagonal, the model is as sure as it should be",
    "confident_mistakes": "The examples that were classified wrongly with the highest confidence",
    "weights": "Weights of each class as a picture: red pixels raise its score, blue ones lower it",
    "folds": "Metrics of each resample, with their mean",
}


def pictures(folder: Path, left: int = ALL) -> list[Block]:
    """Return the PNG files of a folder of a run directory as pictures, and a line that names those left out.

    Args:
        folder: `figures` of a run; it may be missing.
        left: bytes that all pictures may have.
    """
    if not folder.is_dir() or folder.is_symlink():
        return []
    found: list[Block] = []
    skipped: list[str] = []
    for path in sorted(folder.glob("*.png")):
        png = read_picture(path, folder.parent)
        if png is None or len(png) > left:
            skipped.append(plain(path.name))
            continue
        left -= len(png)
        name = plain(path.stem.replace("_", " "))
        found.append(Picture(png, f"{SHOWS.get(path.stem, 'Figure')}: {name} of the run", name))
    return [*found, *_left_out(skipped)]


def read_picture(path: Path, root: Path) -> bytes | None:
    """Return a PNG file inside a folder; None if there is none that a page can show."""
    try:
        png = read_bytes(path, root, LIMIT)
    except (OSError, ValueError):
        return None
    return png if _is_picture(png) else None


def read_drawing(path: Path, root: Path) -> bytes | None:
    """Return an SVG file inside a folder; None if there is none that a page can show.

    A browser runs no script of a picture and fetches nothing for it. Entities, which may grow without end, are refused.
    """
    try:
        svg = read_bytes(path, root, LIMIT)
    except (OSError, ValueError):
        return None
    return svg if svg.lstrip().startswith((b"<svg", b"<?xml")) and b"<!ENTITY" not in svg else None


def _left_out(names: list[str]) -> Iterator[Block]:
    if names:
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        yield Text(f"Not shown, as too large or no PNG picture: {', '.join(names[:10])}{more}.", "note")


def _is_picture(content: bytes) -> bool:
    """Return whether content begins as a PNG file does, with sides of a sensible length."""
    sides = (int.from_bytes(content[start : start + 4], "big") for start in (16, 20))
    return content.startswith(SIGNATURE) and all(0 < side <= LONGEST_SIDE for side in sides)
