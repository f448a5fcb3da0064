"""Words of a sweep's command line beyond `key=value`: values that go together, keys under a condition, settings files.

'zip(optimizer.lr=0.1,0.01;trainer.max_epochs=5,50)'    the first value of each key, then the second one of each
'if(optimizer=adam;optimizer.lr=0.001,0.01)'            further keys of the jobs with optimizer=adam
sweep.settings=settings.yaml                            one job for each entry of a list
sweep.stop_at_first_failure=true
search.sampler=random                                   short for hydra.sweeper.sampler=random
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf

from linnet.config.compose import flat
from linnet.config.groups import SEARCH
from linnet.config.project_options import REFERENCE
from linnet.config.unknown_key import nearest
from linnet.system.compat.hydra import parse_overrides
from linnet.system.errors import InputError
from linnet.system.reading import read_yaml
from linnet.system.sanitize import is_text

FORM = re.compile(r"(zip|if)\((.*)\)", re.DOTALL)
OWN = "sweep."
SETTINGS, STOP = f"{OWN}settings", f"{OWN}stop_at_first_failure"
SEARCH_KEY, SWEEPER_KEY = f"{SEARCH}.", "hydra.sweeper."
PRUNER = f"{SEARCH}.pruner"
KEY = re.compile(r"\+{0,2}[A-Za-z_][\w./]*")
OPENING, CLOSING = "([{", ")]}"


@dataclass(frozen=True)
class Condition:
    """Keys that only some jobs have.

    holds_for: a key with one or several values, of which a job has one.
    overrides: what they sweep besides.
    text: as it was given.
    """

    holds_for: str
    overrides: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class SweepWords:
    """A sweep's command line.

    overrides: all but what the other fields hold, the keys of zips among them.
    zips: the keys of each zip.
    conditions: each `if(…)`.
    settings: the overrides of each entry of the settings file; one without overrides if there is no file.
    stop_at_first_failure: whether no job is started after one that did not complete.
    """

    overrides: list[str]
    zips: list[tuple[str, ...]] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    settings: list[list[str]] = field(default_factory=lambda: [[]])
    stop_at_first_failure: bool = False

    @property
    def of_jobs(self) -> list[str]:
        """The overrides that only some jobs have."""
        return [text for words in (*(c.overrides for c in self.conditions), *self.settings) for text in words]


def read_words(given: Sequence[str]) -> SweepWords:
    """Return what the words of a sweep say.

    Raises:
        InputError: a word is not of a form above, or a key is given by two of them.
    """
    words = SweepWords([])
    stop, settings = False, words.settings
    for text in given:
        form, (key, _, value) = FORM.fullmatch(text), text.partition("=")
        if form is not None and form[1] == "zip":
            parts = _parts(form[2], text)
            words.zips.append(tuple(override.get_key_element() for override in parts))
            words.overrides.extend(str(override.input_line) for override in parts)
        elif form is not None:
            words.conditions.append(_condition(form[2], text))
        elif key == SETTINGS:
            settings = read_settings(Path(value))
        elif key == STOP:
            if value not in ("true", "false"):
                raise InputError(f"{text}: expected true or false")
            stop = value == "true"
        elif key.lstrip("+") in (PRUNER, f"{SWEEPER_KEY}pruner"):
            raise InputError(f"{text}: trials are runs, which train to their end: use callbacks=early_stopping")
        elif key.startswith(OWN):
            raise InputError(f"{key}: no such key{nearest(key, (SETTINGS, STOP))}; choose from: {SETTINGS}, {STOP}")
        else:
            words.overrides.append(long_form(text))
    words = SweepWords(words.overrides, words.zips, words.conditions, settings, stop)
    _refuse_given_twice(words)
    return words


def long_form(text: str) -> str:
    """Return `hydra.sweeper.KEY=…` for `search.KEY=…`, and other words as they are."""
    return text.replace(SEARCH_KEY, SWEEPER_KEY, 1) if text.startswith(SEARCH_KEY) else text


def read_settings(path: Path) -> list[list[str]]:
    """Return the overrides of each entry of a YAML list: mappings from keys to values, or lists of overrides.

    Raises:
        InputError: the file cannot be read, or holds something else.
    """
    try:
        content: Any = OmegaConf.to_container(read_yaml(path), resolve=False)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} is not readable YAML: {error}") from error
    if not isinstance(content, list) or not content:
        raise InputError(f"{path}: expected a list of settings, such as - {{optimizer.lr: 0.1, seed: 1}}")
    return [_setting(entry, f"{path}: entry {number}") for number, entry in enumerate(content, 1)]


def _setting(entry: Any, place: str) -> list[str]:
    if isinstance(entry, Mapping) and entry:
        return [_override(str(key), value, place) for key, value in flat(entry).items()]
    if not isinstance(entry, list) or not all(isinstance(text, str) for text in entry):
        raise InputError(f"{place}: expected keys with values, or a list of overrides")
    keys = [text.partition("=")[0].lstrip("+") for text in entry]
    for key, text in zip(keys, entry, strict=True):
        if keys.count(key) > 1:
            raise InputError(f"{place}: {key} is given twice")
        (override,) = _parsed([text], place)
        if override.is_sweep_override():
            raise InputError(f"{place}: {text}: one setting has one value of a key")
        _refuse_unwritable(text, text, place)
    return entry


def _override(key: str, value: Any, place: str) -> str:
    """Return the override that gives a key a value; a text is quoted where it would be read as something else."""
    if not KEY.fullmatch(key):
        raise InputError(f"{place}: {key}: not the name of a key")
    text = f"{key}={_text(value)}"
    _refuse_unwritable(value, text, place)
    if isinstance(value, str):
        try:
            (plain,) = parse_overrides([f"{key}={value}"])
            text = f"{key}={value}" if plain.value() == value and not plain.is_sweep_override() else text
        except HydraException:  # it is read as a text between quotes only
            pass
    _parsed([text], place)
    return text


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, Mapping):
        return "{}"  # `flat` leaves no other
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)


def _refuse_unwritable(value: Any, text: str, place: str) -> None:
    """Raise InputError for a value that would compute something, or that no file of a run could hold."""
    if "\0" in str(value) or not is_text(str(value)):
        raise InputError(f"{place}: {text!a}: holds bytes that could not be recorded")
    if "${" in REFERENCE.sub("", str(value)):
        raise InputError(f"{place}: {text}: of interpolations only ${{key}} is allowed here, the value of another key")


def _parsed(texts: Sequence[str], place: str) -> list[Override]:
    try:
        parsed = parse_overrides(texts)
    except HydraException as error:
        raise InputError(f"{place}: {' '.join(str(error).split()).split(' See http')[0]}") from error
    for override in parsed:
        if re.split(r"[./]", override.key_or_group)[0] == "hydra" or override.package:
            raise InputError(f"{place}: {override.input_line}: a job sets nothing of Hydra's")
    return parsed


def _parts(content: str, text: str) -> list[Override]:
    """Return the overrides between the parentheses of a zip or a condition."""
    return _parsed([part.strip() for part in _split(content)], text)


def _split(content: str) -> Iterator[str]:
    """Yield what semicolons separate, outside of quotes and brackets."""
    depth, quote, start = 0, "", 0
    for place, char in enumerate(content):
        if quote:
            quote = "" if char == quote and content[place - 1] != "\\" else quote
        elif char in "'\"":
            quote = char
        elif char in OPENING + CLOSING:
            depth += 1 if char in OPENING else -1
        elif char == ";" and depth == 0:
            yield content[start:place]
            start = place + 1
    yield content[start:]


def _condition(content: str, text: str) -> Condition:
    first, *others = _parts(content, text)
    if not others:
        raise InputError(
            f"{text}: expected a condition and what it allows, as in if(optimizer=adam;optimizer.beta1=0.8,0.9)"
        )
    overrides = tuple(str(override.input_line) for override in others)
    return Condition(str(first.input_line), overrides, text)


def _refuse_given_twice(words: SweepWords) -> None:
    """Raise InputError for a key of a zip, a condition or the settings that another word gives, too."""
    keys = [text.partition("=")[0].lstrip("+") for text in words.overrides]
    several = [key for keys_of_zip in words.zips for key in keys_of_zip]
    in_settings = {text.partition("=")[0].lstrip("+") for setting in words.settings for text in setting}
    under_condition = {text.partition("=")[0].lstrip("+") for c in words.conditions for text in c.overrides}
    for key in several:
        if keys.count(key.lstrip("+")) > 1:
            raise InputError(f"{key} is given twice: in a zip, and beside it")
    for key in sorted(in_settings | under_condition):
        if key in keys or (key in in_settings and key in under_condition):
            raise InputError(f"{key} is given twice: for some jobs, and for all")
