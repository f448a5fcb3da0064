"""Gordan's and Stiemke's theorem of alternatives, decided without rounding.

Of margins m_k either some direction v has all m_k·v ≥ 0 and one larger than 0, or there are λ_k > 0, all of them, with
Σ λ_k m_k = 0: never both, for Σ λ_k (m_k·v) would be 0 and larger. A simplex method in whole numbers finds one or the
other, and either is its own proof. Source: Mangasarian, Nonlinear Programming (1969), chapter 2.
"""

import numpy as np
from numpy.typing import NDArray

from linnet.solvers.exact_arithmetic.integer_margins import Margins, Whole
from linnet.solvers.exact_arithmetic.integer_systems import WholeBasis

PIVOTS = 2000


def direction_of_recession(margins: Margins) -> tuple[Whole, NDArray[np.bool_]]:
    """Find a direction `[C * D]` with all margins ≥ 0 and as many as possible > 0, and which these are; 0 if none.

    Of those that stay 0 along it, a combination with all λ > 0 vanishes, so that no other direction does better.

    Raises:
        ValueError: too many steps.
    """
    direction = np.full(int(np.prod(margins.shape)), 0, dtype=object)
    grows = np.zeros(len(margins), dtype=np.bool_)
    while not grows.all():
        found = _direction(margins.some(~grows))
        if found is None:
            break
        # Among the margins that the first direction left at 0, `found` lets some grow. The others have a reserve, which
        # a large enough multiple of the first direction does not let it use up.
        multiple = 1
        while True:
            both = direction * multiple + found
            signs, _ = margins.along(both)
            if (signs >= grows).all():  # at least 0, and above 0 where the first direction was
                break
            multiple = multiple * 2**32
        direction, grows = both, signs > 0
    return direction, grows


def _direction(margins: Margins) -> Whole | None:
    """Find a direction with all margins ≥ 0 and one larger; None if some λ > 0 have Σ λ_k m_k = 0.

    Phase 1 of the simplex method for λ = 1 + μ, μ ≥ 0: minimise the sum of artificial variables of Σ μ_k m_k = −Σ m_k.
    """
    right = -margins.total(np.full(len(margins), 1, dtype=object))
    sign = np.array([-1 if number < 0 else 1 for number in right], dtype=object)
    basis = WholeBasis(right * sign)  # in coordinates whose signs make the artificial variables positive
    bland = False
    for _ in range(PIVOTS):
        artificial = [place for place, column in enumerate(basis.columns) if column < 0]
        if not any(basis.solution[artificial]):
            return None
        prices = basis.table[artificial, :-1].sum(axis=0) * sign
        signs, size = margins.along(prices)
        if not (signs > 0).any():
            return np.asarray(-prices, dtype=object)
        # The lowest number only where a step was in vain: Bland's rule ends every cycle, but slowly.
        entering = int(np.flatnonzero(signs > 0)[0] if bland else np.where(signs > 0, size, -1.0).argmax())
        coordinates = basis.coordinates(margins.gradient(entering) * sign)
        place = _leaving(basis, coordinates)
        bland = basis.solution[place] == 0
        basis.exchange(place, entering, coordinates)
    raise ValueError(f"no decision after {PIVOTS} steps of the simplex method in exact arithmetic")


def _leaving(basis: WholeBasis, coordinates: Whole) -> int:
    """Return the leaving variable by the ratio test; of equals an artificial one, else the lowest (Bland)."""
    best = -1
    for place in range(len(coordinates)):
        if coordinates[place] <= 0:
            continue
        if best >= 0:
            ratio = basis.solution[place] * coordinates[best] - basis.solution[best] * coordinates[place]
            if ratio > 0 or (ratio == 0 and basis.columns[place] > basis.columns[best]):
                continue
        best = place
    assert best >= 0  # the sum of artificial variables is bounded below
    return best
