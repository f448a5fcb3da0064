"""Exact cross-validation: ridge and softmax regression over folds and strengths, against scikit-learn's …CV estimators.

    python tests/benchmarks/resampling.py [--repeats 3] [--what ridge,leave_one_out,digits,normal]

ridge: 10 folds x 100 strengths on 100000 x 100 numbers against RidgeCV(cv=10); leave_one_out: the same strengths
against RidgeCV(), which are closed forms both. Both from process start to end, data read from .npy files.
digits: 5 folds x 10 strengths of softmax + l2 on 1795 x 64 digits against LogisticRegressionCV, solving time.
normal: the same on 20000 x 100 normal features of ten overlapping classes, from process start to end.
LogisticRegressionCV is first given ever smaller tol until all its objectives are as near to the minima as ours.
Strengths are scikit-learn's defaults for C, and 1e-4 … 1e4 for alpha; features and folds are the same for all.
"""

import math
import sys
import tempfile
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from side_by_side import Candidate, parser, seconds_of_process, table, take_turns

Array = np.ndarray
TOLERANCE = 1e-6
TOLS = (1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7)
ALPHAS, CS = np.logspace(-4, 4, 100), np.logspace(-4, 4, 10)
LIMITS = {"ridge": 0.2, "leave_one_out": 1.0, "digits": 0.5, "normal": 0.25}


def numbers(n: int, d: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d)) @ (np.eye(d) + 0.3 * rng.normal(size=(d, d)) / math.sqrt(d))
    return x, x @ rng.normal(size=d) + 10 * rng.normal(size=n)


def classes(n: int, d: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, n)
    return rng.normal(size=(n, d)) + 0.3 * rng.normal(size=(10, d))[y], y


def digits() -> tuple[Array, Array]:
    from sklearn.datasets import load_digits

    data, target = load_digits(return_X_y=True)
    return data[:1795] / 16, target[:1795]


def ridge(x: Array, y: Array) -> float:
    """Return the best mean squared error over folds, of linnet's closed forms."""
    import torch

    from linnet.losses import SquaredError
    from linnet.penalties import L2
    from linnet.solvers.relative import Rows
    from linnet.solvers.resampled.folds import solve_folds

    features, targets = torch.from_numpy(x), torch.from_numpy(y)[:, None]
    folds = resamples(len(x), 10)
    penalties = [L2(alpha / (0.9 * len(x))) for alpha in ALPHAS.tolist()]
    found = solve_folds(
        Rows(features, targets), folds, SquaredError(), penalties, bias=True, n_outputs=1, tolerance=1e-12
    )
    assert found.solved == 0
    errors = torch.zeros(len(ALPHAS), dtype=torch.float64)
    for f in range(10):
        held = folds.fold[0] == f
        predicted = features[held] @ found.weight[:, f, 0].T + found.bias[:, f, 0]
        errors += (predicted - targets[held]).square().mean(0) / 10
    return float(errors.min())


def leave_one_out(x: Array, y: Array) -> float:
    """Return the best mean squared error of examples left out, of linnet's closed form."""
    import torch

    from linnet.solvers.resampled.hat_matrix import factored, leave_out

    targets = torch.from_numpy(y)[:, None]
    fit = factored(torch.from_numpy(x), targets, None, bias=True)
    found = leave_out(fit, torch.arange(len(x)), len(x), torch.from_numpy(ALPHAS / (len(x) - 1)))
    return float((found.prediction - targets).square().mean((1, 2)).min())


def theirs_ridge(x: Array, y: Array, *, cv: int | None) -> float:
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import KFold

    scoring = "neg_mean_squared_error" if cv else None
    model = RidgeCV(ALPHAS, cv=cv and KFold(cv), scoring=scoring, store_cv_results=cv is None).fit(x, y)
    return float(-model.best_score_)


