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
        """`0.8325 ± 0.0003 (3)`: four digits of the mean, more where the deviation is smaller than that."""
        if self.std is None:
            return f"{self.mean:.4g}"
        places = max(_places(self.mean, 4), _places(self.std, 1), 0)
        if places > MOST_PLACES:
            return f"{self.mean:.4g} ± {self.std:.1g} ({self.n})"
        return f"{self.mean:.{places}f} ± {self.std:.{places}f} ({self.n})"


def spread(values: Sequence[float]) -> Spread | None:
    """Mean and sample standard deviation of finite values; None of no values."""
    if not values:
        return None
    return Spread(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, len(values))


def _places(value: float, digits: int) -> int:
    """Decimal places that show so many significant digits."""
    return digits - 1 - math.floor(math.log10(abs(value))) if value else 0
