"""Figures of one run: pure functions from numbers to a `matplotlib.figure.Figure`.

They take tensors on the CPU or arrays, return a figure that is not registered with pyplot, and write no files.
"""

from linnet.tracking.figures.classification import confusion_matrix, reliability_diagram
from linnet.tracking.figures.coefficients import coefficients, strongest_features
from linnet.tracking.figures.curves import Curve, learning_curves, optimum_gap
from linnet.tracking.figures.images import confident_mistakes, weight_images
from linnet.tracking.figures.regression import prediction_against_target, residuals

__all__ = [
    "Curve",
    "coefficients",
    "confident_mistakes",
    "confusion_matrix",
    "learning_curves",
    "optimum_gap",
    "prediction_against_target",
    "reliability_diagram",
    "residuals",
    "strongest_features",
    "weight_images",
]
