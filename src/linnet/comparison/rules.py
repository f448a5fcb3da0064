"""Choose among ranked settings: the best one, or the simplest within one standard error of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from linnet.comparison.groups import Group, is_number, show
from linnet.comparison.ranking import Objective
from linnet.system.errors import InputError

RULES = ("best", "one-standard-error")


@dataclass(frozen=True)
class Simplest:
    """What makes settings simple: the largest or the smallest value of one of them.

    key: the setting, as `penalty.strength`.
    largest: whether the largest value is simplest.
    """

    key: str = "penalty.strength"
    largest: bool = True

    @classmethod
    def parse(cls, text: str) -> "Simplest":
        """Return that of `penalty.strength=largest` or `data.degree=smallest`. Raises InputError for another text."""
        key, _, way = text.partition("=")
        if not key or way not in ("largest", "smallest"):
            raise InputError(f"compare: --simplest {text}: expected KEY=largest or KEY=smallest")
        return cls(key, way == "largest")


def chosen_by(rule: str, groups: Sequence[Group], objective: Objective, simplest: str | None) -> tuple[Group, str]:
    """Return the settings that a rule chooses, and the rule in words, "" for the best.

    Args:
        rule: of `RULES`.
        groups: best first; without the objective the first is chosen.
        objective: what they are ordered by.
        simplest: text for `Simplest.parse`; None: its default.

    Raises:
        InputError: the rule does not apply, or simplest is given without it.
    """
    if rule not in RULES:
        raise InputError(f"compare: --rule {rule}: choose {' or '.join(RULES)}")
    if rule == RULES[0] and simplest is not None:
        raise InputError(f"compare: --simplest {simplest}: it is for --rule {RULES[1]}, add that")
    if rule == RULES[0]:
        return groups[0], ""
    return within_one_standard_error(groups, objective, Simplest() if simplest is None else Simplest.parse(simplest))


def within_one_standard_error(groups: Sequence[Group], objective: Objective, simplest: Simplest) -> tuple[Group, str]:
    """Return the simplest settings within one standard error of the best, and the rule in words.

    Settings count whose mean is worse than that of the best by no more than the standard error of the best, and which
    agree with the best in everything that is not a number: strengths of different penalties cannot be compared. The
    simplest of them has the largest (or smallest) value of `simplest.key`; where several have it, the better one is
    chosen. Settings of which a run or a resample diverged are left out.

    Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, section 7.10; glmnet's `lambda.1se`.

    Args:
        groups: best first, the first of which has the objective.
        objective: a metric of resamples, `cv/…`.
        simplest: what is simple.

    Raises:
        InputError: the objective has no standard error, or the key does not vary or is no number.
    """
    best, key = groups[0], simplest.key
    given = "compare: --rule one-standard-error"
    value = best.spread(objective.metric)
    if value is None or not value.is_error or value.std is None:
        raise InputError(
            f"{given}: {objective.metric} has no standard error: compare runs with resampling=kfold by cv/loss"
        )
    if not is_number(best.settings.get(key)):
        numbers = [name for name, setting in best.settings.items() if is_number(setting)]
        choices = f"; numbers that do: {', '.join(numbers)}" if numbers else ""
        raise InputError(
            f"{given}: {key} is no number that varies between these runs: say what is simple by --simplest KEY=largest "
            f"or KEY=smallest{choices}"
        )
    sign = 1 if objective.minimize else -1
    limit = sign * value.mean + value.std
    near = [
        group
        for group in groups
        if (found := group.spread(objective.metric)) is not None
        and sign * found.mean <= limit
        and not group.has_diverged
        and is_number(group.settings[key])
        and _names(group) == _names(best)
    ]
    order = -1 if simplest.largest else 1
    chosen = min(near or [best], key=lambda group: order * group.settings[key])
    way = "largest" if simplest.largest else "smallest"
    rule = f", {way} {key} within one standard error of the best, {show(best.settings[key])}"
    return chosen, rule


def _names(group: Group) -> list[object]:
    """Return the settings that are no numbers."""
    return [None if is_number(value) else repr(value) for value in group.settings.values()]
