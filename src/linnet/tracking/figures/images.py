"""Pictures: the images that a classifier gets wrong, and its weights seen as images."""

from collections.abc import Sequence

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from linnet.tracking.figures.style import (
    DIVERGING,
    INK,
    LARGE,
    message_figure,
    new_figure,
    style_colorbar,
    style_picture,
)

GALLERY_COLUMNS = 5


def confident_mistakes(
    images: ArrayLike,
    probability: ArrayLike,
    target: ArrayLike,
    class_names: Sequence[str],
    count: int = 25,
) -> Figure:
    """The wrong predictions that the model was surest of, most confident first.

    They show mislabelled examples and classes that the model cannot tell apart. Each picture is stretched to its
    own range of brightness, so standardised images need not be scaled back.

    Args:
        images: `[N, H, W]` grey, or `[N, 1, H, W]` grey, or `[N, 3, H, W]` colour. Tensor or array.
        probability: `[N, C]`.
        target: `[N]`, classes in [0, C).
        class_names: C names.
        count: pictures at most, at least 1.

    Returns:
        A grid of pictures titled "predicted p% / true"; a message when no prediction is wrong.

    Raises:
        ValueError: the shapes do not fit together.
    """
    pictures, chance, true = np.asarray(images), np.asarray(probability), np.asarray(target)
    expected = (len(pictures), len(class_names))
    if chance.shape != expected or true.shape != expected[:1]:
        raise ValueError(
            f"{expected[0]} images and {expected[1]} class names need probability {list(expected)} and target "
            f"{list(expected[:1])}, got {list(chance.shape)} and {list(true.shape)}"
        )
    predicted = chance.argmax(axis=1)
    confidence = chance.max(axis=1)
    wrong = np.flatnonzero(predicted != true)
    if not wrong.size:
        return message_figure(f"No mistakes among {len(true)} predictions.")
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]

    columns = min(GALLERY_COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    figure = new_figure(max(1.75 * columns, 4.5), 1.95 * rows + 0.5)
    title = f"most confident mistakes, {len(chosen)} of {wrong.size}: predicted / true"
    figure.suptitle(title, fontsize=LARGE, color=INK)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels:
        axes.set_axis_off()
    for axes, example in zip(panels, chosen, strict=False):
        axes.imshow(_stretched(_channels_last(pictures[example])), cmap="gray")
        guess, truth = class_names[predicted[example]], class_names[true[example]]
        style_picture(axes, f"{guess} {confidence[example]:.0%}\n/ {truth}")
    return figure


def weight_images(weight: ArrayLike, image_shape: Sequence[int], class_names: Sequence[str]) -> Figure:
    """The weights of each class as a picture: where brightness speaks for the class (red) and against it (blue).

    All classes share one colour scale centred at zero, whose ends are the 99.5th percentile of |weight|: a few
    pixels that are almost never lit would otherwise bleach the rest. Colour images show the mean over channels.

    Args:
        weight: `[C, D]`. Tensor or array.
        image_shape: `(H, W)` or `(channels, H, W)`, of product D.
        class_names: C names.

    Raises:
        ValueError: the shapes do not fit together.
    """
    values = np.asarray(weight, dtype=np.float64)
    if len(image_shape) not in (2, 3) or values.shape != (len(class_names), int(np.prod(image_shape))):
        raise ValueError(
            f"weight must be [C, D] with C class names and image_shape (H, W) or (channels, H, W) of product D, got "
            f"{list(values.shape)}, {len(class_names)} names and image_shape {tuple(image_shape)}"
        )
    pictures = values.reshape(len(class_names), -1, *image_shape[-2:]).mean(axis=1)  # [C, H, W]
    finite = np.abs(pictures[np.isfinite(pictures)])
    limit = float(np.percentile(finite, 99.5)) if finite.size else 0.0
    scale = Normalize(-limit, limit) if limit > 0 else Normalize(-1, 1)

    columns = min(GALLERY_COLUMNS, len(class_names))
    rows = -(-len(class_names) // columns)
    figure = new_figure(max(1.75 * columns + 0.8, 4.5), 1.95 * rows + 0.5)
    figure.suptitle("weights of each class", fontsize=LARGE, color=INK)
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, picture, name in zip(panels.flat, pictures, class_names, strict=False):
        axes.imshow(picture, cmap=DIVERGING, norm=scale)
        style_picture(axes, name)
    bar = figure.colorbar(ScalarMappable(scale, DIVERGING), ax=panels, shrink=0.7, pad=0.02, extend="both")
    style_colorbar(bar, "weight")
    return figure


def _channels_last(image: NDArray[np.generic]) -> NDArray[np.float64]:
    """`[H, W]` for grey and `[H, W, 3]` for colour, as matplotlib wants them."""
    if image.ndim == 2:
        return image.astype(np.float64)
    if image.ndim == 3 and image.shape[0] == 1:
        return image[0].astype(np.float64)
    if image.ndim == 3 and image.shape[0] == 3:
        return np.moveaxis(image, 0, -1).astype(np.float64)
    raise ValueError(f"an image must be [H, W], [1, H, W] or [3, H, W], got {list(image.shape)}")


def _stretched(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = picture.min(), picture.max()
    return (picture - low) / (high - low) if high > low else np.zeros_like(picture)