def resamples(n: int, n_folds: int):  # type: ignore[no-untyped-def]
    """Folds of consecutive examples, as KFold has them."""
    import torch

    from linnet.data.resampling.resamples import Folds

    return Folds((torch.arange(n) * n_folds // n)[None].int(), n_folds)


def softmax(x: Array, y: Array) -> tuple[Array, float]:
    """Return coefficients `[strengths, folds, classes, 1 + D]`, the bias last, of linnet, and the largest bound."""
    import torch

    from linnet.losses import CrossEntropy
    from linnet.penalties import L2
    from linnet.solvers.relative import Rows
    from linnet.solvers.resampled.folds import solve_folds

    rows = Rows(torch.from_numpy(x), torch.from_numpy(y).long())
    penalties = [L2(strength) for strength in strengths(len(x))]
    found = solve_folds(
        rows, resamples(len(x), 5), CrossEntropy(), penalties, bias=True, n_outputs=10, tolerance=TOLERANCE
    )
    return torch.cat([found.weight, found.bias[..., None]], 3).numpy(), float(found.gap.max())


def theirs_softmax(x: Array, y: Array, tol: float) -> Array:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import KFold

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FutureWarning)
        model = LogisticRegressionCV(Cs=CS, cv=KFold(5), refit=False, tol=tol, max_iter=10_000).fit(x, y)
    paths = model.coefs_paths_
    paths = paths[model.classes_[0]] if isinstance(paths, dict) and len(paths) == 1 else paths
    found = np.stack([paths[c] for c in range(10)], 2) if isinstance(paths, dict) else np.asarray(paths)
    return found.transpose(1, 0, 2, 3)  # [folds, strengths, classes, 1 + D]


def strengths(n: int) -> list[float]:
    return (1 / (CS * 0.8 * n)).tolist()


def objectives(x: Array, y: Array, coefficients: Array) -> Array:
    """Return the objective of each strength and fold."""
    fold = np.arange(len(x)) * 5 // len(x)
    found = np.zeros((len(CS), 5))
    for s, strength in enumerate(strengths(len(x))):
        for f in range(5):
            kept = fold != f
            weight = coefficients[s, f]
            logits = x[kept] @ weight[:, :-1].T + weight[:, -1]
            largest = logits.max(1, keepdims=True)
            loss = np.log(np.exp(logits - largest).sum(1)) + largest[:, 0] - logits[np.arange(len(logits)), y[kept]]
            found[s, f] = loss.mean() + strength / 2 * np.square(weight[:, :-1]).sum()
    return found


def turn(what: str, whose: str, folder: Path, tol: float) -> str:
    """Do one turn of one candidate, and return what it says of its result."""
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    if what in ("digits", "normal"):
        if whose == "linnet":
            np.save(folder / "linnet.npy", softmax(x, y)[0])
        else:
            np.save(folder / "theirs.npy", theirs_softmax(x, y, tol))
        return ""
    if whose == "linnet":
        return repr(ridge(x, y) if what == "ridge" else leave_one_out(x, y))
    return repr(theirs_ridge(x, y, cv=10 if what == "ridge" else None))


def compare(what: str, repeats: int) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make = {"digits": digits, "normal": lambda: classes(20_000, 100)}.get(what, lambda: numbers(100_000, 100))
        x, y = make()
        np.save(folder / "x.npy", x)
        np.save(folder / "y.npy", y)
        if what in ("digits", "normal"):
            return compare_softmax(what, x, y, folder, repeats)
        said: dict[str, str] = {}

        def run(whose: str) -> float:
            seconds, said[whose] = process(what, whose, folder)
            return seconds

        rival = "RidgeCV(cv=10)" if what == "ridge" else "RidgeCV()"
        candidates = [Candidate("linnet", lambda: run("linnet")), Candidate(rival, lambda: run(rival), LIMITS[what])]
        seconds = take_turns(candidates, repeats)
        columns = {"best mse": {whose: f"{float(text):.10g}" for whose, text in said.items()}}
        title = f"seconds from start to end of {what}, 100 strengths on 100000 x 100"
        return table(title, candidates, seconds, columns)


def compare_softmax(what: str, x: Array, y: Array, folder: Path, repeats: int) -> str:
    ours, proven = softmax(x, y)
    lowest = objectives(x, y, ours)
    wanted = TOLERANCE * math.log(10)
    for tol in TOLS:
        reached = objectives(x, y, theirs_softmax(x, y, tol))
        if float((reached - lowest).max()) <= wanted:
            break

    def run(whose: str) -> float:
        if what == "normal":
            return process(what, whose, folder, tol)[0]
        start = perf_counter()
        softmax(x, y) if whose == "linnet" else theirs_softmax(x, y, tol)
        return perf_counter() - start

    rival = "LogisticRegressionCV"
    candidates = [Candidate("linnet", lambda: run("linnet")), Candidate(rival, lambda: run(rival), LIMITS[what])]
    seconds = take_turns(candidates, repeats)
    columns = {
        "worst F − ours": {rival: f"{float((reached - lowest).max()):.1e}"}, "proven": {"linnet": f"{proven:.1e}"},
        "tol": {rival: f"{tol:.0e}"},
    }  # fmt: skip
    timed = "seconds to solve" if what == "digits" else "seconds from start to end of"
    shape = f"{x.shape[0]} x {x.shape[1]} {what}"
    return table(f"{timed} softmax, 5 folds x 10 strengths on {shape}", candidates, seconds, columns)


def process(what: str, whose: str, folder: Path, tol: float = 0.0) -> tuple[float, str]:
    return seconds_of_process([sys.executable, __file__, "--what", what, "--turn", whose, str(folder), str(tol)])


def main() -> None:
    arguments = parser(__doc__, repeats=3)
    arguments.add_argument("--what", default=",".join(LIMITS), help="by commas")
    arguments.add_argument("--turn", nargs=3, metavar=("NAME", "FOLDER", "TOL"), help="one turn, used by this script")
    given = arguments.parse_args()
    if given.turn:
        whose, folder, tol = given.turn
        print(turn(given.what, whose, Path(folder), float(tol)))
        return
    print("\n\n".join(compare(what, given.repeats) for what in given.what.split(",")))


if __name__ == "__main__":
    main()
