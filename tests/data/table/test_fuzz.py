"""300 damaged variants of one CSV: refused in one line, or every row used or told, and the undamaged ones unchanged."""

import random
import re
from collections.abc import Callable

import pytest
from tables import CITIES, csv_text, source

from linnet.data import Source
from linnet.system.errors import InputError

N_VARIANTS = 300
COLUMNS = {
    "age": list(range(100, 180)),
    "height": [150 + i / 8 for i in range(80)],
    "city": [CITIES[i % 3] for i in range(80)],
    "y": [round(0.37 * i - 11, 3) for i in range(80)],
}
WHOLE = csv_text(COLUMNS).encode()
FEATURES = ("age", "height", "city=Lima", "city=Oslo", "city=Rome")
VALUES = [
    b"", b"abc", b"inf", b"-inf", b"nan", b"1e999", b"1e-999", b"0x1F", b"1_000", b"NULL", b" ", b'"', b'"a,b"', b"1,5",
    b"\xe9", "é".encode(), b"\x00", b"\x01", b"9" * 400, b"=1+1", "１２".encode(), b"12 ", b"--5",
]  # fmt: skip
BYTES = [b",", b";", b'"', b"\n", b"\r", b"\t", b"'", b"\0", b"\xff", b"\xc3", b"-", b".", b"e", b"7", b" "]


def spot(text: bytes, rng: random.Random) -> int:
    return rng.randrange(len(text))


def insert(text: bytes, rng: random.Random) -> bytes:
    at = spot(text, rng)
    return text[:at] + rng.choice(BYTES) + text[at:]


def delete(text: bytes, rng: random.Random) -> bytes:
    at = spot(text, rng)
    return text[:at] + text[at + rng.randint(1, 4) :]


def overwrite(text: bytes, rng: random.Random) -> bytes:
    at = spot(text, rng)
    return text[:at] + bytes([rng.randrange(256)]) + text[at + 1 :]


def truncate(text: bytes, rng: random.Random) -> bytes:
    return text[: spot(text, rng)]


def lines(change: Callable[[list[bytes], int, random.Random], None]) -> Callable[[bytes, random.Random], bytes]:
    def damage(text: bytes, rng: random.Random) -> bytes:
        rows = text.split(b"\n")
        change(rows, rng.randrange(len(rows)), rng)
        return b"\n".join(rows)

    return damage


def replace_value(rows: list[bytes], at: int, rng: random.Random) -> None:
    values = rows[at].split(b",")
    values[rng.randrange(len(values))] = rng.choice(VALUES)
    rows[at] = b",".join(values)


def swap_values(rows: list[bytes], at: int, rng: random.Random) -> None:
    values = rows[at].split(b",")
    rng.shuffle(values)
    rows[at] = b",".join(values)


def remove_line(rows: list[bytes], at: int, rng: random.Random) -> None:
    del rows[at]


def repeat_line(rows: list[bytes], at: int, rng: random.Random) -> None:
    rows.insert(rng.randrange(len(rows)), rows[at])


def another_delimiter(rows: list[bytes], at: int, rng: random.Random) -> None:
    rows[at] = rows[at].replace(b",", rng.choice([b";", b"\t", b", "]))


def quoted(rows: list[bytes], at: int, rng: random.Random) -> None:
    rows[at] = rows[at].replace(b",", rng.choice([b'","', b',"', b'",']), 1)


DAMAGES = [insert, delete, overwrite, truncate, *map(lines, (replace_value, replace_value, swap_values, remove_line,
                                                            repeat_line, another_delimiter, quoted))]  # fmt: skip


def variant(number: int) -> bytes:
    rng = random.Random(number)
    text = WHOLE
    for _ in range(rng.choice([1, 1, 2, 3])):
        text = rng.choice(DAMAGES)(text, rng) or b","
    return text


def rows_of(data: Source) -> list[tuple[float, ...]]:
    """The examples as (features, target)."""
    parts = [part for part in (data.train, data.val, data.test) if part is not None]
    return [(*x, *y) for part in parts for x, y in zip(part.x.tolist(), part.y.tolist(), strict=True)]


def left_out(data: Source) -> int:
    found = [re.match(r"(\d+) rows?: left out", line) for line in data.summary]
    return sum(int(match[1]) for match in found if match)


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """Line of the whole file -> its example."""
    path = tmp_path_factory.mktemp("whole") / "f.csv"
    path.write_bytes(WHOLE)
    data = source(str(path), min_count=3)
    assert data.feature_names == FEATURES
    by_target = {row[-1]: row for row in rows_of(data)}
    return {line: by_target[float(line.split(b",")[-1])] for line in WHOLE.splitlines()[1:]}


@pytest.mark.parametrize("number", range(N_VARIANTS))
def test_damage_is_refused_or_told(number, tmp_path, intact):
    content = variant(number)
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    try:
        data = source(str(path), min_count=3, missing=["error", "drop", "mean"][number % 3])
    except InputError as error:
        message = str(error)
        assert len(message.splitlines()) == 1
        assert 10 < len(message) < 700
        return
    used = rows_of(data)
    records = [line for line in re.split(rb"\r\n|\r|\n", content) if line]
    more = [re.search(r"(\d+) of its lines go on a row", line) for line in data.summary]
    within_quotes = sum(int(match[1]) for match in more if match)
    assert len(used) + left_out(data) + within_quotes == len(records) - 1
    untouched = [intact[line] for line in records[1:] if line in intact]
    if data.feature_names == FEATURES:
        assert not set(untouched) - set(used)
    elif records[0].endswith(b",y"):  # a column has another name, or one more feature
        assert not {row[-1] for row in untouched} - {row[-1] for row in used}


def test_damage_is_of_every_consequence(tmp_path):
    """The variants are worth running: some are read, some refused."""
    outcomes = []
    for number in range(60):
        (tmp_path / "f.csv").write_bytes(variant(number))
        try:
            source(str(tmp_path / "f.csv"), missing="drop", min_count=3)
            outcomes.append("read")
        except InputError as error:
            outcomes.append(str(error).replace(str(tmp_path), "").split(":")[0])
    assert 10 < outcomes.count("read") < 50
    assert len(set(outcomes)) > 8
