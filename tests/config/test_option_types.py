"""Annotations of options admit what their words say."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import pytest
import torch
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen, Predicate
from hypothesis import given, strategies as st
from torch import Tensor

from linnet.config.option_types import Count, Files, Numbers, Positive, Seed, Words, accepts, describe
from linnet.optimizers import SGD, Momentum, TorchSGD
from linnet.penalties import L2


class TestNumber:
    @given(
        low=st.integers(-5, 5),
        width=st.integers(1, 5),
        closed=st.tuples(st.booleans(), st.booleans()),
        value=st.one_of(st.integers(-11, 11), st.floats(-11, 11)),
    )
    def test_is_admitted_exactly_inside_its_interval(self, low, width, closed, value):
        high = low + width
        option = Annotated[float, Ge(low) if closed[0] else Gt(low), Le(high) if closed[1] else Lt(high)]
        inside = low < value < high or (value == low and closed[0]) or (value == high and closed[1])
        assert accepts(option, value) == inside
        assert describe(option) == f"a number in {'[' if closed[0] else '('}{low}, {high}{']' if closed[1] else ')'}"

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, True, False, "1", None, [1], {"a": 1}])
    def test_is_finite_and_no_truth_value_or_text(self, value):
        assert not accepts(float, value)

    @pytest.mark.parametrize("value", [1, 2, 10**12])
    def test_may_have_to_be_whole(self, value):
        assert accepts(Count, value)

    @pytest.mark.parametrize("value", [0, -1, 1.0, 1.5, True, "1", None])
    def test_that_has_to_be_whole_is_not_another(self, value):
        assert not accepts(Count, value)

    def test_of_a_seed_fills_63_bits(self):
        assert accepts(Seed, 0) and accepts(Seed, 2**63 - 1)
        assert not accepts(Seed, 2**63) and not accepts(Seed, -1)

    @given(st.from_type(Positive))
    def test_is_drawn_by_hypothesis_from_the_same_annotation(self, value):
        assert accepts(Positive, value) == math.isfinite(value)


class TestTensor:
    option = Annotated[float | Tensor, Gt(0)]

    @pytest.mark.parametrize("value", [torch.tensor([0.1, 2.0]), torch.tensor(1.0), torch.tensor([3])])
    def test_is_admitted_if_each_number_is(self, value):
        assert accepts(self.option, value)

    @pytest.mark.parametrize(
        "value",
        [torch.tensor([0.1, 0.0]), torch.tensor([math.nan]), torch.tensor([math.inf]), torch.tensor([True]),
         torch.ones(2, 2)],
    )  # fmt: skip
    def test_is_refused_otherwise(self, value):
        assert not accepts(self.option, value)

    def test_has_no_words_of_its_own(self):
        assert describe(self.option) == "a number in (0, inf)"


class TestAlternatives:
    def test_are_each_admitted_and_named(self):
        assert accepts(Count | None, 3) and accepts(Count | None, None) and not accepts(Count | None, 0)
        assert describe(Count | None) == "a whole number in [1, inf) or null"

    @pytest.mark.parametrize("value", ["sgd ", 1, None, ["a"], True])
    def test_of_names_are_these_names_only(self, value):
        assert accepts(Literal["a", "sgd"], "sgd")
        assert not accepts(Literal["a", "sgd", 0], value)
        assert describe(Literal["a", "sgd"]) == "one of a, sgd"

    def test_of_numbers_distinguish_one_and_true(self):
        assert accepts(Literal[1, 3], 1)
        assert not any(accepts(Literal[1, 3], value) for value in (True, 1.0, "1"))


class TestText:
    def test_is_not_empty(self):
        assert accepts(str, "a")
        assert not accepts(str, "")

    def test_may_be_limited_in_length(self):
        assert accepts(Annotated[str, MaxLen(1)], ";") and not accepts(Annotated[str, MaxLen(1)], ";;")


class TestList:
    def test_of_numbers_holds_some(self):
        assert accepts(Numbers, [2, -3.4])
        assert not any(accepts(Numbers, value) for value in ([], 2.0, [math.nan], ["2"], [True]))

    def test_of_texts_is_no_text(self):
        assert accepts(Sequence[str], ["a"]) and accepts(Sequence[str], [])
        assert not accepts(Sequence[str], "a") and not accepts(Sequence[str], [""])
        assert describe(Sequence[str]) == "a list of texts"

    def test_of_files_may_be_one_file(self):
        assert accepts(Files, "a.csv") and accepts(Files, ["a.csv"])
        assert not any(accepts(Files, value) for value in ([], "", None, [1]))

    def test_may_be_held_to_a_predicate(self):
        option = Annotated[Sequence[float], MinLen(2), Predicate(any), Words("not all 0")]
        assert accepts(option, [0, 1])
        assert not any(accepts(option, value) for value in ([1], [0, 0], None))
        assert describe(option) == "not all 0"


class TestComponent:
    def test_refuses_a_value_that_its_annotation_does_not_admit(self):
        with pytest.raises(ValueError, match=r"^lr must be a number in \(0, inf\), got -1$"):
            SGD(lr=-1)

    def test_refuses_one_bad_number_among_those_of_many_models(self):
        with pytest.raises(ValueError, match=r"^strength must be a number in \[0, inf\), got \[0\.0, -1\.0\]$"):
            L2(strength=torch.tensor([0.0, -1.0]))

    @pytest.mark.parametrize("component", [Momentum, TorchSGD])
    def test_refuses_true_without_what_it_needs(self, component):
        with pytest.raises(ValueError, match=r"^nesterov=true needs momentum above 0, for example 0.9$"):
            component(lr=0.1, momentum=0.0, nesterov=True)
        assert component(lr=0.1, momentum=0.5, nesterov=True).nesterov

    def test_refuses_nesterov_if_one_of_many_models_has_no_momentum(self):
        with pytest.raises(ValueError, match="momentum above 0"):
            Momentum(lr=0.1, momentum=torch.tensor([0.0, 0.9]), nesterov=True)
