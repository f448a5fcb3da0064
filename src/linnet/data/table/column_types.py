"""Types of columns: numbers, booleans, categories, dates or times; the options for numbers in another notation."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linnet.data.table.messages import RowLocator, count_words
from linnet.data.table.notation import BLANKS, PLAIN, SIGN, Notation
from linnet.data.table.values import (
    BOOLEANS,
    Kind,
    examples,
    is_missing,
    is_text,
    kind_of_type,
    matches,
    parsed_numbers,
)
from linnet.system.errors import InputError

MONTH = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?"
CLOCK = r"\d{1,4}:\d{2}(:\d{2}([.,]\d+)?)?(\s*(?i:am|pm))?"
ZONE = r"(\s*([A-Z]{1,4}|[+\-−]\d{2}(:?\d{2})?))?(\s*\[[\w/+\-]+\])?"
DATE = (
    r"^(\d{4}-\d{1,2}(-\d{1,2})?|\d{4}/\d{1,2}/\d{1,2}|\d{4}\.\d{1,2}\.\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})|"
    rf"\d{{1,2}}\.?[ -]{MONTH}[ -]\d{{2,4}}|{MONTH} \d{{1,2}},? \d{{4}}|{MONTH}[ -]\d{{4}})([T ]+{CLOCK}{ZONE})?$"
)
DURATION = rf"^[+\-−]?(\d+ days?,? )?{CLOCK}$|" r"^P(\d+[YMWD])*(T(\d+[.,]?\d*[HMS])+)?$"
MOSTLY = 0.5
"""A text column of which at least this part is numbers (or dates) was meant to be one of numbers (or dates)."""
FEW_TOKENS = 3


def kind_of(
    key: str, name: str, column: pa.ChunkedArray, where: RowLocator, otherwise: str, notation: Notation = PLAIN
) -> Kind:
    """Infer the type of a cleaned column.

    Args:
        key: the role of the column for messages, for example "column age".
        name: of the column.
        where: says where its rows are.
        otherwise: what to give if its numbers are names, for messages.
        notation: how its numbers are written.

    Raises:
        InputError: if most of its texts are numbers, perhaps in another notation, and some are not, naming rows and
            options; or its values are lists or the like.
    """
    if column.null_count == len(column):
        return "empty"
    if not is_text(column):
        return kind_of_type(key, name, column.type)
    valid = len(column) - column.null_count
    if parsed_numbers(column, notation) is not None:
        return "number"
    distinct = pa.chunked_array([column.unique()])  # patterns are slow, and categories have few levels
    place = pc.index_in(column, value_set=distinct).to_numpy()
    numbers = ~is_missing(notation.plain_numbers(distinct))[place]
    if numbers.sum() == valid:
        return "number"
    if pc.all(pc.is_in(pc.utf8_lower(distinct.drop_null()), value_set=pa.array(BOOLEANS))).as_py():
        return "boolean"
    tokens = stand_for_missing(distinct)[place] & ~numbers
    stated = valid - int(tokens.sum())  # values, if the tokens are none
    alike = like_numbers(distinct)[place] | numbers
    if alike.any() and alike.sum() >= MOSTLY * stated:
        _refuse_others(key, column, numbers, alike, tokens, where, otherwise, notation)
    if stated and matches(distinct, DATE)[place].sum() >= MOSTLY * stated:
        return "date"
    return "duration" if stated and matches(distinct, DURATION)[place].sum() >= MOSTLY * stated else "category"


def _refuse_others(
    key: str, column: pa.ChunkedArray, numbers: NDArray[np.bool_], alike: NDArray[np.bool_],
    tokens: NDArray[np.bool_], where: RowLocator, otherwise: str, notation: Notation,
) -> None:  # fmt: skip
    """Raise the InputError about a column of which most, but not all, are numbers or look like numbers."""
    foreign = alike & ~numbers
    options = options_for(column.filter(pa.array(alike)).unique(), notation) if foreign.any() else ""
    if options:
        missing = f" {_missing(column, tokens, notation)}" if tokens.any() else ""
        raise InputError(
            f"{key} has {count_words(int(foreign.sum()), 'value')} in another notation of numbers "
            f"({examples(column, foreign, where)}): give {options}{missing} to read them so; {otherwise}"
        )
    others = ~numbers & ~is_missing(column)
    found = (
        f"{key} is numeric but for {int(others.sum())} of its {len(column) - column.null_count} values "
        f"({examples(column, others, where)}): mend or empty them"
    )
    few = len(column.filter(pa.array(others)).unique()) <= FEW_TOKENS and not matches(column, r"\d")[others].any()
    if (few or (others == tokens).all()) and not foreign.any():
        found += f", or give {_missing(column, others, notation)} if they stand for missing values"
    raise InputError(f"{found}; {otherwise}")


def _missing(column: pa.ChunkedArray, tokens: NDArray[np.bool_], notation: Notation) -> str:
    return missing_option(column.filter(pa.array(tokens)).unique().to_pylist(), notation)


TOKENS = (
    "-", "--", "---", "–", "—", "?", "??", ".", "..", "...", "*", "/", "\\", "_", "none", "unknown", "missing", "n.a.",
    "na", "n.a", "nil", "nat", "not available", "(null)", "(blank)", "\\n", "undefined", "unk", "#div/0!", "#value!",
    "#ref!", "#num!", "#name?", "#null!", "#n/a!", "-nan", "+nan", "1.#qnan", "-1.#ind", "1.#ind",
)  # fmt: skip
"""Texts in lower case that stand for a missing value in a column of numbers."""
ORDINALS = ("st", "nd", "rd", "th")
CURRENCY = r"(?:[A-Z]{1,3})?\p{Sc}|USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|Fr\.|Rs\.?|kr\.?"
UNIT = r"[%‰]|°" + BLANKS + r"*\p{L}?|" + CURRENCY + r"|\p{L}[\p{L}\d²³·/^%.\-]{0,15}"
BODY = (
    r"\d{1,3}(?:[.,'’_ \x{a0}\x{202f}\x{2009}]\d{3})+(?:[.,]\d+)?|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?|"
    r"\d+(?:[.,]\d*)?(?:[eE][+-]?\d+)?|[.,]\d+"
)
LIKE_A_NUMBER = (
    f"^{SIGN}?{BLANKS}*(?P<before>(?:{CURRENCY})?){BLANKS}*{SIGN}?(?P<body>{BODY}){BLANKS}*(?P<after>(?:{UNIT})?)$"
)
GROUPING = " '’_\u00a0\u202f\u2009"
LOOKED_AT = 10_000


def like_numbers(texts: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return which texts look like numbers in any notation `[N]`; a unit after the number is allowed."""
    parts = pc.extract_regex(texts, LIKE_A_NUMBER)
    after = pc.struct_field(parts, "after")
    words = pc.match_substring_regex(after, r"^\p{L}")
    counts = pc.value_counts(pc.drop_null(pc.filter(after, words))).to_pylist()
    named = Counter({pair["values"]: pair["counts"] for pair in counts if pair["values"] not in ORDINALS})
    unit = named.most_common(1)[0][0] if named else ""
    kept = pc.or_(pc.invert(words), pc.equal(after, unit))
    return pc.fill_null(kept, False).to_numpy(zero_copy_only=False)


