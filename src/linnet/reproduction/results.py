"""results.json of an experiment: which arms there are, what was recorded of each, and what may differ.

    {"seeds": [0, 1, 2],
     "environment": {"linnet": "0.1.0", "threads": 2, …},
     "arms": [{"overrides": ["penalty.strength=0"], "state": "completed",
               "metrics": {"test/loss": {"tolerance": 0.1, "values": [115.6, 98.6, 87.9]}}}]}

Arms, metrics, tolerances (absolute) and seeds are its author's; the rest is written by `linnet reproduce --update`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linnet.system.errors import InputError
from linnet.system.files import write_json
from linnet.system.reading import read_json
from linnet.system.sanitize import plain

STATES = ("completed", "diverged")


@dataclass(frozen=True)
class Recorded:
    """One metric of one arm. values: of each seed, None for one that is not finite. tolerance: absolute, at least 0."""

    values: tuple[float | None, ...]
    tolerance: float


@dataclass(frozen=True)
class Arm:
    """One setting of an experiment. overrides: of its configuration. state: "completed" or "diverged"."""

    overrides: tuple[str, ...]
    state: str
    metrics: dict[str, Recorded]

    @property
    def name(self) -> str:
        return " ".join(self.overrides) or "as it is"


@dataclass(frozen=True)
class Results:
    """Content of results.json. environment: empty if it was not recorded."""

    seeds: tuple[int, ...]
    arms: tuple[Arm, ...]
    environment: dict[str, Any]


def read_results(path: Path, *, measured: bool = True) -> Results:
    """Read and check results.json, which is untrusted.

    Args:
        path: the file.
        measured: whether values and states are required; before the first recording they are not.

    Raises:
        InputError: naming the first mistake.
    """
    try:
        node = read_json(path)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: it says which metrics of the experiment are recorded") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {plain(error)}") from error
    try:
        return _results(node, measured)
    except _Malformed as error:
        raise InputError(f"{path}: {error}") from error


def write_results(path: Path, results: Results) -> None:
    """Replace results.json."""
    arms = [
        {
            "overrides": list(arm.overrides),
            "state": arm.state,
            "metrics": {
                name: {"tolerance": figure.tolerance, "values": list(figure.values)}
                for name, figure in arm.metrics.items()
            },
        }
        for arm in results.arms
    ]
    write_json(path, {"seeds": list(results.seeds), "environment": results.environment, "arms": arms})


class _Malformed(Exception):
    """A mistake in results.json: where, and what was expected there."""


def _results(node: Any, measured: bool) -> Results:
    seeds, arms = _get(node, "seeds", list, "the file"), _get(node, "arms", list, "the file")
    environment = node.get("environment", {})
    _expect(isinstance(environment, dict), "environment: expected a mapping")
    _expect(all(type(seed) is int and seed >= 0 for seed in seeds), "seeds: expected whole numbers of at least 0")
    _expect(len(seeds) > 0 and len(set(seeds)) == len(seeds), "seeds: expected at least one, each once")
    _expect(len(arms) > 0, "arms: expected at least one")
    checked = tuple(_arm(arm, f"arms[{index}]", len(seeds), measured) for index, arm in enumerate(arms))
    return Results(tuple(seeds), checked, environment)


def _arm(node: Any, where: str, n_seeds: int, measured: bool) -> Arm:
    overrides, metrics = _get(node, "overrides", list, where), _get(node, "metrics", dict, where)
    _expect(all(isinstance(text, str) for text in overrides), f"{where}.overrides: expected texts")
    state = _get(node, "state", str, where) if measured else "completed" if metrics else "diverged"
    _expect(state in STATES, f"{where}.state: expected one of {', '.join(STATES)}, got {plain(state)}")
    figures = {}
    for name, figure in metrics.items():
        here = f"{where}.metrics.{plain(name)}"
        tolerance = _get(figure, "tolerance", (int, float), here)
        _expect(_is_number(tolerance) and tolerance >= 0, f"{here}.tolerance: expected a number of at least 0")
        values: Sequence[Any] = _get(figure, "values", list, here) if measured else [None] * n_seeds
        numbers = all(value is None or _is_number(value) for value in values)
        _expect(numbers and len(values) == n_seeds, f"{here}.values: expected {n_seeds} numbers, one for each seed")
        figures[name] = Recorded(tuple(None if value is None else float(value) for value in values), float(tolerance))
    _expect(len(figures) > 0 or state == "diverged", f"{where}.metrics: expected at least one")
    return Arm(tuple(overrides), state, figures)


def _get(node: Any, key: str, kind: Any, where: str) -> Any:
    _expect(isinstance(node, dict), f"{where}: expected a mapping")
    _expect(key in node, f"{where} has no {key}")
    _expect(isinstance(node[key], kind), f"{where}.{key}: got {plain(node[key])}")
    return node[key]


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _expect(condition: bool, words: str) -> None:
    if not condition:
        raise _Malformed(words)
