"""Seconds to the optimum of softmax regression on Fashion-MNIST: linnet with a proof, against scikit-learn's solvers.

    python tests/benchmarks/optimum.py [--repeats 5] [--solvers lbfgs,lbfgs-float64] [--tolerance 1e-6]

The objective is mean cross-entropy + 1e-4/2 ‖W‖² with a free bias on all 60000 images, pixels in [0, 1]; scikit-learn
calls that C = 1/(N λ). linnet stops when it has proven a distance of at most the tolerance to the minimum. Each
solver of scikit-learn is first given ever smaller tol until it comes as near as linnet's tolerance, and then takes
turns with linnet at that tol. All get the images in float32; for a solver named with -float64 they are converted
before its clock starts. One that takes longer than --patience seconds for a tol, or comes no nearer with a smaller
one, has no turn.
"""

import sys
import time
import warnings
from typing import NamedTuple

import numpy as np
import torch
from side_by_side import Candidate, parser, table, take_turns
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from linnet.data import Examples, image_classes
from linnet.losses import CrossEntropy
from linnet.penalties import L2
from linnet.solvers.optimum import Optimum
from linnet.solvers.solve import solve

STRENGTH = 1e-4
TOLS = (5e-6, 2e-6, 1e-6, 3e-7, 1e-7)
MAX_ITER = {"sag": 400, "saga": 400}
"""Passes at the most, of solvers that would otherwise not end within hours."""


def objective(examples: Examples, weight: np.ndarray, bias: np.ndarray) -> float:
    """In float64."""
    w, b = torch.from_numpy(weight).double(), torch.from_numpy(bias).double()
    total = sum(
        float(CrossEntropy().value((x.double() @ w.T + b)[None], y).sum())
        for x, y in zip(examples.x.split(10_000), examples.y.split(10_000), strict=True)
    )
    return total / len(examples) + 0.5 * STRENGTH * float(w.square().sum())


def peer(examples: Examples, name: str, tol: float) -> tuple[float, float]:
    """Seconds and objective of one of scikit-learn's solvers."""
    solver, dtype = name.removesuffix("-float64"), "float64" if name.endswith("-float64") else "float32"
    x, y = examples.x.numpy().astype(dtype, copy=False), examples.y.numpy()
    model = LogisticRegression(
        C=1 / (len(examples) * STRENGTH), solver=solver, tol=tol, max_iter=MAX_ITER.get(solver, 10_000)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        begin = time.perf_counter()
        model.fit(x, y)
        seconds = time.perf_counter() - begin
    return seconds, objective(examples, model.coef_, model.intercept_)


class Found(NamedTuple):
    """Where a solver of scikit-learn got to: F − F*, with which tol, in which time, and whether that is near enough."""

    distance: float
    tol: float
    seconds: float
    near: bool


def search(examples: Examples, name: str, exact: Optimum, tolerance: float, patience: float) -> Found:
    """Ever smaller tol until the solver is near enough, is too slow, or has no more digits to give."""
    before = float("inf")
    for tol in TOLS:
        took, reached = peer(examples, name, tol)
        distance = reached - exact.objective
        print(f"{name}, tol {tol:g}: F − F* = {distance:.2e} in {took:.1f} s", file=sys.stderr, flush=True)
        if distance <= tolerance or took > patience or reached >= before:
            break
        before = reached
    return Found(distance, tol, took, distance <= tolerance)


def main() -> None:
    arguments = parser(__doc__, repeats=5)
    arguments.add_argument("--solvers", default="lbfgs-float64,lbfgs,newton-cg", help="of scikit-learn, by commas")
    arguments.add_argument("--tolerance", type=float, default=1e-6, help="distance to the minimum")
    arguments.add_argument("--patience", type=float, default=600, help="seconds that a solver may take")
    given = arguments.parse_args()

    examples = image_classes("FashionMNIST", root=None, download=False, dtype="float32", seed=0).train
    exact = solve(examples, CrossEntropy(), L2(STRENGTH), bias=True, tolerance=1e-9)

    def ours() -> float:
        result = solve(examples, CrossEntropy(), L2(STRENGTH), bias=True, tolerance=given.tolerance)
        assert result.suboptimality_bound <= given.tolerance
        return result.seconds

    solvers = given.solvers.split(",")
    found = {name: search(examples, name, exact, given.tolerance, given.patience) for name in solvers}
    candidates = [Candidate("linnet", ours)]
    candidates += [Candidate(name, lambda name=name: peer(examples, name, found[name].tol)[0]) for name in solvers]
    in_time = [candidate for candidate in candidates if candidate.name == "linnet" or found[candidate.name].near]
    # The search was scikit-learn's first turn.
    seconds = {"linnet": [ours()]} | {name: [found[name].seconds] if found[name].near else [] for name in solvers}
    for name, times in take_turns(in_time, given.repeats - 1).items():
        seconds[name] += times
    columns = {
        "F − F*": {"linnet": f"≤ {given.tolerance:.1e}"} | {name: f"{found[name].distance:.1e}" for name in solvers},
        "tol": {"linnet": f"{given.tolerance:.0e}"} | {name: f"{found[name].tol:.0e}" for name in solvers},
    }
    title = f"seconds to the optimum of softmax regression on {len(examples)} images of Fashion-MNIST, l2 {STRENGTH:g}"
    print(table(f"{title}\nF* in [{exact.lower:.12f}, {exact.objective:.12f}]", candidates, seconds, columns))


if __name__ == "__main__":
    main()
