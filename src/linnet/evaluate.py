"""`linnet evaluate RUN`: the saved weights on the run's own data, or on another labelled file."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from linnet import best_possible
from linnet.build import build_data
from linnet.data import Data
from linnet.data.table.naming import count_words
from linnet.errors import InputError
from linnet.files import read_json, write_json
from linnet.models import LinearNetwork
from linnet.optimum.landscape import Landscape
from linnet.parser import Parser, add_line_options, skipped_lines
from linnet.predictor import require_completed
from linnet.saved import load_config, load_model
from linnet.statistics import HIGH, LOW
from linnet.terminal import Terminal
from linnet.tracking.gap import distances
from linnet.tracking.report import metrics_table


def main(arguments: Sequence[str]) -> None:
    """Print the metrics, and notes where the data is not what the run was trained on."""
    given = _parse(arguments)
    console = Terminal(stderr=given.json)
    if given.input is None:
        metrics, same_data = evaluate(given.run)
        differs = f"the data differs from that of the run (see {given.run}/manifest.json)"
        notes, title = [] if same_data else [differs], f"{given.run}, final weights"
    else:
        from linnet.evaluate_file import evaluate_file, weight_column
        from linnet.labelled import LabelledFile

        weight = weight_column(load_config(given.run))
        lines = given.comment, skipped_lines(given)
        file = LabelledFile(given.input, given.target, weight, given.delimiter, given.encoding, *lines)
        metrics, n_rows, notes = evaluate_file(given.run, file)
        title = f"{given.run}, final weights; test: {count_words(n_rows, 'row')} of {given.input}"
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    if given.output is not None:
        write_json(given.output, metrics)
    if given.json:
        print(json.dumps(metrics, indent=2))
    else:
        console.print(title, style="bold", soft_wrap=True, markup=False)
        console.print(metrics_table(metrics, None))


def _check_input(given: argparse.Namespace) -> None:
    """Raise InputError unless the options that say how a file is read are such."""
    from linnet.data.table.encoding import ENCODINGS
    from linnet.prediction.command import check_delimiter

    check_delimiter(given.delimiter)
    skipped_lines(given)
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


def evaluate(run: Path) -> tuple[dict[str, float], bool]:
    """All figures of the final weights, and whether the data has the checksum in the run's manifest.

    Raises:
        InputError: if the directory holds no completed run.
    """
    require_completed(run)
    config = load_config(run)
    data = build_data(config)
    model = load_model(run, config, data)
    metrics, _ = evaluate_parts(model, data, best_possible.load(run))
    recorded = read_json(run / "manifest.json").get("data_checksum") if (run / "manifest.json").is_file() else None
    return metrics, recorded == data.source.checksum


def evaluate_parts(
    model: LinearNetwork,
    data: Data,
    landscape: Landscape | None = None,
    known: Mapping[str, dict[str, float]] | None = None,
) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """All final figures, and the predictions `[N, C]` of each part.

    Keys: `train/…`, `val/…`, `test/…` as far as there are such examples; the ends of 95 % intervals of test figures,
    `test/…_ci95_low` and `test/…_ci95_high`, see `linnet.statistics`; `train/objective` = loss + penalty;
    with an l1 penalty `parameter/nonzero`, how many weights it has left;
    for synthetic data `parameter/weight_error` = ‖ŵ − w‖ and `parameter/bias_error` = ‖b̂ − b‖ in the units the data
    was made in, or `test/bayes_accuracy`, the accuracy that no classifier can exceed on average; with a landscape,
    `optimum/loss` = the best possible train/objective, `optimum/bound`, `optimum/gap`, `optimum/distance`, and what
    inference says of it.

    Args:
        model: a single one.
        data: the examples.
        landscape: of the training problem.
        known: part -> its figures, where they were found for many models at once; only the test part is predicted then.
    """
    metrics: dict[str, float] = {}
    predictions: dict[str, torch.Tensor] = {}
    for name, part in data.parts().items():
        if known is not None:
            figures = known[name]
        elif part.streamed:
            (figures,) = model.evaluate_all(part)
        else:
            figures, predictions[name] = model.evaluate(part)
        metrics.update({f"{name}/{key}": value for key, value in figures.items()})
        if name == "test":
            if known is not None and not part.streamed and model.loss.task == "regression":
                predictions[name] = model.evaluate(part)[1]
            for key, (low, high) in model.intervals(figures, predictions.get(name), part).items():
                metrics |= {f"test/{key}{LOW}": low, f"test/{key}{HIGH}": high}
    with torch.no_grad():
        metrics["train/objective"] = metrics["train/loss"] + model.penalty.value(model.weight)[0].item()
        if model.penalty.proximal:
            metrics["parameter/nonzero"] = float(torch.count_nonzero(model.weight[0]))
        truth = data.source.truth
        if truth is not None:
            weight = model.weight[0].double().cpu()
            bias = torch.zeros(len(weight), dtype=torch.float64) if model.bias is None else model.bias[0].double().cpu()
            if data.scaling is not None:
                weight, bias = data.scaling.undo(weight, bias)
            metrics["parameter/weight_error"] = (weight - truth.weight).norm().item()
            metrics["parameter/bias_error"] = (bias - truth.bias).norm().item()
    if data.source.bayes_accuracy is not None:
        metrics["test/bayes_accuracy"] = data.source.bayes_accuracy
    if landscape is not None and landscape.optimum.attained:
        metrics |= best_possible.metrics(landscape)
        metrics |= distances(landscape.optimum, model.weight[0], metrics["train/objective"])
    return metrics, predictions
