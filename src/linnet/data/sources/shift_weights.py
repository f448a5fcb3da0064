"""Importance weights of training examples for a target of another distribution (Dive into Deep Learning 4.7.3).

Training examples come from q(x, y), the target from p(x, y). Under covariate shift q(y|x) = p(y|x), under label shift
q(x|y) = p(x|y). In both, the loss times β = p/q, of inputs or of labels, has under q the mean that the loss has under
p.
"""

from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor


def density_ratio(logits: Tensor, n_train: int, n_target: int) -> Tensor:
    """Return β(x) = p(x)/q(x), from a classifier that distinguishes target inputs from training inputs.

    Its odds are exp(h) = n_target p(x) / n_train q(x), so that β(x) = exp(h) n_train / n_target.

    Args:
        logits: h(x), log odds of x being one of the target's inputs, any shape.
        n_train, n_target: inputs of either kind that the classifier was trained on, at least 1.

    Returns:
        The ratios, in the shape of the logits.
    """
    return logits.exp() * (n_train / n_target)


def confusion_matrix(predicted: Tensor, y: Tensor, n_classes: int) -> Tensor:
    """Return the confusion matrix `[C, C]`, int64: entry (i, j) counts examples of class j predicted as i.

    Args:
        predicted, y: classes in [0, C), `[N]` int64.
        n_classes: C.
    """
    return torch.bincount(predicted * n_classes + y, minlength=n_classes**2).view(n_classes, n_classes)


def label_weights(confusion: Tensor, predicted: Tensor) -> Tensor:
    """Return β(y) = p(y)/q(y), from how often each class is predicted for the unlabelled target.

    What the classifier does with the inputs of a class is the same under p as under q. So with C the confusion matrix
    and μ the predictions, both as shares, μ_i = Σ_j C_ij β_j, which is solved by least squares with β ≥ 0.

    Source: Lipton, Wang and Smola, Detecting and Correcting for Label Shift with Black Box Predictors, 2018.

    Args:
        confusion: of labelled examples under q that the classifier was not trained on, as from `confusion_matrix`.
        predicted: examples of the target that are predicted to be of each class, `[C]`.

    Returns:
        `[C]`, float64.

    Raises:
        ValueError: a class is missing in the labelled examples, or the matrix is singular.
    """
    counts: Any = confusion.double().numpy()
    absent = np.flatnonzero(counts.sum(axis=0) == 0)
    if len(absent):
        raise ValueError(f"no validation example is of class {absent[0]}: more of them are needed for its weight")
    if np.linalg.matrix_rank(counts) < len(counts):
        raise ValueError("the confusion matrix is singular: the classifier does not tell the classes apart")
    weights, _ = nnls(counts / counts.sum(), (predicted.double() / predicted.sum()).numpy())
    return torch.from_numpy(weights)


def normalize_weights(weight: Tensor) -> Tensor:
    """Return the weights `[N]` divided by their mean, as `Examples` has them.

    Raises:
        ValueError: there is none above 0, or one is not finite.
    """
    mean = weight.mean()
    if not bool(mean > 0) or not bool(mean.isfinite()):
        raise ValueError(f"weights of mean {float(mean):g}: the training examples do not cover the target")
    return weight / mean


def effective_sample_size(weight: Tensor) -> float:
    """Return Kish's effective sample size, (Σ w)² / Σ w².

    From 1, where a single example has all the weight, to N (Kish, Survey Sampling, 1965).

    Args:
        weight: `[N]`, at least 0, not all 0.
    """
    return float(weight.sum().square() / weight.square().sum())
