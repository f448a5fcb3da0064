"""Data sources: a function that returns features and targets; its arguments are options."""

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt

BASE, PER_SQUARE_METRE, PER_ROOM = 50.0, 3.0, 10.0  # thousands


def prices(n: Annotated[int, Gt(0)] = 500, noise: Annotated[float, Ge(0)] = 10.0, *, seed: int):
    """Return area and rooms of flats [n, 2] and their prices [n], n for training and as many for the test.

    The seed is that of the run: `seed=1` makes other flats.
    """
    rng = np.random.default_rng(seed)
    return {"train": _flats(rng, n, noise), "test": _flats(rng, n, noise)}  # validation examples are drawn from train


prices.task = "regression"


def _flats(rng: np.random.Generator, n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Return features and prices: 50 + 3 area + 10 rooms + noise · N(0, 1)."""
    area, rooms = rng.uniform(30, 150, n), rng.integers(1, 6, n)
    price = BASE + PER_SQUARE_METRE * area + PER_ROOM * rooms + noise * rng.normal(size=n)
    return np.column_stack([area, rooms]), price
