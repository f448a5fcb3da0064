"""Parts of the names of metrics, "test/accuracy_ci95_low"; imports nothing, so that results are shown without torch."""

SPLITS = ("train", "val", "test")
RESAMPLES = "cv"
"""Where the splits' names stand, in metrics of what resamples leave out: "cv/loss" is the mean over them."""
STD, STANDARD_ERROR, OF_RESAMPLE = "_std", "_se", "_fold_"
"""What is added to the name of such a metric: standard deviation over the resamples, standard error of the mean, and,
with a number from 0, the metric of one of them."""
LOW, HIGH = "_ci95_low", "_ci95_high"
"""What the keys of the ends of a 95 % interval add to the name of their metric."""


def is_of_one_resample(metric: str) -> bool:
    """Return whether a metric is that of a single resample, such as "cv/loss_fold_0"."""
    return metric.startswith(f"{RESAMPLES}/") and OF_RESAMPLE in metric
