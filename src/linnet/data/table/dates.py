"""Parse dates, with times and zones, to days since 1970-01-01 00:00 UTC."""

import re
from datetime import datetime, timedelta, timezone
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linnet.data.table.messages import RowLocator, listed
from linnet.data.table.values import Floats, examples, is_missing, is_text
from linnet.system.errors import InputError

Order = Literal["ymd", "dmy", "mdy"]
UNIT = "days since 1970-01-01"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
DAY = 86_400e6
"""Microseconds."""
YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?!\d)")
TIME = re.compile(
    r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AaPp][Mm])?)?\s*(Z|UTC|GMT|[+\-−]\d{2}(?::?\d{2})?)?"
)


def order_of(key: str, name: str, column: pa.ChunkedArray, day_first: bool | None, where: RowLocator) -> Order:
    """Return in which order a column of dates has year, month and day.

    Years of four digits come first, or day and month decide: 31 is no month, and points stand between day, month and
    year in this order.

    Args:
        key: the role of the column for messages.
        name: of the column.
        column: cleaned; typed dates have no order.
        day_first: of dates such as 03/04/2025; None: found out.
        where: says where its rows are.

    Raises:
        InputError: both orders are possible, or none, or dates are written in a way that is not read.
    """
    if not is_text(column):
        return "ymd"
    texts = [text for text in column.unique().to_pylist() if text is not None]
    parts = [match.groups() for text in texts if (match := YEAR_LAST.match(text))]
    if not parts:
        return "ymd"
    if day_first is not None:
        return "dmy" if day_first else "mdy"
    first, second = (max(int(groups[place]) for groups in parts) for place in (0, 2))
    if first > 12 >= second or (first <= 12 and second <= 12 and all(groups[1] == "." for groups in parts)):
        return "dmy"
    if second > 12 >= first:
        return "mdy"
    ambiguous = np.array([bool(text and YEAR_LAST.match(text)) for text in column.to_pylist()])
    raise InputError(
        f"{key}: the day or the month may come first ({examples(column, ambiguous, where)}): give data.day_first=true "
        f"or data.day_first=false, or leave it out by data.exclude={listed([name])}"
    )


def as_days(key: str, column: pa.ChunkedArray, order: Order, where: RowLocator) -> Floats:
    """Return a cleaned column of dates as days `[N]`, NaN where they are missing; numbers are such days already.

    Times without a zone count as UTC.

    Raises:
        InputError: naming the rows that hold no date.
    """
    missing = is_missing(column)
    if not is_text(column):
        if pa.types.is_temporal(column.type):
            column = column.cast(pa.timestamp("us")).cast(pa.int64())
            return np.where(missing, np.nan, pc.fill_null(column, 0).to_numpy() / DAY)
        return np.array(column.cast(pa.float64()).to_numpy(), np.float64)
    distinct = column.unique()
    found = np.array([np.nan if text is None else _days(text, order) for text in distinct.to_pylist()])
    days: Floats = found[pc.index_in(column, value_set=distinct).to_numpy()]
    wrong = np.isnan(days) & ~missing
    if wrong.any():
        shape = {"ymd": "2025-12-31", "dmy": "31.12.2025", "mdy": "12/31/2025"}[order]
        raise InputError(f"{key}: expected a date such as {shape}, found {examples(column, wrong, where)}")
    return days


def _days(text: str, order: Order) -> float:
    """Return days since 1970-01-01, NaN if the text is no date."""
    match = YEAR_FIRST.match(text)
    if match:
        year, month, day = (int(part) for part in match.groups())
    else:
        match = YEAR_LAST.match(text)
        if not match or order == "ymd":
            return float("nan")
        first, second, year = (int(match[place]) for place in (1, 3, 4))
        day, month = (first, second) if order == "dmy" else (second, first)
    time = TIME.fullmatch(text, match.end())
    if not time:
        return float("nan")
    hour, minute, second_of_minute, fraction, half, zone = time.groups()
    try:
        moment = datetime(year, month, day, _hour(hour, half), int(minute or 0), int(second_of_minute or 0))
    except ValueError:
        return float("nan")
    moment = moment.replace(tzinfo=_zone(zone), microsecond=int((fraction or "0").ljust(6, "0")[:6]))
    return (moment - EPOCH) / timedelta(days=1)


def _hour(hour: str | None, half: str | None) -> int:
    if hour is None:
        return 0
    if half is None:
        return int(hour)
    return int(hour) % 12 + 12 * (half.lower() == "pm")


def _zone(zone: str | None) -> timezone:
    if zone is None or zone in ("Z", "UTC", "GMT"):
        return timezone.utc
    sign, digits = -1 if zone[0] in "-−" else 1, zone[1:].replace(":", "").ljust(4, "0")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
