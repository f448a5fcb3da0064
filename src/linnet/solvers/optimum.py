"""Result of a solver: parameters, and a bound on their suboptimality."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Optimum:
    """Best parameters found, with a proven bound on their suboptimality.

    The objective F is the mean loss plus the penalty. F* = inf F lies in [lower, objective]; `suboptimality_bound` is
    the width of that interval and includes an allowance for rounding in float64. Where F* is approached only by
    parameters without limit (`attained` is False), there is no optimum: weight and bias are NaN, and
    objective is the infimum itself.

    Attributes:
        weight: `[C, D]`, float64.
        bias: `[C]`, float64; zeros where the model has none.
        objective: F at these parameters, or F* where it is not attained.
        suboptimality_bound: proven upper bound of objective − F*; at least 0, and inf where nothing is proven.
        certificate: the proof, in words, with what it takes for granted.
        unique: whether no other weight has objective F*, proven; False says only that there is no proof.
        method: the solver.
        iterations: of the solver.
        ray: where F* is not attained, the weight `[C, D]` and bias `[C]` of a direction along which no example's loss
            rises and some fall for ever.
        attained: False where no finite parameters reach F*.
        seconds: of wall-clock time, proof included; 0 of a part of the problem.
    """

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
    seconds: float = 0.0

    @property
    def lower(self) -> float:
        """The proven lower bound of F*, objective − suboptimality_bound."""
        return self.objective - self.suboptimality_bound