def stand_for_missing(texts: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return which texts often stand for a missing number `[N]`."""
    found = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(TOKENS))
    return pc.fill_null(found, False).to_numpy(zero_copy_only=False)


def options_for(texts: pa.ChunkedArray, given: Notation) -> str:
    """Return the command-line options that read these texts, which all look like numbers."""
    parts = pc.extract_regex(texts.slice(0, LOOKED_AT), LIKE_A_NUMBER)
    before, body, after = (set(pc.struct_field(parts, name).to_pylist()) for name in ("before", "body", "after"))
    strip = sorted({*given.strip, *(text for text in before | after if text)})
    decimals, thousands, either = _separators(body)
    if given.thousands in either or given.decimal in either - {"."}:
        (thousands if given.thousands in either else decimals).update(either)
        either = set()
    options = []
    if len(either) == 1 and not decimals and not thousands:
        sign = min(either)
        number = min(text for text in body if sign in text)
        fraction = "none" if sign == given.decimal else _option("decimal", sign)
        options.append(
            f"{_option('thousands', sign)} if {number} is {number.replace(sign, '')}, or {fraction} if it is "
            f"{number.replace(sign, '.')},"
        )
    else:
        decimal = "," if "," in decimals or ("." in thousands and "," not in thousands) else "."
        between = (thousands | either) - {decimal} or {given.thousands} - {None, decimal}
        if decimal != given.decimal:
            options.append(_option("decimal", decimal))
        if between and given.thousands not in between:
            options.append(_option("thousands", min(map(str, between))))
    if tuple(strip) != given.strip and strip:
        options.append(f"'data.strip=[{','.join(map(_quoted, strip))}]'")
    return " ".join(options)


def _separators(bodies: set[str]) -> tuple[set[str], set[str], set[str]]:
    """Return decimal separators, thousands separators, and signs that could be either."""
    decimals: set[str] = set()
    thousands: set[str] = set()
    either: set[str] = set()
    for body in bodies:
        signs = re.findall(r"\D", re.split("[eE]", body)[0])
        if not signs:
            continue
        last = signs[-1]
        thousands |= {
            "'" if sign == "’" else " " if sign in GROUPING[4:] else sign for sign in signs if sign in GROUPING
        }
        if last in GROUPING:
            continue
        others = set(signs) - {last}
        thousands |= {sign for sign in others if sign in ".,"}
        if signs.count(last) > 1:
            thousands.add(last)
        elif others or not re.fullmatch(rf"[1-9]\d{{0,2}}\{last}\d{{3}}", body):
            decimals.add(last)
        else:
            either.add(last)
    return decimals, thousands, either - decimals - thousands


def missing_option(tokens: Sequence[str], given: Notation) -> str:
    """Format the option `'data.missing_tokens=["-"]'`, tokens already given included."""
    return f"'data.missing_tokens=[{','.join(map(_quoted, [*given.missing_tokens, *tokens]))}]'"


def _option(key: str, sign: str) -> str:
    """Format an option for a shell: `'data.thousands=","'`."""
    return '"data.thousands=\\"\'\\""' if sign == "'" else f"'data.{key}={_quoted(sign)}'"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\") if text.endswith("\\") else text
    return '"' + escaped.replace('"', '\\"') + '"'
