"""Linear regression as a scikit-learn estimator."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from linnet.losses import Loss
from linnet.optimizers import Optimizer
from linnet.sklearn.base import DTYPES, LinearModel, features, learns
from linnet.sklearn.exact import Fit, normalised, tensor
from linnet.sklearn.examples import Floats, example_weights
from linnet.sklearn.options import loss_of
from linnet.solvers.relative import Rows


class LinearRegression(MultiOutputMixin, RegressorMixin, LinearModel):
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
        solver: "exact"; or an optimizer of minibatches: "sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad", …,
            or a `linnet.optimizers.Optimizer`. Weights are then those of `linnet train` with the same options and
            data.val_fraction=0, and `partial_fit` exists.
        lr: learning rate of an optimizer named by text; None: its own default.
        max_epochs, batch_size: passes over the examples, and examples per step; not of "exact".
        tolerance: bound of F − inf F to prove, relative to the loss of predicting the mean (0 without an intercept),
            in (0, inf). Small problems, and squared error without an l1 part, are solved to the last digits anyway.
        fit_intercept: whether there is a bias.
        standardize: whether to penalise coefficients of features of mean 0 and variance 1; `coef_` is for features as
            given either way.
        random_state: seed of the initial weights and of the order of minibatches; with a whole number all is the same
            every time.
        run_dir: directory, which must not exist, of a tracked run that fits the model; None: no file is written. Its
            own tolerance is 1e-12.

    Attributes:
        coef_: `[D]`, or `[C, D]` where y is `[N, C]`; float64. Of many best ones without a penalty, those of least ‖W‖.
        intercept_: a float, or `[C]`.
        optimality_gap_: proven upper bound of F − inf F, rounding included; nan where nothing is proven.
        certificate_: the proof in words, or why there is none.
        n_iter_: iterations of the solver, or epochs.
        n_features_in_, feature_names_in_: as everywhere in scikit-learn.
    """

    task = "regression"

    def __init__(
        self,
        *,
        penalty: str | None = None,
        strength: float = 1e-4,
        l1_ratio: float = 0.5,
        loss: str | Loss = "squared_error",
        solver: str | Optimizer = "exact",
        lr: float | None = None,
        max_epochs: int = 20,
        batch_size: int = 32,
        tolerance: float = 1e-6,
        fit_intercept: bool = True,
        standardize: bool = False,
        random_state: Any = 0,
        run_dir: Any = None,
    ) -> None:
        self.penalty = penalty
        self.strength = strength
        self.l1_ratio = l1_ratio
        self.loss = loss
        self.solver = solver
        self.lr = lr
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.tolerance = tolerance
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.random_state = random_state
        self.run_dir = run_dir

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "LinearRegression":
        """Fit to features X `[N, D]` and targets y `[N]` or `[N, C]`, with weights `[N]` in [0, inf) or None.

        Raises:
            ValueError: data or parameters that are not admitted, or counts of a Poisson regression that are all 0.
        """
        self._parts()
        X, targets, weight, one = self._rows(X, y, sample_weight)
        kept = slice(None) if weight is None else weight > 0
        rows = Rows(
            features(X[kept]), tensor(targets[kept]), None if weight is None else normalised(weight[kept])
        )  # fmt: skip
        self._set(self._fit_rows(rows, targets.shape[1]), one)
        return self

    @available_if(learns)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "LinearRegression":
        """Take one pass over the rows, in minibatches, from where the last call of `fit` or `partial_fit` ended.

        Arguments and errors as of `fit`; weights count as they are, not in relation to their mean.
        """
        self._parts()
        first = getattr(self, "_learner", None) is None
        X, targets, weight, one = self._rows(X, y, sample_weight, reset=first)
        if first:
            self._begin(X, targets.shape[1])
        elif targets.shape[1] != self._learner.n_outputs:
            raise ValueError(f"y has {targets.shape[1]} columns, and had {self._learner.n_outputs} before")
        self._set(self._pass(features(X), tensor(targets), weight), one)
        return self

    def _rows(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool = True
    ) -> tuple[Any, Floats, Floats | None, bool]:
        """Return checked features, targets `[N, C]`, weights, and whether there is one target `[N]`."""
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=DTYPES, multi_output=True, y_numeric=True, reset=reset
        )
        targets = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        # Numbers to predict are float64, and so are the features that they are predicted from.
        return X.astype(np.float64, copy=False), targets, example_weights(sample_weight, X), y.ndim == 1

    def _set(self, found: Fit, one: bool) -> None:
        """Set the fitted attributes; one: of a single target `[N]`."""
        if found.warning:
            warnings.warn(found.warning, ConvergenceWarning, stacklevel=3)
        coefficients, bias = found.weight.numpy(), found.bias.numpy()
        self.coef_ = coefficients[0] if one else coefficients
        self.intercept_ = float(bias[0]) if one else bias
        self.optimality_gap_, self.certificate_, self.n_iter_ = found.gap, found.certificate, found.iterations

    def predict(self, X: Any) -> Floats:
        """Return the expected targets of features X `[N, D]`, `[N]` or `[N, C]`: of Poisson regression the rates."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=DTYPES, reset=False)
        prediction = np.asarray(safe_sparse_dot(X, self.coef_.T, dense_output=True) + self.intercept_)
        return np.exp(prediction) if loss_of(self.loss, "regression").link == "exp" else prediction
