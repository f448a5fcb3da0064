"""Seconds to fit softmax regression as a scikit-learn estimator: linnet's with a proof, and LogisticRegression.

    python tests/benchmarks/estimators.py [--repeats 7] [--data digits,pair,normal,images]

Both minimise mean cross-entropy + 1e-4/2 ‖W‖²; scikit-learn calls that C = 1/(N λ), and 2/(N λ) for two classes.
linnet's estimator has its default tolerance, 1e-6 log(classes), and proves it. LogisticRegression is first given ever
smaller tol until its objective is as near to the minimum. Data: digits (1797 x 64), 20000 x 100 normal features of two
and of ten overlapping classes, and the 60000 images of Fashion-MNIST (x 784), float64 all.
"""

import math
import warnings
from time import perf_counter

import numpy as np
from side_by_side import Candidate, parser, table, take_turns
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from linnet.data import image_classes
from linnet.sklearn import SoftmaxRegression

STRENGTH, TOLERANCE = 1e-4, 1e-6
TOLS = (1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7)
Rows = tuple[np.ndarray, np.ndarray]


def normal(n_classes: int = 10) -> Rows:
    rng = np.random.default_rng(0)
    y = rng.integers(0, n_classes, 20_000)
    return rng.normal(size=(20_000, 100)) + 0.3 * rng.normal(size=(n_classes, 100))[y], y


def images() -> Rows:
    train = image_classes("FashionMNIST", root=None, download=False, dtype="float64", seed=0).train
    return train.x.numpy(), train.y.numpy()


DATA = {
    "digits": (lambda: load_digits(return_X_y=True), 1.0), "pair": (lambda: normal(2), 1.0), "normal": (normal, 0.5),
    "images": (images, 0.5),
}  # fmt: skip
"""Name -> what makes X and y, and how large the ratio of the times may be."""


def objective(model: SoftmaxRegression | LogisticRegression, x: np.ndarray, y: np.ndarray) -> float:
    logits, penalty = model.decision_function(x), STRENGTH / 2 * float(np.square(model.coef_).sum())
    if logits.ndim == 1:  # the difference of two logits, and of two rows of W of opposite sign
        logits, penalty = np.column_stack([-logits, logits]) / 2, penalty / 2
    largest = logits.max(1, keepdims=True)
    loss = np.log(np.exp(logits - largest).sum(1)) + largest[:, 0] - logits[np.arange(len(y)), y]
    return float(loss.mean()) + penalty


def seconds_to_fit(model: SoftmaxRegression | LogisticRegression, x: np.ndarray, y: np.ndarray) -> float:
    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, y)
    return perf_counter() - start


def compare(name: str, repeats: int) -> str:
    make, limit = DATA[name]
    x, y = make()
    n_classes = len(np.unique(y))
    wanted = TOLERANCE * math.log(n_classes)
    least = SoftmaxRegression(strength=STRENGTH, tolerance=TOLERANCE / 1000).fit(x, y)
    lowest = objective(least, x, y)
    ours = SoftmaxRegression(strength=STRENGTH, tolerance=TOLERANCE)
    for tol in TOLS:
        theirs = LogisticRegression(C=(2 if n_classes == 2 else 1) / (STRENGTH * len(y)), tol=tol, max_iter=10_000)
        seconds_to_fit(theirs, x, y)
        if objective(theirs, x, y) - lowest <= wanted:
            break
    candidates = [
        Candidate("linnet", lambda: seconds_to_fit(ours, x, y)),
        Candidate("LogisticRegression", lambda: seconds_to_fit(theirs, x, y), limit=limit),
    ]
    seconds = take_turns(candidates, repeats)
    models = {"linnet": ours, "LogisticRegression": theirs}
    columns = {
        "F − F*": {key: f"{objective(model, x, y) - lowest:.1e}" for key, model in models.items()},
        "proven": {"linnet": f"{ours.optimality_gap_:.1e}"}, "tol": {"LogisticRegression": f"{tol:.0e}"},
    }  # fmt: skip
    shape = f"{x.shape[0]} x {x.shape[1]} {name}"
    return table(f"seconds to fit {shape}, l2 {STRENGTH:g}, to F − F* ≤ {wanted:.1e}", candidates, seconds, columns)


def main() -> None:
    arguments = parser(__doc__, repeats=7)
    arguments.add_argument("--data", default=",".join(DATA), help="by commas")
    given = arguments.parse_args()
    print("\n".join(compare(name, given.repeats) for name in given.data.split(",")))


if __name__ == "__main__":
    main()
