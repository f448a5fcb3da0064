"""Numbers in the text of an experiment's README, and where they come from: results.json, the settings, or a formula.

A number that is neither a setting nor recorded, nor a mean, deviation, smallest or largest value of a recorded one, is
given its formula in a comment of the text, which the page does not show:

    <!-- numbers: 0.79 = mean("", "parameter/weight_error") / mean("loss=squared_error", "parameter/weight_error");
         0.40 = sqrt(pi / 20) -->

`<!-- unrecorded: 561, 87 (coefficients, as `linnet inspect` prints them) -->` names those that no record holds.
"""

import math
import re
from collections.abc import Iterator, Mapping
from statistics import mean, median, stdev
from typing import Any

NUMBER = re.compile(r"(?<![\w.,/\]^])[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-−+]?\d+)?(?![\w]|\.\d)")
SMALL = 10
"""Whole numbers below this one are words: two columns, 3 seeds."""


def finding(readme: str) -> str:
    """Return the text between **Finding.** and the paragraph after it that begins in bold, without code and links."""
    text = re.sub(r"<!--.*?-->", "", readme.partition("**Finding.**")[2], flags=re.DOTALL)
    text = re.split(r"\n\*\*\w[^*]*\.\*\*|\nFigures and tolerances", text)[0]
    return re.sub(r"`[^`]*`|\]\([^)]*\)|!\[[^\]]*\]|^ {4}.*$", " ", text, flags=re.MULTILINE)


def numbers(text: str) -> list[str]:
    """Return the numbers of a text as they are written, but whole ones below `SMALL` and the 95 of 95 % intervals."""
    found = (match[0].replace("−", "-").replace(",", "") for match in NUMBER.finditer(text.replace("95 %", "")))
    return [number for number in found if not number.isdigit() or int(number) >= SMALL]


def unexplained(readme: str, results: Mapping[str, Any], settings: str) -> list[str]:
    """Return the numbers of the finding that are neither recorded nor settings nor the value of their formula.

    Args:
        readme: the experiment's README.
        results: its results.json.
        settings: its experiment.yaml.
    """
    formulas, unrecorded = _formulas(readme), _unrecorded(readme)
    overrides = [text for arm in results["arms"] for text in arm["overrides"]]
    given = {float(number) for number in numbers(" ".join([settings, *overrides]).replace("=", " "))}
    recorded = list(_recorded(results))
    namespace = _namespace(results)
    missing = []
    for number in numbers(finding(readme)):
        if number in formulas:
            if not _equals(number, eval(formulas[number], {"__builtins__": {}}, namespace)):
                missing.append(f"{number} = {formulas[number]}")
        elif number not in unrecorded and float(number) not in given and not any(_equals(number, c) for c in recorded):
            missing.append(number)
    return missing


def _formulas(readme: str) -> dict[str, str]:
    lists = re.findall(r"<!-- numbers:(.*?)-->", readme, re.DOTALL)
    pairs = [entry.partition("=") for text in lists for entry in text.split(";") if entry.strip()]
    return {number.strip().replace("−", "-"): formula.strip() for number, _, formula in pairs}


def _unrecorded(readme: str) -> set[str]:
    return {number for text in re.findall(r"<!-- unrecorded:(.*?)-->", readme, re.DOTALL) for number in numbers(text)}


def _recorded(results: Mapping[str, Any]) -> Iterator[float]:
    for arm in results["arms"]:
        for figure in arm["metrics"].values():
            values = [value for value in figure["values"] if value is not None]
            if values:
                yield from (*values, mean(values), stdev(values), min(values), max(values))


def _namespace(results: Mapping[str, Any]) -> dict[str, Any]:
    def values(arm: str, metric: str) -> list[float]:
        (found,) = [entry for entry in results["arms"] if " ".join(entry["overrides"]) == arm]
        found_values: list[float] = found["metrics"][metric]["values"]
        return found_values

    def of(function: Any) -> Any:
        return lambda arm, metric: function(values(arm, metric))

    names = {"mean": of(mean), "sd": of(stdev), "least": of(min), "most": of(max), "rms": of(_rms), "values": values}
    numeric = {name: getattr(math, name) for name in ("sqrt", "exp", "log", "log2", "log10", "pi")}
    return {**names, **numeric, "median": median, "average": mean, "max": max, "min": min, "sum": sum, "abs": abs,
            "zip": zip, "range": range, "round": round}  # fmt: skip


def _rms(values: list[float]) -> float:
    return math.sqrt(mean(value**2 for value in values))


def _equals(written: str, value: float) -> bool:
    """Whether a value, or a hundred times it for one in percent, is written so when rounded."""
    return any(_rounded(written, candidate) == float(written) for candidate in (value, abs(value), 100 * value))


def _rounded(written: str, value: float) -> float:
    mantissa, _, exponent = written.partition("e")
    decimals = len(mantissa.partition(".")[2])
    if exponent:
        return float(f"{value:.{decimals}e}")
    if decimals:
        return float(f"{value:.{decimals}f}")
    digits = mantissa.lstrip("-")
    return float(round(value, -(len(digits) - len(digits.rstrip("0")))))
