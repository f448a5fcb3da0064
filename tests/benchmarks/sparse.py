"""Sparse features like those of texts, 100,000 × 50,000 of which 0.1 % are not 0: seconds against scikit-learn, memory.

    python tests/benchmarks/sparse.py [--repeats 3] [--rows 100000] [--columns 50000]

Three problems, all with a free bias: cross-entropy of two classes with λ/2 ‖W‖², squared error with the same, and
squared error with λ ‖W‖₁. linnet stops when it has proven a distance of at most 1e-6 of the objective at zeros to the
minimum. Each solver of scikit-learn is first given ever smaller tol until it comes as near, and then takes turns with
linnet at that tol; one that takes longer than --patience seconds has no turn. That the objectives agree is checked
against linnet's certificate. The last line is of a process of its own that makes the data, trains by minibatches and
solves exactly: the most memory that it ever had, imports included, and the seconds of an epoch.
"""

import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.sparse
import torch
from side_by_side import Candidate, parser, table, take_turns

from linnet.data import Data
from linnet.data.storage.examples import Source
from linnet.data.storage.sparse_examples import SparseExamples
from linnet.losses import CrossEntropy, Loss, SquaredError
from linnet.models import SoftmaxRegression
from linnet.optimizers import Adam
from linnet.penalties import L1, L2, Penalty
from linnet.solvers.optimum import Optimum
from linnet.solvers.solve import solve
from linnet.training.loop import LoopOptions, train_loop

TOLERANCE = 1e-6
TOLS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
MEMORY = 2e9
"""Bytes that the process of its own may take."""
EPOCHS = 5


def texts(n_rows: int, n_columns: int, share: float = 0.001) -> tuple[Any, np.ndarray, np.ndarray]:
    """Rows of unit length, weighted by rarity, with few frequent columns and many rare ones; classes and numbers."""
    rng = np.random.default_rng(0)
    words = round(1.04 * share * n_columns)  # some occur twice in a row, and are added up
    columns = (n_columns * rng.random(n_rows * words) ** 3).astype(np.int32)
    starts = np.arange(0, n_rows * words + 1, words, dtype=np.int32)
    x = scipy.sparse.csr_array((1 + rng.exponential(size=len(columns)), columns, starts), shape=(n_rows, n_columns))
    x.sum_duplicates()
    frequency = np.bincount(x.indices, minlength=n_columns)
    x.data *= np.log((1 + n_rows) / (1 + frequency))[x.indices] + 1
    x.data /= np.repeat(np.sqrt(x.power(2).sum(1)), np.diff(x.indptr))
    z = x @ (rng.normal(size=n_columns) * (rng.random(n_columns) < 0.05) * 8)
    return x, (z + rng.logistic(size=n_rows) > 0).astype(np.int64), z + rng.normal(0, 0.5, n_rows)


@dataclass(frozen=True)
class Problem:
    """One problem, as linnet and as scikit-learn have it.

    peers: name -> a function of tol that makes a model.
    """

    name: str
    loss: Loss
    penalty: Penalty
    x: Any
    y: torch.Tensor
    peers: dict[str, Callable[[float], Any]]

    def objective(self, weight: np.ndarray, bias: np.ndarray) -> float:
        z = torch.from_numpy(self.x @ weight.T + bias)[None]
        return float(self.loss.value(z, self.y).mean() + self.penalty.value(torch.from_numpy(weight)[None])[0])

    def at_zeros(self) -> float:
        n_outputs = 2 if self.y.dim() == 1 else 1
        return self.objective(np.zeros((n_outputs, self.x.shape[1])), np.zeros(n_outputs))

    def solve(self) -> Optimum:
        tolerance = TOLERANCE * self.at_zeros()
        examples = SimpleNamespace(x=self.x, y=self.y, weight=None)
        return solve(examples, self.loss, self.penalty, bias=True, tolerance=tolerance)

    def peer(self, name: str, tol: float) -> tuple[float, float]:
        """Seconds and objective of one of scikit-learn's solvers."""
        model = self.peers[name](tol)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged, which the objective shows
            begin = time.perf_counter()
            model.fit(self.x, self.y.squeeze(-1).numpy())
            seconds = time.perf_counter() - begin
        weight, bias = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
        if self.y.dim() == 1:  # one vector v where there are two here, v/2 and −v/2
            weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        return seconds, self.objective(weight, bias)


