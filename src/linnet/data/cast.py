"""Prepare examples for training: standardise and centre in float64, round last."""

import torch
from torch import Tensor

from linnet.data.standardizer import Standardizer
from linnet.data.storage.examples import ByteExamples, Examples
from linnet.data.storage.float16_examples import Float16Examples
from linnet.data.storage.out_of_core_examples import OutOfCoreExamples
from linnet.system.errors import InputError


def prepared(examples: Examples, scaling: Standardizer | None, offset: Tensor | None, dtype: torch.dtype) -> Examples:
    """Return examples with standardised features, and targets minus offset.

    Args:
        examples: one part of the data.
        scaling: None: features stay as they are.
        offset: `[C]` float64, of regression; None: targets stay as they are.
        dtype: of features, of weights, and of targets that are numbers; those in files keep their own.

    Raises:
        InputError: dtype cannot hold a number.
    """
    if isinstance(examples, OutOfCoreExamples):
        return examples.prepared(scaling, offset)
    y = examples.y
    if y.is_floating_point():
        y = _rounded("a target", y if offset is None else y.double() - offset, dtype)
    if isinstance(examples, Float16Examples):
        return examples.prepared(scaling, y, dtype)
    if scaling is None:
        if isinstance(examples, ByteExamples):
            return examples
        x = _rounded("a feature", examples.x, dtype)
    elif isinstance(examples, ByteExamples):
        x = Standardizer(scaling.mean / examples.byte_scale, scaling.deviation / examples.byte_scale).apply(
            examples.levels, dtype
        )
    else:
        x = scaling.apply(examples.x, dtype)
    weight = examples.weight
    if x is examples.x and y is examples.y and (weight is None or weight.dtype == dtype):
        return examples
    return Examples(x, y, None if weight is None else weight.to(dtype))


def _rounded(what: str, values: Tensor, dtype: torch.dtype) -> Tensor:
    if values.dtype == dtype:
        return values
    found = values.to(dtype)
    if dtype == torch.float32 and bool(found.isinf().any()):
        worst = float(values.abs().max())
        raise InputError(f"{what} of {worst:g} is too large for data.dtype=float32: use data.dtype=float64")
    return found
