"""`linnet export RUN`: make the file, check it against the run, and only then write it."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from linnet.cli.parser import Parser
from linnet.data.table.dates import UNIT
from linnet.inference.export.check import TOLERANCE, largest_difference, samples
from linnet.inference.predictor import Predictor, load_predictor
from linnet.system.errors import InputError
from linnet.system.files import write_atomic
from linnet.system.terminal import Terminal, print_next
from linnet.tracking.run_config import load_config

FORMATS = {"onnx": "as_onnx", "sklearn": "as_sklearn", "json": "as_json"}
OPTIONAL = ("onnx", "onnxruntime", "pandas")
SUFFIXES = {"onnx": ".onnx", "sklearn": ".joblib", "json": ".json"}


def main(arguments: Sequence[str]) -> None:
    """Write the file and say where it is, what it takes, and how closely it agrees with the run.

    Raises:
        InputError: if there is no completed run, the file exists, a package is missing, or the file would not predict
            what the run does; nothing is written then.
    """
    given = _parser().parse_args(arguments)
    output = given.output or Path(f"{given.run.resolve().name}{SUFFIXES[given.format]}")
    if output.exists():
        raise InputError(f"export: {output} exists: remove it, or give another --output")
    if not output.parent.is_dir():
        raise InputError(f"export: --output {output}: {output.parent} is no directory")
    predictor, config = load_predictor(given.run), load_config(given.run)
    if not (np.isfinite(predictor.weight).all() and np.isfinite(predictor.bias).all()):
        raise InputError(f"export: the weights of {given.run} are no finite numbers in the units of its data")
    content, checked = export(predictor, config, given.format)
    write_atomic(output, content)
    console = Terminal()
    print_next(console, "file", str(output))
    print_next(console, "input", inputs_in_words(predictor, given.format))
    print_next(console, "checked", checked)


def export(predictor: Predictor, config: dict[str, Any], kind: str) -> tuple[bytes, str]:
    """Return the file of a format, and in words how it was checked.

    Raises:
        InputError: if a package is missing, or the file does not predict what the run does.
    """
    try:
        form = import_module(f"linnet.inference.export.{FORMATS[kind]}")
        content = form.to_bytes(predictor)
        differences = []
        for sample in samples(predictor, config, torch=kind != "json"):
            found, classes = form.predict(content, sample.inputs)
            difference = largest_difference(sample, found, classes, predictor)
            if not difference <= TOLERANCE:
                raise InputError(
                    f"export: nothing was written, the {kind} file would not predict what the run does: {sample.words} "
                    f"differ by up to {difference:.2g} of the largest prediction"
                )
            differences.append((sample.words, difference))
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        raise InputError(f"export: --format {kind} needs a package: pip install {error.name}") from error
    largest = max(difference for _, difference in differences)
    return content, f"against the run on {' and '.join(words for words, _ in differences)}: {largest:.1e} at most"


def inputs_in_words(predictor: Predictor, kind: str) -> str:
    """Return in words what the file takes: the columns by kind, or the shape of an array."""
    if predictor.table is not None:
        columns = [(UNIT if column.date else column.kind, column.name) for column in predictor.table.columns]
        kinds = dict.fromkeys(kind for kind, _ in columns)
        return "; ".join(f"{kind}: {', '.join(name for own, name in columns if own == kind)}" for kind in kinds)
    shape = predictor.image_shape if kind == "onnx" and predictor.image_shape else (predictor.n_features,)
    levels = ", grey levels 0 … 1" if predictor.byte_scale != 1 else ""
    return f"x [N, {', '.join(map(str, shape))}]{levels}"


def _parser() -> Parser:
    parser = Parser(
        prog="linnet export",
        description="A run as a file that predicts without linnet, preprocessing included. It is checked against the "
        "run before it is written.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    parser.add_argument(
        "--format", choices=tuple(FORMATS), required=True,
        help="onnx: a graph in double precision; sklearn: a Pipeline written by joblib, which takes tables as pandas "
        "DataFrames; json: every number with its meaning, for any language",
    )  # fmt: skip
    parser.add_argument(
        "--output",
        type=Path,
        metavar="F",
        help="a file that does not exist; default: RUN's name + .onnx, .joblib, .json",
    )
    return parser
