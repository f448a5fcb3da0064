"""What each configuration value may be, one line per key: the reference of linnet's numbers and names."""

import math
from collections.abc import Callable
from typing import Any

Rule = Callable[[Any], bool]


class Expected:
    """A test of a value, and the words that say what it wants."""

    def __init__(self, words: str, accepts: Rule) -> None:
        self.words, self.accepts = words, accepts

    def __or__(self, other: "Expected") -> "Expected":
        return Expected(f"{self.words} or {other.words}", lambda value: self.accepts(value) or other.accepts(value))


def number(interval: str, kind: str = "a number") -> Expected:
    """A finite number in an interval written as in a textbook: "(0, inf)", "[0, 1)"."""
    low, high = (float(bound) if "inf" in bound else int(bound) for bound in interval[1:-1].split(","))
    closed_low, closed_high = interval[0] == "[", interval[-1] == "]"

    def accepts(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return False
        above = value >= low if closed_low else value > low
        below = value <= high if closed_high else value < high
        return above and below

    return Expected(f"{kind} in {interval}", accepts)


def integer(interval: str) -> Expected:
    within = number(interval, "a whole number")
    return Expected(within.words, lambda value: isinstance(value, int) and within.accepts(value))


def one_of(*names: str) -> Expected:
    return Expected(f"one of {', '.join(names)}", lambda value: value in names)


REAL = number("(-inf, inf)")
POSITIVE = number("(0, inf)")
NON_NEGATIVE = number("[0, inf)")
COUNT = integer("[1, inf)")
COUNT_OR_ZERO = integer("[0, inf)")
SEED = integer("[0, 9223372036854775807]")
BOOLEAN = Expected("true or false", lambda value: isinstance(value, bool))
TEXT = Expected("a text", lambda value: isinstance(value, str) and value != "")
NULL = Expected("null", lambda value: value is None)
CALLBACK = Expected("a callback with its keys", lambda value: isinstance(value, dict))
NUMBERS = Expected(
    "a list of numbers", lambda value: isinstance(value, list) and value != [] and all(map(REAL.accepts, value))
)

SHARES = Expected(
    "a list of at least 2 numbers in [0, inf), not all 0",
    lambda value: isinstance(value, list) and len(value) > 1 and all(map(NON_NEGATIVE.accepts, value)) and any(value),
)
POSITIVE_SHARES = Expected(
    "a list of at least 2 numbers in (0, inf)",
    lambda value: isinstance(value, list) and len(value) > 1 and all(map(POSITIVE.accepts, value)),
)

NAMES = Expected(
    "a list of texts", lambda value: isinstance(value, list) and all(isinstance(name, str) and name for name in value)
)
PATHS = TEXT | Expected("a list of texts", lambda value: NAMES.accepts(value) and value != [])

ARRAY_FILE = "an .npy, .npz, .safetensors, .parquet or .pt file"

RULES: dict[str, Expected] = {
    "name": TEXT | NULL,
    "seed": SEED,
    "threads": COUNT | NULL,
    "init_from": TEXT | NULL,
    "figures": BOOLEAN,
    "optimum": one_of("off", "auto", "always") | Expected("off", lambda value: value is False),  # YAML reads off so
    "objective.metric": TEXT,
    "objective.direction": one_of("minimize", "maximize") | NULL,
    # data: every option
    "data.batch_size": COUNT,
    "data.val_fraction": number("[0, 1)") | NULL,
    "data.standardize": BOOLEAN,
    "data.dtype": one_of("float32", "float64"),
    "data.outliers": COUNT_OR_ZERO,
    "data.outlier_value": REAL,
    "data.seed": SEED,
    # data: made by a formula
    "data.weight": NUMBERS,
    "data.bias": REAL,
    "data.coefficients": NUMBERS,
    "data.degree": COUNT,
    "data.noise": NON_NEGATIVE,
    "data.noise_kind": one_of("gaussian", "laplace"),
    "data.n_features": COUNT,
    "data.n_classes": integer("[2, inf)"),
    "data.separation": NON_NEGATIVE,
    "data.n_train": COUNT,
    "data.n_val": COUNT_OR_ZERO,
    "data.n_test": COUNT_OR_ZERO,
    # data: the digits through random filters
    "data.n_filters": COUNT,
    "data.filter_size": Expected("1, 3, 5 or 7", lambda value: type(value) is int and value in (1, 3, 5, 7)),
    # data: a target of another distribution
    "data.weighting": one_of("none", "estimated", "known"),
    "data.n_target": COUNT,
    "data.max_weight": POSITIVE | NULL,
    "data.train_mean": REAL,
    "data.train_std": POSITIVE,
    "data.target_mean": REAL,
    "data.target_std": POSITIVE,
    "data.train_proportions": POSITIVE_SHARES,
    "data.target_proportions": SHARES,
    # data: read from files
    "data.name": one_of("FashionMNIST", "MNIST", "KMNIST"),
    "data.root": TEXT | NULL,
    "data.download": BOOLEAN,
    # data: images in folders
    "data.size": COUNT,
    "data.color": one_of("grey", "rgb"),
    # data: a table
    "data.path": Expected("a file, a pattern or a list of these: data.path=my.csv", PATHS.accepts),
    "data.target": Expected(
        "the name of the column to predict: data.target=NAME (data.target='\"0\"' if it is a number)", TEXT.accepts
    ),
    "data.task": one_of("regression", "classification") | NULL,
    "data.features": Expected("a list of columns", lambda value: NAMES.accepts(value) and value != []) | NULL,
    "data.exclude": NAMES,
    "data.categorical": NAMES,
    "data.missing": one_of("error", "drop", "mean"),
    "data.min_count": COUNT,
    "data.test_path": PATHS | NULL,
    "data.split_column": TEXT | NULL,
    "data.test_fraction": number("[0, 1)"),
    "data.group": TEXT | NULL,
    "data.delimiter": one_of("comma", "semicolon", "tab", "bar")
    | Expected("one character", lambda value: isinstance(value, str) and len(value) == 1)
    | NULL,
    "data.encoding": one_of("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1") | NULL,
    "data.comment": TEXT | NULL,
    "data.skip_rows": COUNT_OR_ZERO,
    "data.decimal": one_of(".", ","),
    "data.thousands": one_of(".", ",", " ", "'", "_") | NULL,
    "data.strip": NAMES,
    "data.missing_tokens": NAMES,
    "data.dates": one_of("error", "days"),
    "data.day_first": BOOLEAN | NULL,
    # data: arrays in files
    "data.x": Expected(f"{ARRAY_FILE} or a pattern: data.x='my/x_*.npy'", TEXT.accepts),
    "data.y": Expected(f"{ARRAY_FILE} or a pattern: data.y='my/y_*.npy'", TEXT.accepts),
    "data.x_val": TEXT | NULL,
    "data.y_val": TEXT | NULL,
    "data.x_test": TEXT | NULL,
    "data.y_test": TEXT | NULL,
    "data.normalize": one_of("none", "rows"),
    "data.max_memory_mb": COUNT,
    "model.n_outputs": COUNT | NULL,
    "model.bias": BOOLEAN,
    "model.init": one_of("normal", "zeros"),
    "model.init_std": NON_NEGATIVE,
    "model.init_seed": SEED,
    "model.gradient": one_of("analytic", "autograd"),
    "loss.delta": POSITIVE,
    "loss.sigma": POSITIVE,
    "loss.label_smoothing": number("[0, 1)"),
    "penalty.strength": NON_NEGATIVE,
    "penalty.l1_ratio": number("[0, 1]"),
    "optimizer.lr": POSITIVE,
    "optimizer.momentum": number("[0, 1)"),
    "optimizer.nesterov": BOOLEAN,
    "optimizer.alpha": number("[0, 1)"),
    "optimizer.beta1": number("[0, 1)"),
    "optimizer.beta2": number("[0, 1)"),
    "optimizer.eps": POSITIVE,
    "optimizer.initial_accumulator": NON_NEGATIVE,
    "optimizer.weight_decay": NON_NEGATIVE,
    "optimizer.max_iter": COUNT,
    "optimizer.history_size": COUNT,
    "optimizer.line_search": one_of("strong_wolfe") | NULL,
    "schedule.warmup_epochs": NON_NEGATIVE,
    "schedule.step_epochs": POSITIVE,
    "schedule.gamma": number("(0, 1]"),
    "schedule.final_factor": number("[0, 1]"),
    "trainer.accelerator": one_of("cpu", "gpu", "auto"),
    "trainer.devices": COUNT,
    "trainer.strategy": one_of("auto", "ddp"),
    "trainer.max_epochs": COUNT,
    "trainer.log_every_n_steps": COUNT,
    "trainer.overfit_batches": COUNT_OR_ZERO,
    "logger.histogram_every_n_epochs": COUNT_OR_ZERO,
    "callbacks.checkpoint.every_n_seconds": NON_NEGATIVE,
    "callbacks.checkpoint.every_n_steps": COUNT | NULL,
    "callbacks.checkpoint.select": one_of("best", "last"),
    "callbacks.early_stopping": CALLBACK | NULL,
    "callbacks.early_stopping.patience": COUNT,
    "callbacks.early_stopping.min_delta": NON_NEGATIVE,
}

MAY_BE_MISSING = frozenset(
    {
        "init_from", "data.comment", "data.skip_rows", "data.decimal", "data.thousands", "data.strip",
        "data.missing_tokens", "data.dates", "data.day_first",
    }
)  # fmt: skip
"""Keys that the configurations of earlier versions' runs do not have; null, or the default of the component."""

OWN_RULES: dict[str, dict[str, Expected]] = {
    "linnet.data.table_rows": {"data.weight": TEXT | NULL},
    "linnet.data.arrays": {"data.weight": TEXT | NULL},
    "linnet.data.image_folder": {
        "data.path": Expected("a folder with a folder of images for each class: data.path=my/pictures", TEXT.accepts)
    },
}
"""`_target_` of the data -> rules that stand for those of the same keys where this is chosen."""
