"""The linear map, and the LightningModules over it."""

from linnet.models.network import LinearNetwork
from linnet.models.regression import LinearRegression
from linnet.models.softmax import SoftmaxRegression

__all__ = ["LinearNetwork", "LinearRegression", "SoftmaxRegression"]
