"""Result of a method, which `solve` completes to an `Optimum`."""

from typing import NamedTuple

from torch import Tensor


class Solution(NamedTuple):
    """Parameters and their proof; the fields mean what they mean in `Optimum`."""

    weight: Tensor
    bias: Tensor
    objective: float
    bound: float
    certificate: str
    unique: bool
    method: str
    iterations: int
    ray: tuple[Tensor, Tensor] | None = None
    attained: bool = True
