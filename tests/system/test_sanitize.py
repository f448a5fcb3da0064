"""Text of strangers on a terminal: what a terminal would obey is written out."""

import io

import pytest
from rich.table import Table

from linnet.cli import main as cli
from linnet.system.sanitize import printable
from linnet.system.terminal import Terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"), ("a\rb", r"a\rb"), ("\x9b2J", r"\x9b2J"), ("a\u202eb", r"a\u202eb"),
        ("a\u2066b", r"a\u2066b"), ("\0", r"\x00"), ("a\u2028b", r"a\u2028b"), ("caf\ud8e9", r"caf\ud8e9"),
        ("two\nlines\t", "two\nlines\t"), ("10\u00a0kg, é, 日本, می\u200cخواهم", "10\u00a0kg, é, 日本, می\u200cخواهم"),
    ],
)  # fmt: skip
def test_only_what_a_terminal_obeys_is_written_out(text, shown):
    assert printable(text) == shown


def test_in_lines_and_tables(capsys):
    table = Table("[/bold]\x1b]0;title\x07")
    table.add_row("\x1b[2J\u202e")
    file = io.StringIO()
    console = Terminal(file=file, force_terminal=True, color_system="standard", width=80)
    console.print(table)
    console.print("\x1b[8mhidden", style="bold")
    output = file.getvalue()
    assert "[/bold]" in output and "\x1b[1m" in output  # rich's own escapes stay
    assert not any(hidden in output for hidden in ("\x1b]0", "\x07", "\x1b[2J", "\u202e", "\x1b[8m"))


def test_in_errors(workplace, capsys):
    assert cli.run(["inspect", "no\x1b[31mrun"]) == 2
    error = capsys.readouterr().err
    assert r"no\x1b[31mrun" in error and "\x1b" not in error
