"""Options of a call in Python as overrides: `penalty="l2", lr=0.1` is `penalty=l2 optimizer.lr=0.1`."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from types import FunctionType
from typing import Any

from linnet.config.groups import EXPERIMENT, GROUPS, SEARCH
from linnet.config.own_parts import CHOSEN, NAMED, given_parts
from linnet.config.unknown_key import nearest
from linnet.system.errors import InputError

SHORT = {
    "lr": "optimizer.lr", "momentum": "optimizer.momentum", "strength": "penalty.strength", "delta": "loss.delta",
    "max_epochs": "trainer.max_epochs", "max_steps": "trainer.max_steps", "accelerator": "trainer.accelerator",
    "devices": "trainer.devices", "gradient_clip_val": "trainer.gradient_clip_val", "batch_size": "data.batch_size",
    "val_fraction": "data.val_fraction", "test_fraction": "data.test_fraction", "standardize": "data.standardize",
    "dtype": "data.dtype", "task": "data.task", "missing": "data.missing", "exclude": "data.exclude",
    "features": "data.features", "categorical": "data.categorical", "min_count": "data.min_count",
    "dates": "data.dates", "group": "data.group", "fold": "data.fold", "split_column": "data.split_column",
    "bias": "model.bias", "init": "model.init",
    "warmup_epochs": "schedule.warmup_epochs", "patience": "callbacks.early_stopping.patience",
    "run_dir": "hydra.run.dir",
}  # fmt: skip
"""Short name of an option in Python -> its key."""
ELSEWHERE = {
    "learning_rate": "lr", "epochs": "max_epochs", "n_epochs": "max_epochs", "alpha": "strength", "solver": "optimizer",
    "weight_decay": "strength", "verbose": "quiet", "directory": "run_dir", "random_state": "seed",
}  # fmt: skip
"""Names of other libraries -> linnet's, for messages."""
TOP = ("name", "tags", "notes", "seed", "threads", "init_from", "optimum", "figures")
"""Keys that are at the top of the configuration."""
PLAIN = re.compile(r"(?!(?i:null|true|false|nan|inf)$)[A-Za-z_/][\w./-]*", re.ASCII)
"""Texts that the grammar of overrides reads as they are; letters beyond ASCII need quotes."""
WORDS = "a list of words, a dictionary or one string of words"


def overrides_of(given: Any, options: Mapping[str, Any]) -> list[str]:
    """Return the overrides of a call.

    Args:
        given: a list of words as on the command line, a dictionary of keys, nested or dotted, or one string of words.
        options: keywords: a group (`penalty="l2"`), a short name (`lr=0.1`), a key at the top (`seed=1`); or classes
            and functions of a group, which are trusted because they are given, see `given_parts`.

    Raises:
        InputError: an option does not exist, or a part is none.
    """
    parts, words = {}, []
    for name, value in options.items():
        if name in (*CHOSEN, "callbacks", *NAMED) and _is_part(name, value):
            parts[name] = value
        elif name in (*GROUPS, SEARCH, EXPERIMENT):
            words += [f"{name}={value}"] if isinstance(value, str) else _nested(name, value)
        elif name in SHORT or name in TOP:
            words += _nested(SHORT.get(name, name), value)
        else:
            known = [*GROUPS, *NAMED, EXPERIMENT, *SHORT, *TOP]
            meant = f", did you mean {ELSEWHERE[name]}?" if name in ELSEWHERE else nearest(name, known)
            raise InputError(f"{name}: no such option{meant}; of any key give a dictionary, {{'optimizer.lr': 0.1}}")
    return [*given_parts(parts), *words_of(given), *words]


def words_of(given: Any) -> list[str]:
    """Return overrides in any of their forms as a list of words."""
    if isinstance(given, str):
        try:
            return shlex.split(given)
        except ValueError as error:
            raise InputError(f"overrides: {given!r} cannot be split into words: {error}") from error
    if isinstance(given, Mapping):
        return [word for key, value in given.items() for word in _nested(str(key), value)]
    if isinstance(given, Sequence) and all(isinstance(word, str) for word in given):
        return list(given)
    raise InputError(f"overrides: expected {WORDS}, not {type(given).__name__}")


def value_text(value: Any) -> str:
    """Return a value as the grammar of overrides reads it: null, true, 0.1, l2, 'a text', [1,2].

    Raises:
        InputError: it is of a type that no option has.
    """
    if hasattr(value, "tolist") and not isinstance(value, (str, bytes)):  # of numpy and torch
        value = value.tolist()
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (str, PurePath)):
        return str(value) if PLAIN.fullmatch(str(value)) else _quoted(str(value))
    if isinstance(value, (list, tuple, range)):
        return f"[{','.join(map(value_text, value))}]"
    if isinstance(value, Mapping):
        for key in value:
            if not (isinstance(key, str) and PLAIN.fullmatch(key)):
                raise InputError(f"{key!r}: expected a key of ASCII letters, digits, `_`, `.`, `/` and `-`")
        return f"{{{','.join(f'{key}:{value_text(one)}' for key, one in value.items())}}}"
    raise InputError(f"{value!r}: expected a number, a text, true or false, None, or a list of these")


def _is_part(group: str, value: Any) -> bool:
    """Return whether a keyword of a group gives a part of somebody's own, and not options."""
    if group in NAMED or not isinstance(value, (str, Mapping)):
        return True
    return isinstance(value, Mapping) and any(isinstance(one, (type, FunctionType)) for one in value.values())


def _nested(key: str, value: Any) -> list[str]:
    """Return the words of a key: one for each value of nested dictionaries."""
    if isinstance(value, Mapping) and value:
        return [word for name, one in value.items() for word in _nested(f"{key}.{name}", one)]
    if isinstance(value, str) and key in (*GROUPS, SEARCH, EXPERIMENT):
        return [f"{key}={value}"]
    return [f"{key}={value_text(value)}"]


def _quoted(text: str) -> str:
    """Quote a text; backslashes count only before a quote."""
    escaped = re.sub(r"(\\*)'", lambda found: found[1] * 2 + r"\'", text)
    ending = len(escaped) - len(escaped.rstrip("\\"))
    return f"'{escaped}{chr(92) * ending}'"
