"""Softmax regression as a scikit-learn estimator."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import compute_class_weight
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from linnet.losses import Loss
from linnet.optimizers import Exact, Optimizer
from linnet.sklearn.base import DTYPES, LinearModel, features, learns
from linnet.sklearn.exact import Fit, normalised, tensor
from linnet.sklearn.examples import Floats, example_weights
from linnet.sklearn.options import InvalidParameter
from linnet.solvers.relative import Rows


class SoftmaxRegression(ClassifierMixin, LinearModel):
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
        solver: "exact"; or an optimizer of minibatches: "sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad", …,
            or a `linnet.optimizers.Optimizer`. Weights are then those of `linnet train` with the same options and
            data.val_fraction=0, and `partial_fit` exists.
        lr: learning rate of an optimizer named by text; None: its own default.
        max_epochs, batch_size: passes over the examples, and examples per step; not of "exact".
        tolerance: bound of F − inf F to prove, relative to the loss of equal probabilities, log(number of classes), in
            (0, inf). Small problems are solved to the last digits anyway.
        class_weight: None; "balanced", N / (number of classes × examples of the class); or a weight for each class as
            a dict. Examples are weighted by it, times their `sample_weight`.
        fit_intercept: whether there is a bias.
        standardize: whether to penalise coefficients of features of mean 0 and variance 1; `coef_` is for features as
            given either way.
        random_state: seed of the initial weights and of the order of minibatches; with a whole number all is the same
            every time.
        run_dir: directory, which must not exist, of a tracked run that fits the model; None: no file is written. Its
            own tolerance is 1e-12.

    Attributes:
        classes_: the classes `[C]`, sorted.
        coef_: `[C, D]`, float64; of two classes `[1, D]`, those of the second less those of the first.
        intercept_: `[C]`, or `[1]`. Minus infinity for a class whose examples all have weight 0: its probability is 0.
        optimality_gap_: proven upper bound of F − inf F, rounding included; nan where nothing is proven.
        certificate_: the proof in words, or why there is none.
        n_iter_: iterations of the solver, or epochs.
        n_features_in_, feature_names_in_: as everywhere in scikit-learn.

    Without a penalty, the loss of separable classes has no minimum: `fit` then warns by ConvergenceWarning and returns
    the coefficients of a penalty so small that their loss is near the infimum, by no more than `optimality_gap_`.
    """

    task = "classification"

    def __init__(
        self,
        *,
        penalty: str | None = "l2",
        strength: float = 1e-4,
        l1_ratio: float = 0.5,
        loss: str | Loss = "cross_entropy",
        solver: str | Optimizer = "exact",
        lr: float | None = None,
        max_epochs: int = 20,
        batch_size: int = 32,
        tolerance: float = 1e-6,
        class_weight: Any = None,
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
        self.class_weight = class_weight
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.random_state = random_state
        self.run_dir = run_dir

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "SoftmaxRegression":
        """Fit to features X `[N, D]` and classes y `[N]`, with weights `[N]` in [0, inf) or None.

        Raises:
            ValueError: data or parameters that are not admitted.
        """
        optimizer = self._parts()[2]
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=DTYPES)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        weight = self._example_weights(example_weights(sample_weight, X), X, y, labels)
        if weight is not None:
            X, labels = X[weight > 0], labels[weight > 0]
        present = np.arange(len(self.classes_))
        if isinstance(optimizer, Exact) or self.run_dir is not None:
            # In the limit, classes without an example of positive weight have probability 0.
            present, labels = np.unique(labels, return_inverse=True)
        rows = Rows(
            features(X), tensor(labels.astype(np.int64, copy=False)),
            None if weight is None else normalised(weight[weight > 0]),
        )  # fmt: skip
        self._set(self._fit_rows(rows, len(present)), present)
        return self

    @available_if(learns)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> "SoftmaxRegression":
        """Take one pass over the rows, in minibatches, from where the last call of `fit` or `partial_fit` ended.

        Args:
            X, y: as of `fit`.
            classes: all that there are; wanted in the first call.
            sample_weight: weights count as they are, not in relation to their mean.

        Raises:
            ValueError: as of `fit`, or classes that are not those of the first call.
        """
        self._parts()
        if self.class_weight == "balanced":
            raise InvalidParameter("class_weight='balanced' needs all examples at once: give a weight for each class")
        first = getattr(self, "_learner", None) is None
        self._set_classes(classes, first)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=DTYPES, reset=first)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y holds {unknown[0]!r}, which is none of the classes {list(self.classes_)}")
        labels = np.searchsorted(self.classes_, y)
        if first:
            self._begin(X, len(self.classes_))
        weight = self._example_weights(example_weights(sample_weight, X), X, self.classes_, labels)
        found = self._pass(features(X), tensor(labels.astype(np.int64, copy=False)), weight)
        self._set(found, np.arange(len(self.classes_)))
        return self

    def _set_classes(self, classes: Any, first: bool) -> None:
        """Set the classes in the first call of `partial_fit`, and compare them in others."""
        if classes is None:
            if first:
                raise ValueError("classes must be given in the first call of partial_fit")
            return
        found = np.unique(classes)
        if not first and not np.array_equal(found, self.classes_):
            raise ValueError(f"classes are {list(found)}, and were {list(self.classes_)} before")
        self.classes_ = found

    def _example_weights(self, weight: Floats | None, X: Any, y: Any, labels: NDArray[np.intp]) -> Floats | None:
        """Return the product of weights of examples `[N]` and of their classes."""
        if self.class_weight is None:
            return weight
        of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y, sample_weight=weight)
        return example_weights(of_class[labels] if weight is None else of_class[labels] * weight, X)

    def _set(self, found: Fit, present: NDArray[np.intp]) -> None:
        """Set the fitted attributes from coefficients of the classes of these numbers."""
        if found.warning:
            warnings.warn(found.warning, ConvergenceWarning, stacklevel=3)
        n_classes, bias = len(self.classes_), found.bias.numpy()
        coefficients, intercept = np.zeros((n_classes, found.weight.shape[1])), np.full(n_classes, -np.inf)
        coefficients[present] = found.weight.numpy()
        intercept[present] = bias - bias.mean()  # a common shift changes no probability
        if n_classes == 2:
            coefficients, intercept = coefficients[1:] - coefficients[:1], intercept[1:] - intercept[:1]
        self.coef_, self.intercept_ = coefficients, intercept
        self.optimality_gap_, self.certificate_, self.n_iter_ = found.gap, found.certificate, found.iterations

    def decision_function(self, X: Any) -> Floats:
        """Return logits `[N, C]` of features X `[N, D]`; of two classes `[N]`, the log odds of the second."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=DTYPES, reset=False)
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
