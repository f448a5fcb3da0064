"""`linnet predict RUN --input F`: predictions for new examples."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from linnet.cli.parser import Parser, add_line_options, add_spreadsheet_option
from linnet.data.storage.sharded_arrays import ShardedArray
from linnet.data.table.delimited import CsvFormat
from linnet.data.table.encoding import ENCODINGS
from linnet.data.table.layout import DELIMITERS
from linnet.data.table.messages import count_words, join_names, require_column
from linnet.inference.opening import STANDARD, opened
from linnet.inference.output import check_output, writing
from linnet.inference.predictor import Predictor, load_predictor
from linnet.inference.rows import Bounds, Predicted, RowNotes, Table, of_array, of_table, preprocessing_of
from linnet.system.errors import InputError
from linnet.system.sanitize import print_note, printable

DESCRIPTION = """\
Predictions for new examples, one for each row. A run that was trained on a table takes a table with columns of the same
names, in any order; one that was trained on arrays takes an array. The output has a column `prediction`; of classes, a
column `probability_...` for each as well."""


class Request(NamedTuple):
    """Options of the command line; see `linnet predict --help`."""

    run: Path
    input: str
    output: str
    id: tuple[str, ...]
    csv_format: CsvFormat
    spreadsheet_safe: bool
    interval: float | None

    @property
    def place(self) -> str:
        return "standard input" if self.input == STANDARD else self.input


def main(arguments: Sequence[str]) -> None:
    """Write the predictions, and print notes on rows and columns to stderr."""
    request = _parse(arguments)
    predictor, row_notes = load_predictor(request.run), RowNotes()
    bounds, interval = _bounds(predictor, request), request.interval is not None
    check_output(request.output, request.input, request.id, predictor, request.spreadsheet_safe, interval=interval)
    n_rows = n_unknown = 0
    with opened(request.input, request.csv_format) as source:
        rows, notes = _predictions(predictor, request, source, row_notes, bounds)
        with writing(request.output, predictor, request.spreadsheet_safe, interval=interval) as writer:
            for predicted in rows:
                writer.write(predicted)
                n_rows += len(predicted.known)
                n_unknown += int((~predicted.known).sum())
    notes += [] if bounds is None else [bounds.method]
    notes += [] if isinstance(source, ShardedArray) else source.notes
    notes += [f"{count_words(count, 'row')}: {what}" for what, count in row_notes.items()]
    notes += [f"{count_words(n_unknown, 'row')} of {n_rows} without a prediction"] if n_unknown else []
    for note in notes:
        print_note(note)
    if request.output != STANDARD:
        print(f"{printable(request.output)}: predictions of {count_words(n_rows, 'row')}")


def _bounds(predictor: Predictor, request: Request) -> Bounds | None:
    """Return the intervals that are asked for. Raises InputError if the run has none."""
    if request.interval is None:
        return None
    from linnet.inference.intervals import check_confidence, load_intervals  # late: brings scipy and omegaconf

    check_confidence(request.interval, "--interval")
    return load_intervals(request.run, predictor, request.interval)


def _predictions(
    predictor: Predictor, request: Request, source: Table | ShardedArray, row_notes: RowNotes, bounds: Bounds | None
) -> tuple[Iterator[Predicted], list[str]]:
    """Return an iterator of predictions, and notes on the input. Raises InputError if the model takes no such input."""
    place, preprocessing = request.place, preprocessing_of(predictor)
    if isinstance(source, ShardedArray):
        if predictor.table is not None:
            needed = join_names(column.name for column in predictor.table.columns)
            raise InputError(f"{place} is an array, but {request.run} takes a table with the columns {needed}")
        if request.id:
            raise InputError(f"--id={request.id[0]}: the columns of an array have no names")
        return of_array(predictor, source, place, row_notes, bounds), []
    if preprocessing is None:
        shape = ", ".join(map(str, ("N", *(predictor.image_shape or [predictor.n_features]))))
        raise InputError(f"{place} is a table, but {request.run} takes an .npy file of shape [{shape}]")
    unknown = preprocessing.unknown(source.names, place)
    for name in request.id:
        require_column("--id", name, source.names, place)
    unknown = [name for name in unknown if name not in request.id]
    notes = [f"{place}: not in the training data, ignored: {join_names(unknown, 20)}"] if unknown else []
    return of_table(predictor, preprocessing, source, place, request.id, row_notes, bounds), notes


def _parse(arguments: Sequence[str]) -> Request:
    parser = Parser(prog="linnet predict", description=DESCRIPTION)
    parser.add_argument("run", type=Path, metavar="RUN", help="the directory of a completed run")
    parser.add_argument(
        "--input",
        required=True,
        metavar="F",
        help="CSV (also .csv.gz), Parquet, Feather, .npy, .npz or .safetensors; -: CSV on stdin",
    )
    parser.add_argument(
        "--output", default=STANDARD, metavar="G",
        help="in .csv, .csv.gz, .parquet, .feather or .npy (of classes: probabilities); default -: CSV on stdout",
    )  # fmt: skip
    parser.add_argument(
        "--interval", type=float, metavar="P",
        help="add the interval that holds the target of a new row with probability P, as prediction_low and "
             "prediction_high, of classes the set, as in_set_...; of a run with resampling=kfold by CV+, of least "
             "squares solved by optimizer=exact from theory",
    )  # fmt: skip
    parser.add_argument("--id", action="append", default=[], metavar="COLUMN", help="a column to keep, repeatable")
    parser.add_argument(
        "--delimiter", metavar="SIGN", help=f"of CSV: {', '.join(DELIMITERS)}, or a character; default: found out"
    )
    parser.add_argument(
        "--encoding", choices=ENCODINGS, metavar="NAME", help=f"of CSV: {', '.join(ENCODINGS)}; default: found out"
    )
    add_line_options(parser)
    add_spreadsheet_option(parser)
    given = parser.parse_args(arguments)
    csv_format, ids = csv_format_of(given), tuple(dict.fromkeys(given.id))
    return Request(given.run, given.input, given.output, ids, csv_format, given.spreadsheet_safe, given.interval)


def csv_format_of(given: argparse.Namespace) -> CsvFormat:
    """Return how to read CSV. Raises InputError for a delimiter, comment or number of lines that cannot be."""
    sign, names = given.delimiter, ", ".join(DELIMITERS)
    if sign is not None and sign not in DELIMITERS and (len(sign) != 1 or not sign.isascii() or sign in '"\r\n'):
        raise InputError(f"--delimiter={sign}: expected one character, or one of {names}")
    if given.comment == "":
        raise InputError("--comment: expected a sign such as #")
    if given.skip_rows is not None and given.skip_rows < 0:
        raise InputError(f"--skip-rows={given.skip_rows}: expected a whole number of at least 0")
    return CsvFormat(sign, given.encoding, given.comment, given.skip_rows or 0)
