"""Types of options: what an annotation admits, as a check and in words.

A component annotates its options, `lr: Annotated[float, Gt(0)]`; the check of a configuration, the help and the tests
read that. Numbers are finite, texts have at least one character, and true is no number.
"""

import operator
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen, Predicate

from linnet.system.limits import MOST_THREADS
from linnet.system.sanitize import is_text, plain


@dataclass(frozen=True)
class Words:
    """The description of an option's values, where the type alone would not say enough."""

    text: str


@dataclass(frozen=True)
class Reads:
    """The option names files or folders to read."""


@dataclass(frozen=True)
class Needs:
    """The option may be true only where another one, a number, is above 0."""

    option: str
    example: float


Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Fraction = Annotated[float, Ge(0), Lt(1)]
Unit = Annotated[float, Ge(0), Le(1)]
Count = Annotated[int, Ge(1)]
CountOrZero = Annotated[int, Ge(0)]
Threads = Annotated[int, Ge(1), Le(MOST_THREADS)]
Seed = Annotated[int, Ge(0), Le(2**63 - 1)]
DType = Literal["float32", "float64"]
NoiseKind = Literal["gaussian", "laplace"]
Weighting = Literal["none", "estimated", "known"]
Numbers = Annotated[Sequence[float], MinLen(1)]
Columns = Annotated[Sequence[str], MinLen(1), Words("a list of columns")]
Input = Annotated[str, Reads()]
Files = Input | Annotated[Sequence[str], MinLen(1), Reads()]

BOUNDS: dict[type, tuple[str, Any]] = {
    Gt: ("gt", operator.gt),
    Ge: ("ge", operator.ge),
    Lt: ("lt", operator.lt),
    Le: ("le", operator.le),
}
LARGEST = sys.float_info.max
NAMES = {
    float: "a number", int: "a whole number", bool: "true or false", str: "a text", NoneType: "null", None: "null",
}  # fmt: skip


@cache
def options_of(component: Any) -> dict[str, Parameter]:
    """Return the arguments of a component, a class or a function: name -> parameter, with annotation and default."""
    return dict(signature(component).parameters)


def accepts(annotation: Any, value: Any) -> bool:
    """Return whether an option of this type admits a value; a tensor is one if each of its numbers is."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        base, *constraints = arguments
        return accepts(base, value) and all(_satisfies(value, constraint) for constraint in constraints)
    if origin in (Union, UnionType):
        return any(accepts(alternative, value) for alternative in arguments)
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in arguments)
    if origin in (Sequence, list):
        return isinstance(value, list) and all(accepts(arguments[0], entry) for entry in value)
    if origin is dict:
        return isinstance(value, dict) and all(accepts(arguments[1], entry) for entry in value.values())
    if annotation is Any:
        return True
    if annotation is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation is None:
        return value is None
    return isinstance(value, annotation) and value != ""


def _satisfies(value: Any, constraint: Any) -> bool:
    if isinstance(constraint, MinLen):
        return len(value) >= constraint.min_length
    if isinstance(constraint, MaxLen):
        return len(value) <= constraint.max_length
    if isinstance(constraint, Predicate):
        return bool(constraint.func(value))
    if type(constraint) not in BOUNDS:
        return True
    if hasattr(value, "tolist"):  # one number per model
        return value.ndim <= 1 and all(accepts(Annotated[float, constraint], one) for one in value.reshape(-1).tolist())
    name, compare = BOUNDS[type(constraint)]
    return bool(compare(value, getattr(constraint, name)))


def describe(annotation: Any) -> str:
    """Return what an option of this type admits, in words: "a whole number in [1, inf) or null"."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        base, *constraints = arguments
        words = next((constraint.text for constraint in constraints if isinstance(constraint, Words)), None)
        bounds = [constraint for constraint in constraints if type(constraint) in BOUNDS]
        return words or (f"{describe(base)} in {_interval(bounds)}" if bounds else describe(base))
    if origin in (Union, UnionType):
        return " or ".join(filter(None, map(describe, arguments)))
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin is tuple:
        return "a list"
    if origin in (Sequence, list):
        return f"a list of {describe(arguments[0]).partition(' ')[2]}s" if arguments[0] is not Any else "a list"
    if origin is dict:
        return "keys and values"
    return NAMES.get(annotation, "")  # a tensor, at run time only, is none of them


def _interval(bounds: Sequence[Any]) -> str:
    """Return the interval as a textbook writes it: "(0, inf)"."""
    low, high, opening, closing = "-inf", "inf", "(", ")"
    for bound in bounds:
        number = getattr(bound, BOUNDS[type(bound)][0])
        if isinstance(bound, (Gt, Ge)):
            low, opening = str(number), "[" if isinstance(bound, Ge) else "("
        else:
            high, closing = str(number), "]" if isinstance(bound, Le) else ")"
    return f"{opening}{low}, {high}{closing}"


def check_options(component: Any) -> None:
    """Raise ValueError if an attribute of a component is not what the component's option of that name admits."""
    for name, option in options_of(component.__class__).items():
        value = getattr(component, name)
        if not accepts(option.annotation, value):
            shown = value.tolist() if hasattr(value, "tolist") else value
            raise ValueError(f"{name} must be {describe(option.annotation)}, got {shown!r}")
        missing = lacks(option.annotation, value, vars(component))
        if missing:
            raise ValueError(f"{name}=true needs {missing.option} above 0, for example {missing.example}")


def lacks(annotation: Any, value: Any, others: Any) -> Needs | None:
    """Return what a true option needs and the other options do not give; None if it is false, or needs nothing."""
    found = (constraint for constraint in get_args(annotation)[1:] if isinstance(constraint, Needs))
    return next((need for need in found if value is True and not _is_above_zero(others.get(need.option))), None)


def _is_above_zero(value: Any) -> bool:
    return (hasattr(value, "tolist") or accepts(float, value)) and _satisfies(value, Gt(0))


def check_fields(record: Any) -> None:
    """Raise ValueError if a field of a dataclass is not of its type, as after it was read from JSON."""
    for name, annotation in get_type_hints(type(record)).items():
        value = getattr(record, name)
        if not _fits(annotation, value):
            raise ValueError(f"{name} is {plain(value)}, expected {describe(annotation) or 'others'}")


def _fits(annotation: Any, value: Any) -> bool:
    """Return whether a field of this type may hold a value. A text may be empty, and has a form in UTF-8."""
    arguments = get_args(annotation)
    if annotation is str:
        return isinstance(value, str) and is_text(value)
    if get_origin(annotation) is not tuple:
        return accepts(annotation, value)
    if not isinstance(value, tuple):
        return False
    kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
    return len(kinds) == len(value) and all(map(_fits, kinds, value))
