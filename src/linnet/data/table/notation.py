"""Notation of numbers and missing values in a table."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from linnet.system.errors import InputError

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL")
"""Texts that stand for a missing value in every table."""
MINUS = "−"
"""U+2212, the minus sign of typesetting."""
SIGN = f"[+\\-{MINUS}]"
BLANKS = r"[\s\x{a0}\x{202f}\x{2009}]"
ALIKE = {" ": r"[ \x{a0}\x{202f}\x{2009}]", "'": "['’]"}
"""Separators of thousands that stand for others that look like them."""


@dataclass(frozen=True)
class Notation:
    """Notation of numbers and missing values in the text columns of a table.

    decimal: the sign between whole part and fraction.
    thousands: the sign between groups of three digits, None where there is none.
    strip: texts to remove before and after a number, such as a currency or a unit.
    missing_tokens: texts that stand for a missing value, besides `MISSING`.
    """

    decimal: str = "."
    thousands: str | None = None
    strip: tuple[str, ...] = ()
    missing_tokens: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether numbers are in plain notation, as in 1234.5."""
        return self.decimal == "." and self.thousands is None and not self.strip

    @property
    def missing_texts(self) -> tuple[str, ...]:
        """All texts that stand for a missing value."""
        return tuple(dict.fromkeys((*MISSING, *(token.strip() for token in self.missing_tokens))))

    def without_tokens(self, table: pa.Table) -> pa.Table:
        """Replace the notation's missing tokens by null, with or without blanks around them."""
        if self.missing_tokens:
            tokens = pa.array([token.strip() for token in self.missing_tokens], pa.string())
            for place, name in enumerate(table.column_names):
                column = table[name]
                if pa.types.is_string(column.type):
                    stands = pc.is_in(pc.utf8_trim_whitespace(column), value_set=tokens)
                    column = pc.if_else(stands, pa.scalar(None, pa.string()), column)
                    table = table.set_column(place, name, column)
        return table

    def of_column(self, column: pa.ChunkedArray) -> "Notation":
        """Return the notation of one cleaned column: plain, if its texts are plain numbers and not all fit this one.

        A file with 1.234,5 in one column may hold 0.125 in another that a program has written.
        """
        if self.is_plain or not pa.types.is_string(column.type):
            return self
        fits = self.plain_numbers(column).null_count == column.null_count
        return self if fits or PLAIN.plain_numbers(column).null_count > column.null_count else PLAIN

    def plain_numbers(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """Rewrite numbers in plain notation (as in 1234.5), null for texts that are no numbers; texts are stripped."""
        parts = pc.extract_regex(texts, _pattern(self))
        body, signs = pc.struct_field(parts, "body"), [pc.struct_field(parts, name) for name in ("sign", "inner")]
        if self.thousands is not None:
            body = pc.replace_substring_regex(body, ALIKE.get(self.thousands, re.escape(self.thousands)), "")
        if self.decimal != ".":
            body = pc.replace_substring(body, self.decimal, ".")
        sign = pc.replace_substring(pc.binary_join_element_wise(*signs, ""), MINUS, "-")
        number = pc.binary_join_element_wise(sign, body, "")
        return pc.if_else(pc.less_equal(pc.binary_length(sign), 1), number, pa.scalar(None, pa.string()))


PLAIN = Notation()


def make_notation(decimal: str, thousands: str | None, strip: Sequence[str], missing_tokens: Sequence[str]) -> Notation:
    """Return the notation that the configuration's options define.

    Raises:
        InputError: if one sign stands for two things.
    """
    if decimal == thousands:
        raise InputError(f"data.decimal and data.thousands are both '{decimal}': give two different signs")
    return Notation(decimal, thousands, tuple(strip), tuple(missing_tokens))


@lru_cache(maxsize=16)
def _pattern(notation: Notation) -> str:
    """Return a regular expression (RE2) with the groups sign, inner (a sign after what is stripped) and body."""
    decimal = re.escape(notation.decimal)
    bodies = [rf"(?:\d+(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?", "(?i:inf|infinity)"]
    if notation.thousands is not None:
        thousands = ALIKE.get(notation.thousands, re.escape(notation.thousands))
        bodies.insert(0, rf"\d{{1,3}}(?:{thousands}\d{{2,3}})*{thousands}\d{{3}}(?:{decimal}\d*)?")
    texts = sorted({text.strip() for text in notation.strip} - {""}, key=len, reverse=True)
    start, inner, end = "", "", ""
    if texts:
        stripped = f"(?:{'|'.join(map(re.escape, texts))})"
        start, inner, end = f"{BLANKS}*(?:{stripped}{BLANKS}*)*", f"{SIGN}?", f"(?:{BLANKS}*{stripped})*"
    return f"^(?P<sign>{SIGN}?){start}(?P<inner>{inner})(?P<body>{'|'.join(bodies)}){end}$"
