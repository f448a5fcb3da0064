"""Parts of the names of metrics, "test/accuracy_ci95_low"; imports nothing, so that results are shown without torch."""

SPLITS = ("train", "val", "test")
CV = "cv/"
"""How metrics of resamples begin: cv/loss is a mean over them."""
STD, STANDARD_ERROR, FOLD = "_std", "_se", "_fold_"
"""What is added to the name of such a mean: the deviation of its values, its standard error, each of its values."""
LOW, HIGH = "_ci95_low", "_ci95_high"
"""What the keys of the ends of a 95 % interval add to the name of their metric."""
MOST_COEFFICIENTS = 32
"""Coefficients of all outputs beyond which metrics.json has none of them."""


def is_of_one_resample(metric: str) -> bool:
    """Return whether a metric is that of a single resample, such as "cv/loss_fold_0"."""
    return metric.startswith(CV) and FOLD in metric
