"""Thinned curves: points that were logged, with the first, the last and every extreme."""

import math

from hypothesis import given, settings, strategies as st

from linnet.comparison.report.thinning import thinned


@given(st.lists(st.floats(), max_size=300), st.integers(4, 50))
@settings(max_examples=60)
def test_extremes_and_ends_are_kept(values: list[float], most: int) -> None:
    steps = list(range(len(values)))
    x, y, logged = thinned(steps, values, most)
    finite = [(step, value) for step, value in zip(steps, values, strict=True) if math.isfinite(value)]
    assert logged == len(finite)
    drawn = list(zip(x, y, strict=True))
    assert drawn == sorted(set(drawn)) and set(drawn) <= set(finite) and len(drawn) <= most + 2
    if finite:
        assert drawn[0] == finite[0] and drawn[-1] == finite[-1]
        assert {min(y), max(y)} == {min(value for _, value in finite), max(value for _, value in finite)}
    if len(finite) <= most:
        assert drawn == finite


def test_steps_are_put_in_order() -> None:
    assert thinned([3, 1, 2], [0.3, 0.1, 0.2]) == ([1, 2, 3], [0.1, 0.2, 0.3], 3)
