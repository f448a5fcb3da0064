"""Whether classes are separable is never wrong, however little is between them."""

import os
import sys
from pathlib import Path

import mpmath
import pytest

from linnet.data import Examples
from linnet.losses import CrossEntropy
from linnet.optimum import solve
from linnet.penalties import NoPenalty

sys.path.insert(0, str(Path(__file__).parent))
from near_separable import draw, logistic_infimum

CASES = int(os.environ.get("LINNET_CASES", "60"))


@pytest.mark.parametrize("seed", range(CASES))
def test_constructed_problem(seed):
    case = draw(seed)
    found = solve(Examples(case.x, case.y), CrossEntropy(), NoPenalty(), bias=case.bias)
    assert found.attained == (case.verdict == "overlap"), (case.name, found.certificate)
    if case.objective is None:
        weight, offset = found.weight[1] - found.weight[0], float(found.bias[1] - found.bias[0])
        infimum = logistic_infimum(case.x, case.y, case.bias, weight, offset)
    else:
        infimum = mpmath.mpf(case.objective)
    # The proof in words: the infimum lies in [objective − bound, objective], but for the rounding of the reference.
    tiny = 1e-16 * abs(infimum)
    assert found.objective - found.bound <= infimum + tiny, (case.name, found)
    assert infimum <= found.objective + found.bound + tiny, (case.name, found)
    assert found.bound <= 1e-8, (case.name, found)
