"""Every configuration key has exactly one rule, and the rules mean what their words say."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from linnet.config.groups import GROUPS, shipped
from linnet.config.rules import (
    BOOLEAN,
    COUNT,
    NULL,
    NUMBERS,
    POSITIVE_SHARES,
    RULES,
    SEED,
    SHARES,
    TEXT,
    integer,
    number,
    one_of,
)

TRAIN = Path(__file__).parents[2] / "conf" / "train.yaml"


def keys(node: dict[str, Any], prefix: str) -> Iterator[str]:
    """Dotted names of the values in nested dicts; a list is a value."""
    for key, value in node.items():
        if isinstance(value, dict):
            yield from keys(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def top_level_keys() -> set[str]:
    node = OmegaConf.to_container(OmegaConf.load(TRAIN), resolve=False)
    return set(keys({key: value for key, value in node.items() if key not in ("defaults", "hydra")}, ""))


class TestEveryKey:
    @pytest.mark.parametrize(("group", "option"), [(group, option) for group in GROUPS for option in shipped()[group]])
    def test_of_an_option_has_a_rule(self, group, option):
        found = {key for key in keys(shipped()[group][option], f"{group}.") if not key.endswith("._target_")}
        assert found <= set(RULES)

    def test_of_train_yaml_has_a_rule(self):
        assert top_level_keys() <= set(RULES)

    def test_with_a_rule_is_in_the_configuration(self):
        nodes = [(group, node) for group in GROUPS for node in shipped()[group].values()]
        found = top_level_keys().union(*(keys(node, f"{group}.") for group, node in nodes))
        assert set(RULES) <= found


class TestNumber:
    @given(
        low=st.integers(-5, 5),
        width=st.integers(1, 5),
        brackets=st.tuples(st.sampled_from("[("), st.sampled_from("])")),
        value=st.one_of(st.integers(-11, 11), st.floats(-11, 11)),
    )
    def test_accepts_exactly_the_interval(self, low, width, brackets, value):
        high = low + width
        expected = number(f"{brackets[0]}{low}, {high}{brackets[1]}")
        inside = low < value < high or (value == low and brackets[0] == "[") or (value == high and brackets[1] == "]")
        assert expected.accepts(value) == inside

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, False, "1", None, [1], {"a": 1}])
    def test_refuses_what_is_no_finite_number(self, value):
        assert not number("(-inf, inf)").accepts(value)

    def test_names_the_interval(self):
        assert number("[0, 1)").words == "a number in [0, 1)"


class TestInteger:
    @pytest.mark.parametrize("value", [1, 2, 10**12])
    def test_accepts_whole_numbers_in_the_interval(self, value):
        assert integer("[1, inf)").accepts(value)

    @pytest.mark.parametrize("value", [0, -1, 1.0, 1.5, True, "1", None])
    def test_refuses_others(self, value):
        assert not integer("[1, inf)").accepts(value)


class TestAlternatives:
    def test_either_is_accepted(self):
        expected = COUNT | NULL
        assert expected.accepts(3)
        assert expected.accepts(None)
        assert not expected.accepts(0)

    def test_both_are_named(self):
        assert (COUNT | NULL).words == "a whole number in [1, inf) or null"


class TestOthers:
    def test_seed_fills_63_bits(self):
        assert SEED.accepts(0)
        assert SEED.accepts(2**63 - 1)
        assert not SEED.accepts(2**63)
        assert not SEED.accepts(-1)

    def test_numbers_is_a_list_with_something_in_it(self):
        assert NUMBERS.accepts([2, -3.4])
        assert not any(NUMBERS.accepts(value) for value in ([], 2.0, [math.nan], ["2"], [True]))

    def test_proportions_are_of_two_classes_at_least(self):
        assert SHARES.accepts([0, 1]) and POSITIVE_SHARES.accepts([3, 0.5])
        assert not any(SHARES.accepts(value) for value in ([1], [0, 0], [1, -1], [1, math.inf], 1, ["1", "2"]))
        assert not any(POSITIVE_SHARES.accepts(value) for value in ([1], [0, 1], [1, math.nan], None, [True, 1]))

    def test_filters_have_a_middle(self):
        accepted = RULES["data.filter_size"].accepts
        assert [value for value in (0, 1, 2, 3, 5, 7, 9, 3.0, True, "3", None) if accepted(value)] == [1, 3, 5, 7]

    def test_boolean_is_not_a_number(self):
        assert BOOLEAN.accepts(False)
        assert not any(BOOLEAN.accepts(value) for value in (0, 1, "true", None))

    def test_text_is_not_empty(self):
        assert TEXT.accepts("a")
        assert not TEXT.accepts("")

    @pytest.mark.parametrize("value", ["sgd ", 1, None, ["a"]])
    def test_one_of_takes_only_its_names(self, value):
        expected = one_of("a", "sgd")
        assert expected.accepts("sgd")
        assert not expected.accepts(value)
