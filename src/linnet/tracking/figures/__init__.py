"""Figures of one run: pure functions from numbers to a `matplotlib.figure.Figure`.

They take tensors on the CPU or arrays, return a figure that is not registered with pyplot, and write no files.
"""

from linnet.tracking.figures.classification import (
    confusion_matrix as confusion_matrix,
    reliability_diagram as reliability_diagram,
)
from linnet.tracking.figures.coefficients import coefficients as coefficients, strongest_features as strongest_features
from linnet.tracking.figures.curves import (
    Curve as Curve,
    learning_curves as learning_curves,
    optimum_gap as optimum_gap,
)
from linnet.tracking.figures.folds import folds as folds
from linnet.tracking.figures.images import confident_mistakes as confident_mistakes, weight_images as weight_images
from linnet.tracking.figures.regression import (
    prediction_against_target as prediction_against_target,
    residuals as residuals,
)
