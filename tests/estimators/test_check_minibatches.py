"""scikit-learn's own checks of estimators that take steps, partial_fit included; none is expected to fail."""

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from linnet.sklearn import LinearRegression, SoftmaxRegression


@parametrize_with_checks([LinearRegression(solver="adam"), SoftmaxRegression(solver="adam", lr=0.1)])
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)
