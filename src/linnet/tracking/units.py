"""The units that a run trained in, of standardised features and centred targets, and those of its data. No torch."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from linnet.data import Data

Floats = NDArray[np.float64]


def units(data: "Data") -> dict[str, list[float | None] | None]:
    """Return the part of a predictor's specification that says in which units features and targets were trained on."""
    scaling, offset = data.scaling, data.offset
    return {
        "mean": None if scaling is None else scaling.mean.tolist(),
        "deviation": None if scaling is None else [_finite(number) for number in scaling.deviation.tolist()],
        "target_offset": None if offset is None else offset.tolist(),
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None  # JSON has no infinity


def in_units_of_data(weight: Floats, bias: Floats, node: dict[str, Any]) -> tuple[Floats, Floats]:
    """Return weight `[…, C, D]` and bias `[…, C]` for features and targets as they came, of what was trained on.

    Args:
        weight, bias: for standardised features and centred targets.
        node: a decoded specification of a predictor, whose units are used up.

    Raises:
        ValueError: they are of another number of features or outputs.
    """
    means, deviations, offset = node.pop("mean"), node.pop("deviation"), node.pop("target_offset", None)
    if means is not None:
        mean = np.array(means, np.float64)
        deviation = np.array([math.inf if number is None else number for number in deviations], np.float64)
        if not mean.shape == deviation.shape == weight.shape[-1:]:
            raise ValueError(f"{mean.size} means and {deviation.size} deviations for {weight.shape[-1]} features")
        weight = weight / deviation
        bias = bias - weight @ mean
    if offset is not None:
        if len(offset) != bias.shape[-1]:
            raise ValueError(f"{len(offset)} offsets of targets for {bias.shape[-1]} outputs")
        bias = bias + np.array(offset, np.float64)
    return weight, bias
