"""`${oc.env:NAME}` in overrides is replaced when the command is read, so that the recorded value is the one used."""

import os
import re
from collections.abc import Sequence

from linnet.system.errors import InputError

VARIABLE = re.compile(r"\$\{oc\.env:\s*([^${},:\s]+)\s*(?:,([^${}]*))?\}")
SPECIAL = re.compile(r"([\\()\[\]{}:=, \t'\"])")
"""Characters that the grammar of overrides reads as its own unless a backslash stands before them."""


def with_environment(overrides: Sequence[str]) -> list[str]:
    """Return overrides in which each `${oc.env:NAME}` or `${oc.env:NAME,default}` is its value.

    A number stays one: `seed=${oc.env:SEED}` is a seed, which Hydra's own answer, a text, would not be.

    Raises:
        InputError: if a variable is not set and has no default, or a text is none that can be stored.
    """
    replaced = [_replaced(text) for text in overrides]
    for text in replaced:
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise InputError(f"{text!a}: holds bytes that are no UTF-8, and could not be recorded: rename the file")
    return replaced


def _replaced(text: str) -> str:
    def value(found: re.Match[str]) -> str:
        name, default = found.groups()
        if name not in os.environ and default is None:
            raise InputError(f"{text}: the environment variable {name} is not set")
        if name not in os.environ:
            return str(default).strip()
        before = text[: found.start()]
        quote = next((mark for mark in "'\"" if before.count(mark) % 2), None)
        content = os.environ[name]
        return content.replace(quote, f"\\{quote}") if quote else SPECIAL.sub(r"\\\1", content)

    return VARIABLE.sub(value, text)
