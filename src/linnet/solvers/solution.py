"""Result of one method; `solve` completes it to an `Optimum`."""

from typing import NamedTuple

from torch import Tensor


class Solution(NamedTuple):
    """Parameters and their proof; fields as in `Optimum`."""

    weight: Tensor
    bias: Tensor
    objective: float
    suboptimality_bound: float
    certificate: str
    unique: bool
    method: str
    iterations: int
    ray: tuple[Tensor, Tensor] | None = None
    attained: bool = True
