"""Options of a call in Python become the words of a command line."""

import re

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from linnet.config.python_options import overrides_of, value_text
from linnet.system.compat.hydra import parse_overrides
from linnet.system.errors import InputError

PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())


KEYS = st.from_regex(re.compile(r"[a-z_/][\w./-]*", re.ASCII), fullmatch=True).filter(
    lambda text: text not in ("null", "true", "false", "nan", "inf")
)


@example("A¹")
@example("größe")
@example(["größe", "a b"])
@given(st.one_of(PLAIN, st.lists(PLAIN), st.dictionaries(KEYS, PLAIN)))
def test_the_grammar_of_overrides_reads_the_value_that_was_given(value):
    (override,) = parse_overrides([f"key={value_text(value)}"])
    found = override.value()
    assert found == value
    assert type(found) is type(value)


def test_every_form_says_the_same():
    expected = ["penalty=l2", "optimizer.lr=0.1", "trainer.max_epochs=3"]
    nested = {"penalty": "l2", "optimizer": {"lr": 0.1}, "trainer.max_epochs": 3}
    for given_as in (expected, nested, "penalty=l2 optimizer.lr=0.1 trainer.max_epochs=3"):
        assert overrides_of(given_as, {}) == expected
    assert overrides_of((), {"penalty": "l2", "lr": np.float64(0.1), "max_epochs": np.int64(3)}) == expected
    assert overrides_of(["seed=1"], {"optimizer": {"lr": 0.1}, "tags": ["a b"], "run_dir": None}) == [
        "seed=1", "optimizer.lr=0.1", "tags=['a b']", "hydra.run.dir=null",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "options", "said"),
    [
        ((), {"learning_rate": 0.1}, "learning_rate: no such option, did you mean lr?"),
        ((), {"penality": "l2"}, "penality: no such option, did you mean penalty?"),
        ("seed='1", {}, "cannot be split into words"),
        (3, {}, "overrides: expected a list of words"),
        ((), {"seed": object}, "expected a number, a text"),
        ((), {"tags": [{"größe": 1}]}, "'größe': expected a key of ASCII letters"),
    ],
)
def test_what_is_no_option_is_refused(overrides, options, said):
    with pytest.raises(InputError, match=re.escape(said)):
        overrides_of(overrides, options)
