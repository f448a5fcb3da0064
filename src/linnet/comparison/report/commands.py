"""The commands that train runs again, reproduce and resume them.

They follow from the configuration in the manifest, which has a checksum, and not from the overrides in a file that has
none. Each is made of words of linnet and quoted values, so that no file can put another command there.
"""

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from linnet.comparison.groups import Group
from linnet.comparison.report.asked import differences
from linnet.comparison.report.blocks import Commands
from linnet.comparison.report.provenance import manifest_of
from linnet.comparison.runs import SavedRun
from linnet.config.groups import EXPERIMENT, GROUPS, primary
from linnet.config.python_options import value_text
from linnet.system.errors import InputError
from linnet.system.sanitize import shown

LONGEST = 4000
"""Characters of a command, beyond which it is not shown."""


def run_commands(run: SavedRun) -> Commands:
    """Return what trains a run again, where its configuration says it all, and what reproduces or resumes it."""
    place = shlex.quote(str(shown(run.path)))
    lines = []
    words = _words(_overrides(run))
    if words is not None:
        lines.append((_command("linnet train", words), "train with these options"))
    if run.state == "completed":
        lines.append((f"linnet reproduce {place}", "run again, and compare every number"))
        lines.append((f"linnet evaluate {place}", "evaluate the saved weights"))
    elif run.state in ("interrupted", "running", "failed"):
        lines.append((f"linnet resume {place}", "go on"))
    return Commands([line for line in lines if len(line[0]) <= LONGEST])


def sweep_command(groups: Sequence[Group], runs: Sequence[SavedRun]) -> str | None:
    """Return the command of the grid that runs are; None if they are none, or differ in more than it says.

    Args:
        groups: their settings.
        runs: in the order of the sweep, as which values are listed.
    """
    varying = [*groups[0].settings, "seed"]
    options = [_overrides(run) for run in runs]
    fixed = [None if one is None else {key: one[key] for key in one if key not in varying} for one in options]
    if len(runs) < 2 or fixed[0] is None or any(one != fixed[0] for one in fixed):
        return None
    axes = {key: [run.value(key) for run in runs] for key in varying}
    values = {key: list(dict.fromkeys(map(_text, found))) for key, found in axes.items()}
    settings = {tuple(_text(found[number]) for found in axes.values()) for number in range(len(runs))}
    if len(settings) != len(runs) or len(runs) != math.prod(map(len, values.values())):
        return None
    words = _words(fixed[0])
    if words is None or any(text is None for found in values.values() for text in found):
        return None
    swept = [f"{key}={','.join(text for text in found if text is not None)}" for key, found in values.items()]
    command = _command("linnet train -m", [*words, *swept])
    return command if len(command) <= LONGEST else None


def _overrides(run: SavedRun) -> dict[str, Any] | None:
    """Return key -> value of all that differs from the defaults; None where that does not make the run again."""
    known = {*GROUPS, *primary()[0]}
    found = {key: value for key, (value, _) in differences(run).items() if key != EXPERIMENT}
    if not run.config or manifest_of(run.path).get("own_parts") or any(key.split(".")[0] not in known for key in found):
        return None
    return {**found, "seed": run.seed} if run.seed else found


def _words(options: Mapping[str, Any] | None) -> list[str] | None:
    """Return overrides as Hydra reads them; None if a value has no such form."""
    if options is None:
        return None
    texts = {key: _text(value) for key, value in options.items()}
    return None if None in texts.values() else [f"{key}={text}" for key, text in texts.items()]


def _text(value: Any) -> str | None:
    try:
        return value_text(value)
    except InputError:
        return None


def _command(start: str, words: Sequence[str]) -> str:
    return " ".join([start, *map(shlex.quote, words)])
