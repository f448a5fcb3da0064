"""Intervals that hyperparameters must lie in, and the one-line error when they do not."""

import math
from dataclasses import dataclass
from numbers import Integral, Real

import torch
from torch import Tensor


@dataclass(frozen=True)
class Interval:
    """An interval of finite real numbers, or of integers when `integer` is set."""

    low: float
    high: float
    includes_low: bool = False
    includes_high: bool = False
    integer: bool = False

    def __str__(self) -> str:
        opening, closing = "[" if self.includes_low else "(", "]" if self.includes_high else ")"
        return f"{opening}{self.low:g}, {self.high:g}{closing}"

    def check(self, name: str, value: object) -> None:
        """Refuse a value outside the interval.

        Args:
            name: what the value is called in the configuration.
            value: one number, or a tensor of shape `[K]` with one number per model.

        Raises:
            ValueError: `value` is no number (or tensor of numbers), is NaN or infinite, or lies outside.
        """
        if isinstance(value, Tensor):
            is_numeric = not self.integer and value.dim() <= 1 and value.dtype != torch.bool
            inside = is_numeric and all(self._contains(entry) for entry in value.reshape(-1).tolist())
        elif isinstance(value, bool):  # an int to Python, a mistake here
            inside = False
        else:
            inside = isinstance(value, Integral if self.integer else Real) and self._contains(float(value))
        if not inside:
            kind = "an integer" if self.integer else "a number"
            shown = value.tolist() if isinstance(value, Tensor) else value
            raise ValueError(f"{name} must be {kind} in {self}, got {shown!r}")

    def _contains(self, number: float) -> bool:
        if not math.isfinite(number):
            return False
        above = number >= self.low if self.includes_low else number > self.low
        below = number <= self.high if self.includes_high else number < self.high
        return above and below


POSITIVE = Interval(0, math.inf)
NON_NEGATIVE = Interval(0, math.inf, includes_low=True)
POSITIVE_INTEGER = Interval(1, math.inf, includes_low=True, integer=True)
UNIT = Interval(0, 1, includes_low=True, includes_high=True)
OPEN_UNIT = Interval(0, 1)
POSITIVE_UNIT = Interval(0, 1, includes_high=True)
DECAY = Interval(0, 1, includes_low=True)  # of a running average: 1 would never let anything new in
