"""Parts of the names of metrics, "test/accuracy_ci95_low"; imports nothing, so that results are shown without torch."""

SPLITS = ("train", "val", "test")
LOW, HIGH = "_ci95_low", "_ci95_high"
"""What the keys of the ends of a 95 % interval add to the name of their metric."""
