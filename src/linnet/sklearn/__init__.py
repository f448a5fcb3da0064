"""scikit-learn estimators: linear and softmax regression, solved exactly and with a certificate."""

from linnet.sklearn.regression import LinearRegression as LinearRegression
from linnet.sklearn.softmax import SoftmaxRegression as SoftmaxRegression

__all__ = ["LinearRegression", "SoftmaxRegression"]
