"""The two tasks: what their targets are, and the model and loss for them where none are chosen."""

DEFAULTS = {
    "classification": {"model": "softmax_regression", "loss": "cross_entropy"},
    "regression": {"model": "linear_regression", "loss": "squared_error"},
}
TARGETS = {"classification": "classes", "regression": "numbers"}


def remedy(task: str) -> str:
    """Return the overrides that choose model and loss for a task."""
    return " ".join(f"{group}={option}" for group, option in DEFAULTS[task].items())
