"""Figures of classification: confusion matrix and reliability diagram."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from linnet.tracking.figures.style import (
    BLUE,
    GREY,
    INK,
    RED,
    SEQUENTIAL,
    SMALL,
    add_legend,
    message_figure,
    new_figure,
    style_colorbar,
    style_matrix,
    style_plot,
)

MAX_ANNOTATED = 20  # classes; with more the counts no longer fit their cells
MAX_LABELLED = 40  # classes; with more every second, third, … name is shown


def confusion_matrix(target: ArrayLike, predicted: ArrayLike, class_names: Sequence[str]) -> Figure:
    """Examples of each true class (row) by predicted class (column).

    Colour is the share of the row, so that rare classes are as legible as frequent ones; the numbers are counts,
    written for up to 20 classes. A class without examples has an empty row.

    Args:
        target: `[N]`, classes in [0, C). Tensor or array.
        predicted: `[N]`, classes in [0, C).
        class_names: C names.
    """
    true, guess = np.asarray(target), np.asarray(predicted)
    n_classes = len(class_names)
    count = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(count, (true, guess), 1)
    share = count / np.maximum(count.sum(axis=1, keepdims=True), 1)

    side = float(np.clip(2.4 + 0.52 * n_classes, 4.5, 10))
    figure = new_figure(side + 0.8, side)
    axes = figure.subplots()
    image = axes.imshow(share, cmap=SEQUENTIAL, vmin=0, vmax=1)
    accuracy = np.trace(count) / max(count.sum(), 1)
    style_matrix(axes, f"confusion matrix (accuracy {accuracy:.1%})", "predicted", "true")

    labelled = range(0, n_classes, -(-n_classes // MAX_LABELLED))
    names = [class_names[k] for k in labelled]
    crowded = any(len(name) > 3 for name in names)
    axes.set_xticks(labelled, names, rotation=45 if crowded else 0, ha="right" if crowded else "center")
    axes.set_yticks(labelled, names)
    if crowded:
        for label in axes.get_xticklabels():
            label.set_rotation_mode("anchor")  # the end of the name, not the corner of its box, meets the tick
    if n_classes <= MAX_ANNOTATED:
        for row, column in zip(*np.nonzero(count), strict=True):
            colour = "white" if share[row, column] > 0.6 else INK
            axes.text(
                column, row, count[row, column], ha="center", va="center", fontsize=SMALL, color=colour, in_layout=False
            )

    bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.02)
    style_colorbar(bar, "share of true class")
    return figure


def reliability_diagram(confidence: ArrayLike, correct: ArrayLike, bins: int = 15) -> Figure:
    """Accuracy among predictions of similar confidence; a calibrated model lies on the diagonal.

    Below it, how often each confidence occurs; in the title, the expected calibration error as defined in
    `linnet.models.running_metrics.ClassificationMetrics`. Non-finite confidences are left out.

    Args:
        confidence: `[N]` in [0, 1], probability of the predicted class. Tensor or array.
        correct: `[N]`, whether the prediction was right.
        bins: number of bins of equal width, at least 1.
    """
    sureness, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    keep = np.isfinite(sureness)
    sureness, right = sureness[keep], right[keep]
    if not sureness.size:
        return message_figure("No finite confidence to draw: the model diverged or there are no examples.")

    index = np.clip((sureness * bins).astype(np.intp), 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    filled = count > 0
    accuracy = np.bincount(index, weights=right, minlength=bins)[filled] / count[filled]
    mean_confidence = np.bincount(index, weights=sureness, minlength=bins)[filled] / count[filled]
    gap = mean_confidence - accuracy
    share = count / count.sum()
    error = float(np.sum(share[filled] * np.abs(gap)))

    figure = new_figure(5.2, 6)
    diagram, histogram = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    width = 1 / bins
    centre = (np.arange(bins) + 0.5) * width
    diagram.bar(centre[filled], accuracy, 0.92 * width, color=BLUE, alpha=0.85, label="accuracy")
    diagram.bar(
        centre[filled],
        gap,
        0.92 * width,
        bottom=accuracy,
        facecolor=(RED, 0.25),
        edgecolor=RED,
        hatch="////",
        linewidth=0.8,
        label="gap to mean confidence",
    )
    diagram.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle="--", label="calibrated")
    diagram.set(xlim=(0, 1), ylim=(0, 1))
    style_plot(diagram, f"reliability (ECE {error:.3f})", "", "accuracy")
    add_legend(diagram, loc="upper left")

    histogram.bar(centre, share, 0.92 * width, color=GREY, alpha=0.6)
    histogram.axvline(sureness.mean(), color=INK, linewidth=1, linestyle=":", label="mean confidence")
    style_plot(histogram, "", "confidence", "share")
    add_legend(histogram, loc="upper left")
    return figure