def problems(n_rows: int, n_columns: int) -> list[Problem]:
    from sklearn.linear_model import Lasso, LogisticRegression, Ridge

    x, labels, numbers = texts(n_rows, n_columns)
    strength, l1 = 1e-5, 3e-5

    def logistic(solver: str) -> Callable[[float], Any]:
        c = 2 / (n_rows * strength)
        return lambda tol: LogisticRegression(C=c, solver=solver, tol=tol, max_iter=1000)

    def ridge(solver: str) -> Callable[[float], Any]:
        return lambda tol: Ridge(n_rows * strength, solver=solver, tol=tol, max_iter=1000)

    y, t = torch.from_numpy(labels), torch.from_numpy(numbers)[:, None]
    solvers = {f"LogisticRegression {name}": logistic(name) for name in ("lbfgs", "newton-cg", "saga")}
    ridges = {f"Ridge {name}": ridge(name) for name in ("sparse_cg", "sag")}
    return [
        Problem(f"cross-entropy, l2 {strength:g}", CrossEntropy(), L2(strength), x, y, solvers),
        Problem(f"squared error, l2 {strength:g}", SquaredError(), L2(strength), x, t, ridges),
        Problem(
            f"squared error, l1 {l1:g}", SquaredError(), L1(l1), x, t,
            {"Lasso": lambda tol: Lasso(l1, tol=tol, max_iter=1000)},
        ),
    ]  # fmt: skip


def compare(problem: Problem, repeats: int, patience: float) -> str:
    """The table of one problem."""
    found = problem.solve()
    goal = found.lower + TOLERANCE * problem.at_zeros()
    candidates = [Candidate("linnet", lambda: problem.solve().seconds)]
    above = {"linnet": f"{found.suboptimality_bound:.1e}"}
    for name in problem.peers:
        for tol in TOLS:
            seconds, objective = problem.peer(name, tol)
            if objective < found.lower:
                raise RuntimeError(f"{name} is below the proven bound: {objective!r} < {found.lower!r}")
            if objective <= goal or seconds > patience:
                break
        above[name] = f"{objective - found.lower:.1e}"
        if objective <= goal and seconds <= patience:
            candidates.append(Candidate(name, lambda name=name, tol=tol: problem.peer(name, tol)[0]))
        else:
            print(f"{name}: {objective - found.lower:.1e} above the bound after {seconds:.0f} s at tol {tol:g}")
    seconds = take_turns(candidates, repeats)
    title = (
        f"seconds to within {TOLERANCE:g} of the minimum: {problem.name}, {problem.x.shape[0]} × {problem.x.shape[1]}"
    )
    return table(title, candidates, seconds, {"above the bound": above})


def memory(n_rows: int, n_columns: int) -> None:
    """Train by minibatches and solve exactly, and print seconds and the most memory of this process."""
    x, labels, _ = texts(n_rows, n_columns)
    y, penalty = torch.from_numpy(labels), L2(1e-5)
    examples = SparseExamples.of(x, y, dtype=torch.float32)
    data = Data(Source("classification", examples, None, "", class_names=("0", "1")), examples, None, None, 256, 0)
    model = SoftmaxRegression(n_columns, 2, loss=CrossEntropy(), penalty=penalty, optimizer=Adam(lr=0.01))
    begin = time.perf_counter()
    train_loop(model, data, LoopOptions(max_epochs=EPOCHS))
    epoch = (time.perf_counter() - begin) / EPOCHS
    trained = model.training_objective(examples)[0]
    at_zeros = float(np.log(2))
    found = solve(SimpleNamespace(x=x, y=y, weight=None), CrossEntropy(), penalty, bias=True, tolerance=TOLERANCE)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"one process: Adam {epoch:.2f} s an epoch, objective {trained:.4f} after {EPOCHS}, {at_zeros:.4f} at zeros; "
        f"exact {found.seconds:.1f} s, objective {found.objective:.8f}, proven to {found.suboptimality_bound:.1e}; "
        f"{peak / 1e9:.2f} GB at the most, ≤ {MEMORY / 1e9:g} GB {'met' if peak <= MEMORY else 'MISSED'}"
    )


def main() -> None:
    arguments = parser(__doc__, repeats=3)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--columns", type=int, default=50_000)
    arguments.add_argument("--patience", type=float, default=60.0, help="seconds for one fit of a peer")
    arguments.add_argument("--memory", action="store_true", help="only the process of its own")
    given = arguments.parse_args()
    if given.memory:
        memory(given.rows, given.columns)
        return
    for problem in problems(given.rows, given.columns):
        print(compare(problem, given.repeats, given.patience) + "\n", flush=True)
    words = [sys.executable, __file__, "--memory", "--rows", str(given.rows), "--columns", str(given.columns)]
    print(subprocess.run(words, check=True, capture_output=True, text=True).stdout, end="")


if __name__ == "__main__":
    main()
