"""What both estimators share: their parameters, and the ways from rows to coefficients."""

from typing import Any, Literal

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from torch import Tensor

from linnet.losses import Loss
from linnet.optimizers import Exact, Optimizer
from linnet.penalties import Penalty
from linnet.sklearn.exact import Fit, solve_exactly, tensor
from linnet.sklearn.options import InvalidParameter, count, loss_of, number, optimizer_of, penalty_of
from linnet.solvers.relative import Rows
from linnet.solvers.sparse.features import is_sparse

DTYPES = [np.float64, np.float32]
"""Of the features; others become the first."""


def learns(estimator: "LinearModel") -> bool:
    """Return whether an estimator has `partial_fit`: one whose solver takes steps."""
    return not isinstance(optimizer_of(estimator.solver, estimator.lr), Exact)


class LinearModel(BaseEstimator):
    """A linear model of the parameters of its subclasses."""

    task: Literal["regression", "classification"]
    penalty: str | None
    strength: float
    l1_ratio: float
    loss: str | Loss
    solver: str | Optimizer
    lr: float | None
    max_epochs: int
    batch_size: int
    tolerance: float
    fit_intercept: bool
    standardize: bool
    random_state: Any
    run_dir: Any

    def _parts(self) -> tuple[Loss, Penalty, Optimizer | Exact]:
        """Return loss, penalty and optimizer. Raises InvalidParameter for any parameter that is not admitted."""
        number("tolerance", self.tolerance, low=0, above=True)
        count("max_epochs", self.max_epochs)
        count("batch_size", self.batch_size)
        return (
            loss_of(self.loss, self.task), penalty_of(self.penalty, self.strength, self.l1_ratio),
            optimizer_of(self.solver, self.lr),
        )  # fmt: skip

    def _fit_rows(self, rows: Rows, n_outputs: int) -> Fit:
        """Return the coefficients of n_outputs outputs for rows whose weights are above 0 and of mean 1."""
        loss, penalty, optimizer = self._parts()
        self._learner: Any = None
        if self.run_dir is not None:
            from linnet.sklearn.tracked import fit_tracked

            return fit_tracked(
                rows, self.task, loss, penalty, optimizer, fit_intercept=self.fit_intercept, dtype=self._dtype(rows.x),
                standardize=self.standardize, max_epochs=self.max_epochs, batch_size=self.batch_size, seed=self._seed(),
                run_dir=self.run_dir,
            )  # fmt: skip
        if isinstance(optimizer, Exact):
            return solve_exactly(
                rows, loss, penalty, n_outputs, fit_intercept=self.fit_intercept, standardize=self.standardize,
                tolerance=float(self.tolerance),
            )  # fmt: skip
        self._begin(rows.x, n_outputs)
        return self._learn(rows, self.max_epochs, standardize=self.standardize)

    def _begin(self, x: Any, n_outputs: int) -> None:
        """Make the model that `_learn` trains."""
        from linnet.sklearn.minibatches import Learner  # imports Lightning

        loss, penalty, optimizer = self._parts()
        assert isinstance(optimizer, Optimizer)
        if penalty.proximal and not optimizer.has_proximal_step:
            raise InvalidParameter(f"penalty={self.penalty!r} needs a solver with a proximal step, such as 'sgd'")
        self._learner = Learner(
            self.task, x.shape[1], n_outputs, self._dtype(x), loss=loss, penalty=penalty, optimizer=optimizer,
            bias=self.fit_intercept, seed=self._seed(),
        )  # fmt: skip

    def _learn(self, rows: Rows, max_epochs: int, *, standardize: bool = False) -> Fit:
        found: Fit = self._learner.learn(
            rows, batch_size=self.batch_size, max_epochs=max_epochs, standardize=standardize
        )
        return found

    def _pass(self, x: Any, y: Tensor, weight: Any) -> Fit:
        """Take one pass over rows with weights `[N]` of at least 0, of which those of 0 are left out."""
        if self.standardize:
            raise InvalidParameter("standardize=True needs all examples at once: use a StandardScaler before")
        if weight is not None:
            x, y, weight = x[weight > 0], y[weight > 0], torch.from_numpy(weight[weight > 0])
        return self._learn(Rows(x, y, weight), 1)

    def _dtype(self, x: Any) -> str:
        """Return the dtype of training: that of the features of classes, float64 for numbers to predict."""
        return str(x.dtype).removeprefix("torch.") if self.task == "classification" else "float64"

    def _seed(self) -> int:
        """Return the seed: a random_state that is a whole number itself."""
        state = self.random_state
        if isinstance(state, (int, np.integer)) and not isinstance(state, bool):
            if state < 0:
                raise InvalidParameter(f"random_state is {state}: expected a whole number in [0, inf)")
            return int(state)
        return int(check_random_state(state).randint(2**31 - 1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def features(x: Any) -> Any:
    """Return features as those of `Rows`: a tensor that shares the array's memory, or CSR as it is."""
    return x if is_sparse(x) else tensor(x)
