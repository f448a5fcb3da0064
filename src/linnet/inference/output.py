"""Write predictions atomically to a file, or to standard output as they come."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from linnet.inference.opening import STANDARD
from linnet.inference.writers import WRITERS, Csv, Writer, refuse_collisions
from linnet.system.errors import InputError
from linnet.system.files import replacing
from linnet.tracking.linear_predictor import LinearPredictor


def check_output(
    given: str, source: str, ids: Sequence[str], predictor: LinearPredictor, spreadsheet_safe: bool = False, *,
    interval: bool = False,
) -> None:  # fmt: skip
    """Check that the output can be written, before the input is read.

    Args:
        given: path, or "-" for CSV on standard output.
        source: the input.
        ids: columns to be kept.
        predictor: whose predictions they are.
        spreadsheet_safe: whether texts are to be such that a spreadsheet executes none.
        interval: whether predictions come with intervals.

    Raises:
        InputError: if the format is unknown or cannot hold the columns, there is no such directory, or the file
            must not be replaced.
    """
    refuse_collisions(predictor, ids, interval=interval)
    if given == STANDARD:
        return
    path = Path(given).expanduser()
    kind = _kind(path)
    if kind is None:
        raise InputError(f"--output={given}: of no known format, expected a name that ends in {', '.join(WRITERS)}")
    if spreadsheet_safe and kind not in (".csv", ".csv.gz"):
        raise InputError(f"--spreadsheet-safe: is for CSV, and not for --output={given}")
    if kind == ".npy" and ids:
        raise InputError(f"--output={given}: an array holds numbers only, leave out --id or write .csv")
    if not path.parent.is_dir():
        raise InputError(f"--output={given}: there is no directory {path.parent}")
    if path.exists():
        if not path.is_file():
            raise InputError(f"--output={given}: is no file that could be replaced")
        if source != STANDARD and path.samefile(Path(source).expanduser()):
            raise InputError(f"--output={given}: is the input")
        if path.name == "history.csv" and (path.parent / "status.json").is_file():
            raise InputError(f"--output={given}: is the history of a run, choose another name")


@contextmanager
def writing(
    given: str, predictor: LinearPredictor, spreadsheet_safe: bool = False, *, interval: bool = False
) -> Iterator[Writer]:
    """Open a writer of predictions to an output that `check_output` has passed."""
    if given == STANDARD:
        writer: Writer = Csv(sys.stdout.buffer, predictor, spreadsheet_safe)
        yield writer
        writer.close()
        return
    path = Path(given).expanduser().resolve()  # a link stays one
    kind = _kind(path)
    assert kind is not None
    with replacing(path) as file:
        options: dict[str, bool] = {"spreadsheet_safe": True} if spreadsheet_safe else {}
        if interval and kind == ".npy":
            options["interval"] = True
        writer = WRITERS[kind](file, predictor, **options)
        yield writer
        writer.close()


def _kind(path: Path) -> str | None:
    """Return the longest known ending of the name."""
    return max((ending for ending in WRITERS if path.name.lower().endswith(ending)), key=len, default=None)
