"""Text in CSV that a spreadsheet would take for a formula, and could execute."""

import re
from typing import Any

FORMULA = "^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""How such a text begins; the last four are the full-width forms of = + - @."""
NUMBER = r"^[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|inf|nan)$"


def safe_cell(value: Any) -> Any:
    """Return a text that begins like a formula with an apostrophe before it, and everything else as it is.

    Spreadsheets show such a cell as text. Negative numbers stay numbers.
    """
    if isinstance(value, str) and re.match(FORMULA, value) and not re.match(NUMBER, value):
        return f"'{value}"
    return value
