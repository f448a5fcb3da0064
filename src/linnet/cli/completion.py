"""Tab completion by Hydra's plugins: `linnet train --shell-completion install=bash`."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from linnet.cli.commands import COMMANDS, COMPLETION
from linnet.config.compose import PRIMARY, session
from linnet.config.project_options import searchpath_of, take_searchpath
from linnet.config.trust import OPTION
from linnet.system.compat.hydra import completion_plugins
from linnet.system.errors import InputError

ACTIONS = ("install", "uninstall", "query")
LINE = "COMP_LINE"
"""The environment variable in which a shell gives the line that is to be completed."""
WITH_ARGUMENT = (OPTION, "--config-dir", "-cd", "--config-name", "-cn", "--settings", "--package", "-p")


def shell_completion(given: Sequence[str]) -> int:
    """Install, uninstall or answer completion: `install=bash`, `uninstall=bash`, `query=bash`.

    Raises:
        InputError: no such action, or no such shell.
    """
    action, _, shell = given[0].partition("=") if len(given) == 1 else ("", "", "")
    if action not in ACTIONS:
        raise InputError(f"{COMPLETION[1]}: expected install=bash, uninstall=bash or query=bash")
    line = os.environ.get(LINE, "")
    words = line.split()
    in_train = len(words) > 2 or (len(words) == 2 and line.endswith(" "))
    if action == "query" and not in_train:
        print(" ".join(name for name in COMMANDS if len(words) < 2 or name.startswith(words[1])))
        return 0
    if action == "query" and words[1] != "train":
        return 0  # the arguments of other commands are files, which the shell completes itself
    rest, folders = _overrides(words[2:])
    with session(folders):
        plugins = completion_plugins()
        if shell not in plugins:
            raise InputError(f"{COMPLETION[1]} {given[0]}: no such shell, choose from: {', '.join(sorted(plugins))}")
        if action != "query":
            getattr(plugins[shell], action)()
            return 0
        os.environ[LINE] = " ".join([words[0], *rest]) + (" " if line.endswith(" ") or not rest else "")
        with suppress(HydraException, OmegaConfBaseException):  # an earlier word is wrong: there is nothing to offer
            plugins[shell].query(PRIMARY)
    return 0


def _overrides(words: Sequence[str]) -> tuple[list[str], list[Path]]:
    """Return the overrides among the words of a line, and the folders of options that it names."""
    rest, folders, left = [], [], list(words)
    while left:
        word = left.pop(0)
        if word in WITH_ARGUMENT:
            argument = left.pop(0) if left else ""
            if word in ("--config-dir", "-cd"):
                folders.append(searchpath_of(argument))
        elif not word.startswith("-"):
            rest.append(word)
    return rest, take_searchpath(folders)[1]
