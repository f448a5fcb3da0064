"""Command-line parsing whose mistakes are answered like all others: in one line, with exit code 2."""

import argparse
from typing import NoReturn

from linnet.errors import InputError


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises InputError; its `prog` is "linnet COMMAND"."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog.removeprefix('linnet ')}: {message}; see `{self.prog} --help`")
