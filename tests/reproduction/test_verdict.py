"""How much is how different."""

import math

import pytest
from hypothesis import given, strategies as st

from linnet.config.metric_names import HIGH, LOW
from linnet.reproduction.verdict import RELATIVE, Tolerance, same_bits, worst

FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)
LOOSE = Tolerance(sizes={"test": 1000, "val": 100})


class TestSameBits:
    @pytest.mark.parametrize(("a", "b"), [(0.0, -0.0), (1.0, 1.0 + 2**-52), (None, 0.0), (0.0, None)])
    def test_tells_what_equality_may_not(self, a, b):
        assert not same_bits(a, b)

    @pytest.mark.parametrize("a", [None, math.nan, math.inf, -0.0, 0.1])
    def test_of_a_number_with_itself(self, a):
        assert same_bits(a, a)


class TestTolerance:
    @given(FLOATS)
    def test_identical_is_identical_however_strict(self, value):
        assert Tolerance(0.0, exact=True).judge("test/loss", value, value) == "identical"

    @given(FLOATS, FLOATS)
    def test_is_symmetric(self, a, b):
        assert LOOSE.judge("test/loss", a, b) == LOOSE.judge("test/loss", b, a)

    @pytest.mark.parametrize(("factor", "verdict"), [(0.9, "within tolerance"), (1.1, "different")])
    def test_is_relative(self, factor, verdict):
        for scale in (1.0, -1.0, 1e6):
            assert LOOSE.judge("train/loss", scale * 100.0, scale * 100.0 * (1 + factor * RELATIVE)) == verdict

    def test_of_nearly_nothing_is_absolute(self):
        assert LOOSE.judge("train/loss", 1e-9, 1e-7) == "within tolerance"
        assert Tolerance(rounding=2.0**-52).judge("train/loss", 1e-9, 1e-7) == "different"

    @pytest.mark.parametrize("key", ["accuracy", "top2_accuracy", f"accuracy{LOW}", f"accuracy{HIGH}"])
    def test_of_a_share_is_three_examples(self, key):
        assert LOOSE.judge(f"test/{key}", 0.900, 0.903) == "within tolerance"
        assert LOOSE.judge(f"test/{key}", 0.900, 0.904) == "different"
        assert LOOSE.judge(f"val/{key}", 0.90, 0.93) == "within tolerance"

    @pytest.mark.parametrize("key", ["macro_f1", "calibration_error"])
    def test_an_example_counts_in_two_classes_or_bins(self, key):
        assert LOOSE.judge(f"test/{key}", 0.900, 0.906) == "within tolerance"
        assert LOOSE.judge(f"test/{key}", 0.900, 0.907) == "different"

    def test_of_a_loss_is_not_that_of_a_share(self):
        assert LOOSE.judge("test/nll", 0.900, 0.901) == "different"

    def test_of_an_unknown_part_is_relative(self):
        assert LOOSE.judge("other/accuracy", 0.900, 0.901) == "different"

    @pytest.mark.parametrize(("a", "b"), [(None, 1.0), (1.0, None), (math.inf, 1.0), (math.inf, -math.inf)])
    def test_there_is_none_for_what_is_not_finite(self, a, b):
        assert Tolerance(1.0).judge("train/loss", a, b) == "different"

    def test_there_is_none_where_every_bit_is_promised(self):
        assert Tolerance(1.0, exact=True).judge("train/loss", 1.0, 1.0 + 2**-52) == "different"


def test_worst_settles_the_whole():
    assert worst([]) == "identical"
    assert worst(["identical", "within tolerance"]) == "within tolerance"
    assert worst(["different", "identical", "within tolerance"]) == "different"
