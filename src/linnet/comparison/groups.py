"""The settings that vary between runs, and runs that differ only in their seed as one group, with mean and spread."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from linnet.comparison.runs import SavedRun
from linnet.config.metric_names import CV, STANDARD_ERROR

MOST_PLACES = 7  # digits after the point, beyond which an exponent is easier to read


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (of n − 1; None for a single value) of n values.

    is_error: whether `std` is the standard error of the mean over resamples, that of n runs each.
    """

    mean: float
    std: float | None
    n: int
    is_error: bool = False

    def __str__(self) -> str:
        """Return `0.8325 ± 0.0003 (3)`: four digits of the mean, more where the deviation is smaller than that.

        A single run has no deviation over runs, but may have a standard error over its resamples: `0.8325 ± 0.0214`.
        """
        std = self.std or 0.0
        places = max(_places(self.mean, 4), _places(std, 1), 0)
        mean, std_shown = (
            (f"{self.mean:.{places}f}", f"{std:.{places}f}")
            if places <= MOST_PLACES
            else (f"{self.mean:.4g}", f"{std:.1g}")
        )
        if self.std is None:
            return mean
        return f"{mean} ± {std_shown}" + ("" if self.n == 1 else f" ({self.n})")


def spread(values: Sequence[float]) -> Spread | None:
    """Return mean and sample standard deviation of finite values; None of no values."""
    if not values:
        return None
    return Spread(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, len(values))


def _places(value: float, digits: int) -> int:
    """Return the number of decimal places that shows so many significant digits."""
    return digits - 1 - math.floor(math.log10(abs(value))) if value else 0


@dataclass(frozen=True)
class Group:
    """Runs that differ only in their seed.

    settings: varying key -> the value that these runs share; None where they have no such setting.
    runs: by seed.
    """

    settings: Mapping[str, Any]
    runs: Sequence[SavedRun]

    @property
    def name(self) -> str:
        """Settings as overrides: `optimizer.lr=0.1,penalty=l2`."""
        return overrides(self.settings) or "all runs"

    @property
    def completed(self) -> list[SavedRun]:
        return [run for run in self.runs if run.state == "completed"]

    @property
    def states(self) -> Counter[str]:
        return Counter(run.state for run in self.runs)

    @property
    def has_diverged(self) -> bool:
        """Whether a run, or one of the resamples of a run, diverged."""
        return any(run.state == "diverged" or run.diverged_resamples for run in self.runs)

    @property
    def seconds(self) -> Spread | None:
        return spread([run.seconds for run in self.runs if run.seconds is not None])

    def spread(self, metric: str) -> Spread | None:
        """Return mean and deviation of a metric over the completed runs; None if none of them has it.

        Of a metric of resamples, `cv/…`, it is the mean with its standard error: the root mean square of those of the
        runs, since the resamples of other seeds are of the same examples, and their mean is hardly more precise.
        """
        runs = [run.metrics for run in self.completed if metric in run.metrics]
        found = spread([metrics[metric] for metrics in runs])
        errors = [metrics[error] for metrics in runs if (error := f"{metric}{STANDARD_ERROR}") in metrics]
        if found is None or not metric.startswith(CV) or len(errors) < len(runs):
            return found
        return Spread(found.mean, math.sqrt(statistics.fmean(error**2 for error in errors)), len(runs), is_error=True)


def overrides(settings: Mapping[str, Any]) -> str:
    """Return `optimizer.lr=0.1,penalty=l2`; settings that are None are left out."""
    return ",".join(f"{key}={show(value)}" for key, value in settings.items() if value is not None)


def legend_label(settings: Mapping[str, Any]) -> str:
    """Return `lr=0.1, strength=0`: settings by the last words of their keys, where these are distinct."""
    words = [key.rpartition(".")[2] for key in settings]
    names = [word if words.count(word) == 1 else key for key, word in zip(settings, words, strict=True)]
    return ", ".join(
        f"{name}={show(value)}" for name, value in zip(names, settings.values(), strict=True) if value is not None
    )


def show(value: Any) -> str:
    """Return a setting's value as one would type it; "–" for None."""
    if value is None:
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def varying(runs: Sequence[SavedRun]) -> list[str]:
    """Return the keys that a run overrode and that differ between runs, in the order of their first appearance."""
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    return [key for key in keys if len({_hashable(run.value(key)) for run in runs}) > 1]


def grouped(runs: Sequence[SavedRun]) -> list[Group]:
    """Group runs of equal settings, in the order of the first run of each group."""
    keys = varying(runs)
    members: dict[tuple[Any, ...], list[SavedRun]] = {}
    for run in runs:
        members.setdefault(tuple(_hashable(run.value(key)) for key in keys), []).append(run)
    for same in members.values():
        same.sort(key=lambda run: (not isinstance(run.seed, int), run.seed if isinstance(run.seed, int) else 0))
    return [Group({key: same[0].value(key) for key in keys}, same) for same in members.values()]


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, (list, dict)) else value
