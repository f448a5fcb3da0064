"""`linnet evaluate RUN`: the saved weights on the run's own data, or on another labelled file."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from linnet.cli.parser import Parser, add_line_options
from linnet.config.input_files import describe_input_files
from linnet.data.table.messages import count_words
from linnet.system.errors import InputError
from linnet.system.files import to_json, write_json
from linnet.system.garbage_collection import gc_paused
from linnet.system.sanitize import print_note
from linnet.system.terminal import Terminal
from linnet.tracking.directory import require_completed
from linnet.tracking.run_config import load_config


def main(arguments: Sequence[str]) -> None:
    """Print the metrics, and a note if the data is not what the run was trained on."""
    given = _parse(arguments)
    require_completed(given.run)
    with gc_paused():  # late: mistakes are answered before torch is imported
        from linnet.tracking.report import print_metrics
        from linnet.training.evaluate import evaluate
    console = Terminal(stderr=given.json)
    if given.input is None:
        metrics, same_data = evaluate(given.run)
        differs = f"the data differs from that of the run (see {given.run}/manifest.json)"
        reads = describe_input_files(load_config(given.run))
        notes, title = [*filter(None, [reads]), *([] if same_data else [differs])], f"{given.run}, final weights"
    else:
        from linnet.cli.predict import csv_format_of
        from linnet.inference.evaluate_file import evaluate_file, weight_column
        from linnet.inference.labelled_rows import LabelledFile

        weight = weight_column(load_config(given.run))
        file = LabelledFile(given.input, given.target, weight, csv_format_of(given))
        metrics, n_rows, notes = evaluate_file(given.run, file)
        title = f"{given.run}, final weights; test: {count_words(n_rows, 'row')} of {given.input}"
    for note in notes:
        print_note(note)
    if given.output is not None:
        write_json(given.output, metrics)
    if given.json:
        print(to_json(metrics))
    else:
        console.print(title, style="bold", soft_wrap=True, markup=False)
        print_metrics(console, metrics, None)


def _check_input(given: argparse.Namespace) -> None:
    """Raise InputError unless delimiter, encoding and lines to skip are valid."""
    from linnet.cli.predict import csv_format_of
    from linnet.data.table.encoding import ENCODINGS

    csv_format_of(given)
    if given.encoding not in (None, *ENCODINGS):
        raise InputError(f"--encoding={given.encoding}: expected one of {', '.join(ENCODINGS)}")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="linnet evaluate",
        description="Metrics of a run's final weights: on its own data, or with --input on another labelled file, for "
        "which its own data is not needed. Nothing in the run directory changes.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    parser.add_argument("--json", action="store_true", help="print the metrics as JSON, with all their digits")
    parser.add_argument("--output", type=Path, metavar="F", help="write the metrics into a JSON file as well")
    parser.add_argument(
        "--input", metavar="F", help="a table with the columns of the training, or an array; as for `linnet predict`"
    )
    parser.add_argument(
        "--target", metavar="T",
        help="of a table the column (default: that of the training); of an array the file of targets (default: the "
        "array y in the file of --input)",
    )  # fmt: skip
    parser.add_argument("--delimiter", metavar="SIGN", help="of CSV, as for `linnet predict`; default: found out")
    parser.add_argument("--encoding", metavar="NAME", help="of CSV, as for `linnet predict`; default: found out")
    add_line_options(parser)
    given = parser.parse_args(arguments)
    for option in ("target", "delimiter", "encoding", "comment", "skip_rows") if given.input is None else ():
        if getattr(given, option) is not None:
            raise InputError(f"evaluate: --{option.replace('_', '-')} is for a file that is given by --input")
    if given.input is not None:
        _check_input(given)
    if given.output is not None:
        if given.output.resolve().is_relative_to(given.run.resolve()):
            raise InputError(f"--output={given.output}: lies in the run directory, which stays as it is")
        if not given.output.parent.is_dir() or given.output.is_dir():
            raise InputError(f"--output={given.output}: expected a file in an existing directory")
        if given.input is not None and given.output.exists() and given.output.samefile(given.input.partition(":")[0]):
            raise InputError(f"--output={given.output}: is the input")
    return given
