"""Figures of image classifiers: misclassified images, and weights as images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from linnet.tracking.figures.style import DIVERGING, INK, LARGE, SMALL, message_figure, new_figure, style_colorbar

GALLERY_COLUMNS = 5
CELL = 1.3
"""Inches from one picture of a gallery to the next."""
PICTURE = 1.12
LINE = 0.16
"""Inches from one line of a picture's caption to the next."""


def confident_mistakes(
    images: ArrayLike,
    probability: ArrayLike,
    target: ArrayLike,
    class_names: Sequence[str],
    count: int = 25,
) -> Figure:
    """Show the most confident wrong predictions, most confident first.

    They show mislabelled examples and classes that the model cannot distinguish. Each picture is stretched to its
    own range of brightness, so standardised images need not be scaled back.

    Args:
        images: `[N, H, W]` grey, or `[N, 1, H, W]` grey, or `[N, 3, H, W]` colour. Tensor or array.
        probability: `[N, C]`.
        target: `[N]`, classes in [0, C).
        class_names: C names.
        count: pictures at most, at least 1.

    Returns:
        A grid of pictures titled "predicted p% / true"; a message when no prediction is wrong.
    """
    pictures, chance, true = np.asarray(images), np.asarray(probability), np.asarray(target)
    predicted = chance.argmax(axis=1)
    confidence = chance.max(axis=1)
    wrong = np.flatnonzero(predicted != true)
    if not wrong.size:
        return message_figure(f"No mistakes among {len(true)} predictions.")
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]

    captions = [
        f"{class_names[predicted[example]]} {confidence[example]:.0%}\n/ {class_names[true[example]]}"
        for example in chosen
    ]
    if pictures.ndim == 4:
        pictures = np.moveaxis(pictures, 1, -1)  # matplotlib wants channels last
    shown = [_stretched(pictures[example].astype(np.float64)) for example in chosen]
    title = f"most confident mistakes, {len(chosen)} of {wrong.size}: predicted / true"
    return _gallery(shown, captions, title, cmap="gray")


def weight_images(weight: ArrayLike, image_shape: Sequence[int], class_names: Sequence[str]) -> Figure:
    """Show the weights of each class as an image: brightness raises the score in red areas, lowers it in blue ones.

    All classes share one colour scale centred at zero, whose ends are the 99.5th percentile of |weight|: a few
    pixels that are almost never lit would otherwise bleach the rest. Colour images show the mean over channels.

    Args:
        weight: `[C, D]`. Tensor or array.
        image_shape: `(H, W)` or `(channels, H, W)`, of product D.
        class_names: C names.
    """
    values = np.asarray(weight, dtype=np.float64)
    pictures = values.reshape(len(class_names), -1, *image_shape[-2:]).mean(axis=1)  # [C, H, W]
    finite = np.abs(pictures[np.isfinite(pictures)])
    limit = float(np.percentile(finite, 99.5)) if finite.size else 0.0
    scale = Normalize(-limit, limit) if limit > 0 else Normalize(-1, 1)

    figure = _gallery(pictures, class_names, "weights of each class", right=0.9, cmap=DIVERGING, norm=scale)
    width = figure.get_figwidth()
    place = figure.add_axes((1 - 0.8 / width, 0.2, 0.14 / width, 0.6))
    style_colorbar(figure.colorbar(ScalarMappable(scale, DIVERGING), cax=place, extend="both"), "weight")
    return figure


def _gallery(
    pictures: Sequence[NDArray[np.float64]], captions: Sequence[str], title: str, *, right: float = 0.0, **options: Any
) -> Figure:
    """Pictures in rows, each below its caption, in one Axes that measures inches from the upper left corner.

    An Axes for each would take ten times as long to make, lay out and draw.

    Args:
        pictures: `[H, W]` or `[H, W, 3]`, all alike.
        captions: of as many lines each.
        right: inches that are left free there.
        options: as for `Axes.imshow`.
    """
    columns = min(GALLERY_COLUMNS, len(pictures))
    caption = LINE * (1 + captions[0].count("\n")) + 0.06
    tall, wide = (PICTURE * side / max(pictures[0].shape[:2]) for side in pictures[0].shape[:2])
    row = tall + caption + 0.12
    left, top = max(0.0, (4.5 - CELL * columns) / 2), 0.62
    width, height = 2 * left + CELL * columns + right, top + row * -(-len(pictures) // columns) + 0.05

    figure = new_figure(width, height, laid_out=False)
    figure.suptitle(title, y=1 - 0.1 / height, fontsize=LARGE, color=INK)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for number, (picture, text) in enumerate(zip(pictures, captions, strict=True)):
        x = left + CELL * (number % columns) + (CELL - wide) / 2
        y = top + row * (number // columns) + caption
        axes.imshow(picture, extent=(x, x + wide, y + tall, y), **options)
        axes.text(x + wide / 2, y - 0.05, text, ha="center", va="bottom", fontsize=SMALL, color=INK)
    axes.set(xlim=(0, width), ylim=(height, 0))
    return figure


def _stretched(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = picture.min(), picture.max()
    return (picture - low) / (high - low) if high > low else np.zeros_like(picture)
