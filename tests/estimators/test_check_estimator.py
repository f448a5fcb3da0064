"""scikit-learn's own checks of what an estimator promises, dense and sparse; none is expected to fail."""

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from linnet.sklearn import LinearRegression, SoftmaxRegression


@parametrize_with_checks([LinearRegression(), SoftmaxRegression()])
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)
