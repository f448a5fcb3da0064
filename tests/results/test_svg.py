"""Charts: numbers only, whatever the curves hold, and points where they belong."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from linnet.results.svg import BOTTOM, HEIGHT, LEFT, MARGIN, MOST_POINTS, RIGHT, TOP, WIDTH, Line, chart

HIGHEST, LOWEST, LAST = TOP + MARGIN, HEIGHT - BOTTOM - MARGIN, WIDTH - RIGHT - MARGIN


def points(picture: str) -> list[tuple[float, float]]:
    (way,) = re.findall(r'<polyline points="([^"]*)"', picture)
    return [tuple(map(float, pair.split(","))) for pair in way.split()]


def test_ends_of_a_curve_are_corners_of_the_picture() -> None:
    found = points(chart([Line([1, 2, 3], [5.0, 4.0, 1.0])]))
    second = ((LEFT + LAST) / 2, HIGHEST + (LOWEST - HIGHEST) / 4)
    assert found == [(LEFT, HIGHEST), second, (LAST, LOWEST)]


def test_many_decades_are_logarithmic() -> None:
    picture = chart([Line([0, 1, 2], [1.0, 10.0, 1000.0])])
    third = (LOWEST - HIGHEST) / 3
    assert [y for _, y in points(picture)] == pytest.approx([LOWEST, LOWEST - third, HIGHEST], abs=0.06)
    assert ">1e+03<" in picture and ">10<" in picture


def test_zero_lies_below_a_logarithmic_axis() -> None:
    found = points(chart([Line([0, 1, 2], [1.0, 0.0, 1000.0])]))
    assert (found[0], found[2]) == ((LEFT, LOWEST), (LAST, HIGHEST)) and found[1][1] > HEIGHT - BOTTOM


def test_long_curves_keep_their_extremes() -> None:
    values = [math.sin(i / 50) for i in range(10_000)]
    values[7777] = 9.0
    found = points(chart([Line(range(10_000), values)]))
    assert len(found) <= MOST_POINTS and min(y for _, y in found) == HIGHEST


@pytest.mark.parametrize(
    "values",
    [[math.nan] * 3, [1e308, -1e308, 0.0], [5e-324, 0.0, 1.0], [7.0, 7.0, 7.0], [math.inf, 1.0, math.nan], [], [0.0],
     [-1e-300, 0.0, 1e-300], [1e308, 5e-324, 1.0]],
)  # fmt: skip
def test_strange_numbers_draw_or_leave_out(values: list[float]) -> None:
    picture = chart([Line([2**53 - 5, 2**53, 0][: len(values)], values)])
    assert ("nan" in picture, "inf" in picture) == (False, False)
    assert (picture == "") == (not any(map(math.isfinite, values)))
    if picture:
        texts = [node.text for node in ElementTree.fromstring(picture).iter("text") if node.text != "step"]
        assert texts and all(math.isfinite(float(text)) for text in texts)
