"""Random training problems of the kinds that break a solver, each a function of its number alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LOSSES = ("squared_error", "gaussian_nll", "huber", "absolute_error", "poisson_nll", "cross_entropy", "label_smoothing")
PENALTIES = ("none", "l1", "l2", "elastic_net")
FEATURES = ("plain", "scales", "offsets", "collinear", "duplicated", "heavy", "scales and offsets")
L1_RATIO = 0.5
SIGMA, DELTA, SMOOTHING = 0.5, 1.0, 0.1


@dataclass(frozen=True)
class Drawn:
    """A training set, and what is to be minimised on it.

    x: `[N, D]`; y: `[N]` numbers, or classes from 0; weight: of the examples `[N]`, or None.
    features: the kind that x is of. strength: of the penalty.
    """

    number: int
    x: Floats
    y: NDArray[Any]
    weight: Floats | None
    loss: str
    penalty: str
    strength: float
    features: str

    @property
    def classes(self) -> bool:
        return self.loss in ("cross_entropy", "label_smoothing")

    @property
    def overrides(self) -> list[str]:
        """Of the command line, for the loss and the penalty."""
        name = "cross_entropy" if self.classes else self.loss
        words = [f"loss={name}", f"penalty={self.penalty}"]
        if self.loss == "label_smoothing":
            words.append(f"loss.label_smoothing={SMOOTHING}")
        if self.loss == "gaussian_nll":
            words.append(f"loss.sigma={SIGMA}")
        if self.penalty != "none":
            words.append(f"penalty.strength={self.strength!r}")
        return words

    def __str__(self) -> str:
        weighted = "" if self.weight is None else ", weighted"
        return f"problem {self.number}: {self.loss}, {self.penalty} {self.strength:.1e}, {self.features}{weighted}"


def draw(number: int) -> Drawn:
    """Draw a problem; losses, penalties and kinds of features take their turns, so that all combinations occur."""
    rng = np.random.default_rng([15, number])
    loss = LOSSES[number % 7]
    penalty = PENALTIES[number // 7 % 4]
    features = FEATURES[rng.integers(len(FEATURES))]
    n, d = int(rng.integers(8, 31)), int(rng.integers(1, 5))
    hidden = rng.standard_normal((n, d))
    if features == "heavy":
        hidden = rng.standard_cauchy((n, d))
        hidden[rng.integers(n), rng.integers(d)] = 1e7
    z = np.clip(hidden, -5, 5) @ rng.standard_normal(d)
    y = _targets(rng, loss, z, hidden)
    if features == "duplicated":
        hidden = np.column_stack([hidden, hidden[:, rng.integers(d)]])
    if features == "collinear":
        noise = 10.0 ** -rng.integers(1, 17) * rng.standard_normal(n)
        hidden = np.column_stack([hidden, hidden @ rng.standard_normal(d) + noise])
    x = hidden
    if features.startswith("scales"):
        x = x * 10.0 ** rng.uniform(-8, 12, x.shape[1])
    if features.endswith("offsets"):
        x = x + rng.choice([-1, 1], x.shape[1]) * 10.0 ** rng.uniform(0, 12, x.shape[1]) * np.abs(x).max(0)
    weight = 10.0 ** rng.uniform(-6, 6, n) if rng.random() < 0.25 else None
    strength = float(10.0 ** rng.uniform(-5, 0))
    return Drawn(number, x, y, weight, loss, penalty, strength, features)


def _targets(rng: np.random.Generator, loss: str, z: Floats, hidden: Floats) -> NDArray[Any]:
    """Draw targets that z predicts in part; brings two neighbours of near-separable classes together in `hidden`."""
    n = len(z)
    if loss in ("cross_entropy", "label_smoothing"):
        n_classes = int(rng.integers(2, 4))
        if rng.random() < 0.5:  # separable along the first column, up to one pair of neighbours
            order = np.argsort(hidden[:, 0])
            y = np.zeros(n, dtype=np.int64)
            y[order] = np.arange(n) * n_classes // n
            middle = int(np.searchsorted(y[order], 1))
            if rng.random() < 0.7:
                y[order[middle - 1]], y[order[middle]] = y[order[middle]], y[order[middle - 1]]
                gap = 10.0 ** -rng.integers(0, 13)
                hidden[order[middle], 0] = hidden[order[middle - 1], 0] + gap
            return y
        y = np.digitize(z + rng.logistic(size=n), np.quantile(z, np.arange(1, n_classes) / n_classes)).astype(np.int64)
        y[:n_classes] = np.arange(n_classes)  # every class occurs
        return y
    if loss == "poisson_nll":
        return rng.poisson(np.exp(np.clip(z, -3, 5))).astype(np.float64)
    noise = rng.standard_normal(n) if rng.random() < 0.7 else rng.standard_cauchy(n)
    y = z + 10.0 ** rng.uniform(-6, 1) * noise
    if rng.random() < 0.3:
        y = y * 10.0 ** rng.uniform(-8, 12)
    if rng.random() < 0.3:
        y = y + 10.0 ** rng.uniform(0, 12) * rng.choice([-1, 1])
    return y
