"""What TensorBoard calls a run's curves, final metrics and figures, and what it says of each. Imports no torch.

TensorBoard orders its cards by the first word of their tags, so that what is a single point has a word after "train",
"val" and "weights", and the curves of the loss come first.
"""

import math
import struct
from collections.abc import Mapping
from typing import Any

from linnet.config.metric_names import CV, STANDARD_ERROR, STD

KEPT = "weights_kept/"
"""Final metrics: weights_kept/test/loss is that of the weights that the run kept."""
FIGURES = "visualization/"
CURVES = ("optimum/gap", "optimum/distance")
"""What is about the weights, unlike other metrics of the optimum, which are constants of the training problem."""
RATES = ("optimizer.lr", "optimizer.weight_decay", "penalty.strength")
"""Hyperparameters that are swept by ratio."""
LOG10 = "_log10"

OF_TRAINING = {
    "train/loss": "Loss of each minibatch before its step, without the penalty.",
    "train/loss_epoch": "Mean of train/loss over the examples of an epoch.",
    "train/grad_norm": "Euclidean norm of the gradients of loss and smooth penalty at a minibatch, before clipping.",
    "train/lr": "Learning rate of the step, as the schedule has changed it.",
    "optimum/gap": "Loss + penalty over all training examples, minus the best possible one.",
    "optimum/gap_log10": "Logarithm to base 10 of optimum/gap: a straight line is linear convergence.",
    "optimum/distance": "Euclidean distance of the weights from those of the optimum.",
}
METRICS = {
    "loss": "Mean loss per example, without the penalty",
    "objective": "Mean loss + penalty",
    "accuracy": "Share of examples whose class has the highest logit",
    "top2_accuracy": "Share of examples whose class has one of the two highest logits",
    "macro_f1": "F1 of each class, averaged over the classes",
    "nll": "Mean −log of the probability of the true class (nats)",
    "calibration_error": "Expected calibration error, over 15 bins of confidence",
    "predictive_entropy": "Mean entropy of the predicted distribution (nats)",
    "kl_divergence": "Mean KL divergence of the predicted from the label distribution (nats)",
    "mse": "Mean squared error, without the ½ of the loss",
    "rmse": "Root of the mean squared error",
    "mae": "Mean absolute error",
    "r2": "R²: 1 − squared error / that of predicting the mean",
    "nonzero": "Number of weights that are not 0",
    "weight_error": "Euclidean distance of the weights from the true ones",
    "bias_error": "Distance of the bias from the true one",
}
OVER = {
    "train/": "over the training examples", "val/": "over the validation examples", "test/": "over the test examples",
    CV: "over what each resample leaves out, mean of the resamples",
}  # fmt: skip
DRAWN = {
    "learning_curves": "Loss, and accuracy or R², during training.",
    "optimum_gap": "Loss + penalty minus the best possible one after each epoch.",
    "coefficients": "Coefficients by feature, the largest first.",
    "prediction_against_target": "A perfect model lies on the line.",
    "residuals": "Target − prediction, against the prediction and as a histogram.",
    "confusion_matrix": "Examples of each true class (row) by predicted class (column); colour: share of the row.",
    "reliability": "Accuracy among predictions of similar confidence: calibrated ones lie on the diagonal.",
    "confident_mistakes": "The wrong predictions that the model was most confident of.",
    "weights": "Weights of each class as an image: red raises its score, blue lowers it.",
    "folds": "Metrics of each fold on what it leaves out, with mean ± standard error.",
}


def describe(tag: str) -> str:
    """Return what a curve, a final metric or a figure is, in one sentence; empty of another module's."""
    if tag in OF_TRAINING:
        return OF_TRAINING[tag]
    if tag.startswith(FIGURES):
        return DRAWN.get(tag.removeprefix(FIGURES), "")
    metric = tag.removeprefix(KEPT)
    split, _, name = metric.partition("/")
    what, spread = METRICS.get(name.removesuffix(STD).removesuffix(STANDARD_ERROR), ""), ""
    if name.endswith(STD):
        spread = "Standard deviation over the resamples: "
    elif name.endswith(STANDARD_ERROR):
        spread = "Standard error over the resamples: "
    kept = ", with the weights that the run kept" if metric != tag else ""
    if metric in CURVES:
        return f"{OF_TRAINING[metric].removesuffix('.')}{kept}."
    over = OVER.get(f"{split}/", "")
    return f"{spread}{what}{f' {over}' if over else ''}{kept}." if what else ""


def metadata_of(tag: str) -> Any:
    """Return TensorBoard's metadata with the description of a curve or figure; None where there is none.

    The first point of a tag carries it. With the class of the data and the plugin, as its faster reader would else make
    a new one without the description.
    """
    # Late, as TensorBoard takes half as long to import as all else that names tags.
    from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_BLOB_SEQUENCE, DATA_CLASS_SCALAR, SummaryMetadata

    description = describe(tag)
    if not description:
        return None
    kind, plugin = (DATA_CLASS_BLOB_SEQUENCE, "images") if tag.startswith(FIGURES) else (DATA_CLASS_SCALAR, "scalars")
    plugin_data = SummaryMetadata.PluginData(plugin_name=plugin)
    return SummaryMetadata(summary_description=description, data_class=kind, plugin_data=plugin_data)


def image_of(tag: str, picture: bytes) -> Any:
    """Return the value of a TensorBoard summary that is an encoded PNG file."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    width, height = struct.unpack(">II", picture[16:24])  # of its header
    image = Summary.Image(height=height, width=width, colorspace=4, encoded_image_string=picture)
    return Summary.Value(tag=tag, image=image, metadata=metadata_of(tag))


def is_constant(metric: str) -> bool:
    """Return whether a metric is the same whatever the weights: a number of the training problem, as optimum/rank."""
    return metric.startswith("optimum/") and metric not in CURVES


def row_of(params: Mapping[str, object], metrics: Mapping[str, float]) -> dict[str, object]:
    """Return a run's columns on HPARAMS: hyperparameters, of rates their logarithm too, constants of the problem."""
    rates = {key: value for key in RATES if isinstance(value := params.get(key), (int, float)) and 0 < value < math.inf}
    constants = {name: value for name, value in metrics.items() if is_constant(name) and math.isfinite(value)}
    return {**params, **{f"{key}{LOG10}": math.log10(value) for key, value in rates.items()}, **constants}
