"""Mean and standard deviation over seeds."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MOST_PLACES = 7  # digits after the point, beyond which an exponent is easier to read


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (of n − 1; None for a single value) of n values."""

    mean: float
    std: float | None
    n: int

    def __str__(self) -> str:
        """Return `0.8325 ± 0.0003 (3)`: four digits of the mean, more where the deviation is smaller than that."""
        std = self.std or 0.0
        places = max(_places(self.mean, 4), _places(std, 1), 0)
        mean, std_shown = (
            (f"{self.mean:.{places}f}", f"{std:.{places}f}")
            if places <= MOST_PLACES
            else (f"{self.mean:.4g}", f"{std:.1g}")
        )
        return mean if self.std is None else f"{mean} ± {std_shown} ({self.n})"


def spread(values: Sequence[float]) -> Spread | None:
    """Return mean and sample standard deviation of finite values; None of no values."""
    if not values:
        return None
    return Spread(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, len(values))


def _places(value: float, digits: int) -> int:
    """Return the number of decimal places that shows so many significant digits."""
    return digits - 1 - math.floor(math.log10(abs(value))) if value else 0
