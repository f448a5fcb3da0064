"""Command-line parsing that reports mistakes in one line, with exit code 2, as all other errors."""

import argparse
from typing import NoReturn

from linnet.system.errors import InputError


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises InputError; its `prog` is "linnet COMMAND"."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog.removeprefix('linnet ')}: {message}; see `{self.prog} --help`")


def add_line_options(parser: Parser) -> None:
    """Add the options for lines of a CSV file that are not rows."""
    parser.add_argument("--comment", metavar="SIGN", help="of CSV: what lines that are no rows begin with, such as #")
    parser.add_argument("--skip-rows", type=int, metavar="N", help="of CSV: lines before the header; default: 0")


def add_spreadsheet_option(parser: Parser) -> None:
    """Add the option for CSV that is to be opened in a spreadsheet."""
    parser.add_argument(
        "--spreadsheet-safe", action="store_true",
        help="of CSV: begin texts with an apostrophe that a spreadsheet would execute as formulas, such as =1+1",
    )  # fmt: skip
