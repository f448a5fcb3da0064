"""Arrays of an estimator's user as the solvers take them."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

Floats = NDArray[np.float64]


def example_weights(sample_weight: Any, x: Any) -> Floats | None:
    """Return weights `[N]` in float64, or None where all count the same.

    Raises:
        ValueError: they are not N finite numbers of at least 0, of which one is above 0.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.full(x.shape[0], sample_weight, dtype=np.float64)
    weight: Floats = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weight.shape != (x.shape[0],):
        raise ValueError(f"sample_weight is {list(weight.shape)}: expected [{x.shape[0]}], one weight per row of X")
    if (weight < 0).any():
        raise ValueError(f"sample_weight holds {weight.min():g}: weights must be in [0, inf)")
    if not weight.any():
        raise ValueError("sample_weight is zero throughout: at least one weight must be above zero")
    return None if (weight == weight[0]).all() else weight
