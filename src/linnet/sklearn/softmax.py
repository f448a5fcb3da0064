"""Softmax regression as a scikit-learn estimator."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import compute_class_weight
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from linnet.losses import Loss
from linnet.sklearn.exact import Fit, normalised, solve_exactly, tensor
from linnet.sklearn.examples import Floats, dense, example_weights
from linnet.sklearn.options import loss_of, number, penalty_of
from linnet.solvers.relative import Rows


class SoftmaxRegression(ClassifierMixin, BaseEstimator):
    """Softmax (multinomial logistic) regression, solved exactly with a certificate.

    Minimises F(W, b) = Σ_i w_i ℓ(W x_i + b, y_i) / Σ_i w_i + penalty(W), with one row of W per class and cross-entropy
    for ℓ. With N examples of weight 1 and three or more classes, scikit-learn's LogisticRegression(C) is penalty="l2"
    with strength = 1/(C N), and SGDClassifier's alpha is the strength. Of two classes scikit-learn penalises the
    difference of both rows d, where here ‖W‖² = ½‖d‖²: it is strength = 2/(C N) for "l2", and 1/(C N) for "l1".

    Args:
        penalty: None; "l2", strength/2 ‖W‖²; "l1", strength ‖W‖₁; or "elastic_net",
            strength (l1_ratio ‖W‖₁ + (1 − l1_ratio)/2 ‖W‖²). The intercept is never penalised.
        strength: of the penalty, in [0, inf).
        l1_ratio: of the elastic net, in [0, 1].
        loss: "cross_entropy", or a `linnet.losses.Loss` such as `CrossEntropy(label_smoothing=0.1)`.
        solver: "exact".
        tolerance: bound of F − inf F to prove, relative to the loss of equal probabilities, log(number of classes), in
            (0, inf). Small problems are solved to the last digits anyway.
        class_weight: None; "balanced", N / (number of classes × examples of the class); or a weight for each class as
            a dict. Examples are weighted by it, times their `sample_weight`.
        fit_intercept: whether there is a bias.
        standardize: whether to penalise coefficients of features of mean 0 and variance 1; `coef_` is for features as
            given either way.

    Attributes:
        classes_: the classes `[C]`, sorted.
        coef_: `[C, D]`, float64; of two classes `[1, D]`, those of the second less those of the first.
        intercept_: `[C]`, or `[1]`. Minus infinity for a class whose examples all have weight 0: its probability is 0.
        optimality_gap_: proven upper bound of F − inf F, rounding included; nan where nothing is proven.
        certificate_: the proof in words, or why there is none.
        n_iter_: iterations of the solver.
        n_features_in_, feature_names_in_: as everywhere in scikit-learn.

    Without a penalty, the loss of separable classes has no minimum: `fit` then warns by ConvergenceWarning and returns
    the coefficients of a penalty so small that their loss is near the infimum, by no more than `optimality_gap_`.
    """

    def __init__(
        self,
        *,
        penalty: str | None = "l2",
        strength: float = 1e-4,
        l1_ratio: float = 0.5,
        loss: str | Loss = "cross_entropy",
        solver: str = "exact",
        tolerance: float = 1e-6,
        class_weight: Any = None,
        fit_intercept: bool = True,
        standardize: bool = False,
    ) -> None:
        self.penalty = penalty
        self.strength = strength
        self.l1_ratio = l1_ratio
        self.loss = loss
        self.solver = solver
        self.tolerance = tolerance
        self.class_weight = class_weight
        self.fit_intercept = fit_intercept
        self.standardize = standardize

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "SoftmaxRegression":
        """Fit to features X `[N, D]` and classes y `[N]`, with weights `[N]` in [0, inf) or None.

        Raises:
            ValueError: data or parameters that are not admitted.
        """
        number("tolerance", self.tolerance, low=0, above=True)
        loss_of(self.loss, "classification")
        penalty_of(self.penalty, self.strength, self.l1_ratio)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32])
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        weight = self._example_weights(example_weights(sample_weight, X), X, y, classes, labels)
        kept = slice(None) if weight is None else weight > 0
        found = self._solve(
            dense(X[kept]), labels[kept], None if weight is None else normalised(weight[kept]), len(classes)
        )
        if found.warning:
            warnings.warn(found.warning, ConvergenceWarning, stacklevel=2)
        self.classes_ = classes
        return self

    def _example_weights(
        self, weight: Floats | None, X: Any, y: Any, classes: NDArray[Any], labels: NDArray[np.intp]
    ) -> Floats | None:
        """Return the product of weights of examples `[N]` and of their classes."""
        if self.class_weight is None:
            return weight
        of_class = compute_class_weight(self.class_weight, classes=classes, y=y, sample_weight=weight)
        both = of_class[labels] if weight is None else of_class[labels] * weight
        return example_weights(both, X)

    def _solve(self, x: NDArray[Any], labels: NDArray[np.intp], weight: Tensor | None, n_classes: int) -> Fit:
        """Solve for the classes that have an example of positive weight; the others have probability 0."""
        present, labels = np.unique(labels, return_inverse=True)
        found = solve_exactly(
            Rows(tensor(x), tensor(labels.astype(np.int64, copy=False)), weight),
            loss_of(self.loss, "classification"), penalty_of(self.penalty, self.strength, self.l1_ratio), len(present),
            fit_intercept=self.fit_intercept, standardize=self.standardize, tolerance=float(self.tolerance),
        )  # fmt: skip
        coefficients, intercept = np.zeros((n_classes, x.shape[1])), np.full(n_classes, -np.inf)
        coefficients[present], bias = found.weight.numpy(), found.bias.numpy()
        intercept[present] = bias - bias.mean()  # a common shift changes no probability
        if n_classes == 2:
            coefficients, intercept = coefficients[1:] - coefficients[:1], intercept[1:] - intercept[:1]
        self.coef_, self.intercept_ = coefficients, intercept
        self.optimality_gap_, self.certificate_, self.n_iter_ = found.gap, found.certificate, found.iterations
        return found

    def decision_function(self, X: Any) -> Floats:
        """Return logits `[N, C]` of features X `[N, D]`; of two classes `[N]`, the log odds of the second."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        logits: Floats = np.asarray(safe_sparse_dot(X, self.coef_.T, dense_output=True) + self.intercept_)
        return logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row of X `[N, D]`: `[N]`."""
        logits = self.decision_function(X)
        chosen = (logits > 0).astype(np.intp) if logits.ndim == 1 else logits.argmax(1)
        return np.asarray(self.classes_[chosen])

    def predict_proba(self, X: Any) -> Floats:
        """Return the probability of each class, in the order of `classes_`: `[N, C]`."""
        logits = self.decision_function(X)
        if logits.ndim == 1:
            return np.column_stack([expit(-logits), expit(logits)])
        return np.asarray(softmax(logits, axis=1))

    def predict_log_proba(self, X: Any) -> Floats:
        """Return the logarithm of each class's probability, `[N, C]`, right where the probability underflows."""
        logits = self.decision_function(X)
        if logits.ndim == 1:
            return np.column_stack([log_expit(-logits), log_expit(logits)])
        return np.asarray(log_softmax(logits, axis=1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
