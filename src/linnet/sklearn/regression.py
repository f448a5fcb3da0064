"""Linear regression as a scikit-learn estimator."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted, validate_data

from linnet.losses import Loss
from linnet.sklearn.exact import normalised, solve_exactly, tensor
from linnet.sklearn.examples import Floats, dense, example_weights
from linnet.sklearn.options import loss_of, number, penalty_of
from linnet.solvers.relative import Rows


class LinearRegression(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Linear regression by any of linnet's losses and penalties, solved exactly with a certificate.

    Minimises F(W, b) = Σ_i w_i ℓ(W x_i + b, y_i) / Σ_i w_i + penalty(W). The loss of an example is the sum over its
    targets, and squared error is ½(prediction − y)². With N examples of weight 1, scikit-learn's Ridge(alpha) is
    penalty="l2" with strength = alpha / N, its Lasso(alpha) penalty="l1" with strength = alpha, and its
    ElasticNet(alpha, l1_ratio) penalty="elastic_net" with strength = alpha and the same l1_ratio (the last two for one
    target); its HuberRegressor also estimates a scale, loss="huber" does not.

    Args:
        penalty: None; "l2", strength/2 ‖W‖²; "l1", strength ‖W‖₁; or "elastic_net",
            strength (l1_ratio ‖W‖₁ + (1 − l1_ratio)/2 ‖W‖²). The intercept is never penalised.
        strength: of the penalty, in [0, inf).
        l1_ratio: of the elastic net, in [0, 1].
        loss: "squared_error", "absolute_error", "huber", "poisson_nll", …, or a `linnet.losses.Loss` such as
            `Huber(2.0)`.
        solver: "exact".
        tolerance: bound of F − inf F to prove, relative to the loss of predicting the mean (0 without an intercept),
            in (0, inf). Small problems, and squared error without an l1 part, are solved to the last digits anyway.
        fit_intercept: whether there is a bias.
        standardize: whether to penalise coefficients of features of mean 0 and variance 1; `coef_` is for features as
            given either way.

    Attributes:
        coef_: `[D]`, or `[C, D]` where y is `[N, C]`; float64. Of many best ones without a penalty, those of least ‖W‖.
        intercept_: a float, or `[C]`.
        optimality_gap_: proven upper bound of F − inf F, rounding included; nan where nothing is proven.
        certificate_: the proof in words, or why there is none.
        n_iter_: iterations of the solver.
        n_features_in_, feature_names_in_: as everywhere in scikit-learn.
    """

    def __init__(
        self,
        *,
        penalty: str | None = None,
        strength: float = 1e-4,
        l1_ratio: float = 0.5,
        loss: str | Loss = "squared_error",
        solver: str = "exact",
        tolerance: float = 1e-6,
        fit_intercept: bool = True,
        standardize: bool = False,
    ) -> None:
        self.penalty = penalty
        self.strength = strength
        self.l1_ratio = l1_ratio
        self.loss = loss
        self.solver = solver
        self.tolerance = tolerance
        self.fit_intercept = fit_intercept
        self.standardize = standardize

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "LinearRegression":
        """Fit to features X `[N, D]` and targets y `[N]` or `[N, C]`, with weights `[N]` in [0, inf) or None.

        Raises:
            ValueError: data or parameters that are not admitted, or counts of a Poisson regression that are all 0.
        """
        loss, penalty = loss_of(self.loss, "regression"), penalty_of(self.penalty, self.strength, self.l1_ratio)
        tolerance = number("tolerance", self.tolerance, low=0, above=True)
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], multi_output=True, y_numeric=True
        )
        weight, targets = example_weights(sample_weight, X), np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        kept = slice(None) if weight is None else weight > 0
        found = solve_exactly(
            Rows(
                tensor(dense(X[kept]).astype(np.float64, copy=False)), tensor(targets[kept]),
                None if weight is None else normalised(weight[kept]),
            ),
            loss, penalty, targets.shape[1], fit_intercept=self.fit_intercept, standardize=self.standardize,
            tolerance=tolerance,
        )  # fmt: skip
        if found.warning:
            warnings.warn(found.warning, ConvergenceWarning, stacklevel=2)
        one = y.ndim == 1
        coefficients, bias = found.weight.numpy(), found.bias.numpy()
        self.coef_ = coefficients[0] if one else coefficients
        self.intercept_ = float(bias[0]) if one else bias
        self.optimality_gap_, self.certificate_, self.n_iter_ = found.gap, found.certificate, found.iterations
        return self

    def predict(self, X: Any) -> Floats:
        """Return the expected targets of features X `[N, D]`, `[N]` or `[N, C]`: of Poisson regression the rates."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        prediction = np.asarray(safe_sparse_dot(X, self.coef_.T, dense_output=True) + self.intercept_)
        return np.exp(prediction) if loss_of(self.loss, "regression").link == "exp" else prediction

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
