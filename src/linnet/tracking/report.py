"""Print the result of a run as a table, and draw its figures."""

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from torch import Tensor

from linnet.config.metric_names import SPLITS
from linnet.data import Data
from linnet.data.standardizer import Standardizer
from linnet.models import LinearNetwork
from linnet.solvers.inference import COLUMNS
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.solvers.student_t import critical_t
from linnet.system.sanitize import plain
from linnet.system.tables import COMPACT, Column, print_table
from linnet.system.terminal import print_next
from linnet.tracking.history import Curve
from linnet.tracking.metrics_cells import INTERVAL, other_cells, split_cells

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def print_result(
    console: Console, metrics: Mapping[str, float], path: Path, chosen: str, seconds: float, *, again: bool = True
) -> None:
    """Print the table of final metrics, their file and the next commands.

    Args:
        console: where it is printed.
        metrics: of the run.
        path: the run directory, as a person would type it.
        chosen: which weights were kept.
        seconds: that the run took.
        again: whether the run can be evaluated from its directory.
    """
    print_metrics(console, metrics, f"{chosen} ({seconds:.1f} s)")
    # TensorBoard names a run by its path below the directory that it is given.
    board = "linnet board" if path.parts[:1] == ("runs",) else f"linnet board {path.parent}"
    for label, value in (("run", str(path)), ("curves", board)):
        print_next(console, label, value)
    if again:
        print_next(console, "again", f"linnet evaluate {path}")


def print_metrics(console: Console, metrics: Mapping[str, float], title: str | None) -> None:
    """Print a row per metric with a column per split and one for 95 % intervals, then metrics that are of no split."""
    header, rows = split_cells(metrics)
    sides: dict[str, Literal["left", "center", "right"]] = {"metric": "left", INTERVAL: "center"}
    columns = [Column(name, sides.get(name, "right"), whole=name != "metric") for name in header]
    print_table(console, columns, rows, title=title)
    others = other_cells(metrics)
    if others:
        meaning = [Column("meaning")] if any(row[2] for row in others) else []
        print_table(console, [Column("metric"), Column("value", "right", whole=True), *meaning], others)


def print_coefficients(
    console: Console, metrics: Mapping[str, float], scaling: Standardizer | None, feature_names: Sequence[str]
) -> None:
    """Print inference on each coefficient of the optimum, in the units of the data; nothing without inference.

    Args:
        console: where.
        metrics: of the run.
        scaling: of the features, whose effects per deviation are shown too; None: they were not scaled.
        feature_names: D names.
    """
    start = f"optimum/{COLUMNS[0]}/"
    names = [key.removeprefix(start) for key in metrics if key.startswith(start)]
    if not names:
        return
    headers = ["coefficient", "std error", "t", "p", "low", "high", *([] if scaling is None else [scaling.unit])]
    effects = {} if scaling is None else dict(zip(feature_names, scaling.deviation.tolist(), strict=True))
    rows = []
    for name in names:
        numbers = [metrics.get(f"optimum/{column}/{name}") for column in COLUMNS]
        if scaling is not None:
            deviation = effects.get(name, effects.get(name.partition("/")[2]))  # of several outputs, after their names
            numbers.append(None if deviation is None or numbers[0] is None else numbers[0] * deviation)
        digits = [2 if column == "p" else 4 for column in (*COLUMNS, "effect")]
        cells = zip(numbers, digits, strict=False)
        rows.append([name, *["" if number is None else f"{number:.{places}g}" for number, places in cells]])
    columns = [Column(""), *(Column(header, "right", whole=True) for header in headers)]
    print_table(console, columns, rows, title="coefficients of the optimum, with 95 % intervals", **COMPACT)


def png(figure: "Figure") -> bytes:
    """Encode the figure as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # there is a box in its place
        if not isinstance(figure.canvas, FigureCanvasAgg):  # of another module
            FigureCanvasAgg(figure)
        figure.canvas.print_png(buffer)  # type: ignore[attr-defined]  # `savefig` would draw twice
    return buffer.getvalue()


def folds_picture(metrics: Sequence[Mapping[str, float]], times_held_out: float) -> bytes:
    """Draw the metrics of each resample as a PNG file, see `linnet.tracking.figures.folds`."""
    from linnet.tracking import figures

    return png(figures.folds(metrics, times_held_out))


def result_figures(
    model: LinearNetwork,
    data: Data,
    predictions: Mapping[str, Tensor],
    history: Mapping[str, Curve],
    analysis: ProblemAnalysis | None = None,
    run: Path | None = None,
) -> "dict[str, Figure]":
    """Name -> figure: learning curves, the coefficients unless they are pixels, and what the task is judged by, on test
    data (else validation, else training).

    Args:
        model: with its final weights.
        data: the examples predicted.
        predictions: split -> `[N, C]`, as `LinearNetwork.evaluate` gives them.
        history: every logged point.
        analysis: of the training problem, if it is known.
        run: its directory, which the figures name, and the split that they are of.
    """
    from linnet.tracking.figures.style import literal, name_figure

    drawn = _result_figures(model, data, predictions, history, analysis)
    if run is not None:
        name = literal(plain("/".join(run.absolute().parts[-2:])))
        split = next((name for name in reversed(SPLITS) if name in predictions), None)
        for figure in drawn:
            name_figure(drawn[figure], f"{name}, {split} split" if figure in OF_SPLIT else name)
    return drawn


OF_SPLIT = ("prediction_against_target", "residuals", "confusion_matrix", "reliability", "confident_mistakes")
"""Figures of predictions; others are of training, or of the weights."""


def _result_figures(
    model: LinearNetwork, data: Data, predictions: Mapping[str, Tensor], history: Mapping[str, Curve],
    analysis: ProblemAnalysis | None,
) -> "dict[str, Figure]":  # fmt: skip
    """Return the figures of `result_figures`, which do not say yet what they are of."""
    from linnet.tracking import figures

    drawn = {"learning_curves": figures.learning_curves(history)}
    if "optimum/gap" in history:
        drawn["optimum_gap"] = figures.optimum_gap(history)
    if data.source.feature_names or (data.source.task == "regression" and data.source.image_shape is None):
        drawn["coefficients"] = _coefficients(model, data, analysis)
    split = next((name for name in reversed(SPLITS) if name in predictions), None)
    if split is None:  # of data larger than memory
        return drawn
    examples = {"train": data.train, "val": data.val, "test": data.test}[split]
    assert examples is not None
    prediction = model.loss.mean(predictions[split][None])[0].detach().cpu()
    target = examples.y.cpu()
    source = data.source
    if source.task == "regression":
        if data.offset is not None:
            prediction, target = prediction.double() + data.offset, target.double() + data.offset
        drawn["prediction_against_target"] = figures.prediction_against_target(prediction, target)
        drawn["residuals"] = figures.residuals(prediction, target)
        return drawn
    names = _class_names(data, prediction.shape[1])
    target = target.where(target >= 0, len(names) - 1 - target)  # classes without an output come last
    names += map(figures.style.literal, source.absent_classes)
    confidence, predicted = prediction.max(dim=1)
    drawn["confusion_matrix"] = figures.confusion_matrix(target, predicted, names)
    drawn["reliability"] = figures.reliability_diagram(confidence, predicted == target)
    if source.image_shape is not None:
        images = examples.x.cpu().reshape(-1, *source.image_shape)
        drawn["confident_mistakes"] = figures.confident_mistakes(images, prediction, target, names)
        drawn["weights"] = figures.weight_images(model.weight[0].detach().cpu(), source.image_shape, names)
    return drawn


def _coefficients(model: LinearNetwork, data: Data, analysis: ProblemAnalysis | None) -> "Figure":
    """Draw the coefficients of one target with intervals, or of each class or target; per deviation if known."""
    from linnet.tracking import figures
    from linnet.tracking.figures.style import literal

    source, scaling = data.source, data.scaling
    weight = model.weight[0].detach().cpu()
    names = [literal(name) for name in data.feature_names]
    unit = "coefficient" if scaling is None else f"coefficient {scaling.unit}"
    if source.task == "classification":
        return figures.strongest_features(weight, names, _class_names(data, len(weight)), unit=unit)
    if len(weight) > 1:
        return figures.strongest_features(weight, names, [f"target {c + 1}" for c in range(len(weight))], unit=unit)
    if analysis is None or analysis.coefficients is None:
        return figures.coefficients(weight[0], names, unit=unit)
    optimum, error = (tensor[0, 1:] if scaling is None else scaling.per_deviation(tensor[0, 1:])
                      for tensor in analysis.coefficients)  # fmt: skip
    margin = critical_t(analysis.statistics["optimum/df_residual"])
    return figures.coefficients(weight[0], names, optimum=optimum, std_error=error, margin=margin, unit=unit)


def _class_names(data: Data, n_outputs: int) -> list[str]:
    """Return a name for each output: a model may have more outputs than the data has classes."""
    from linnet.tracking.figures.style import literal

    names = data.source.class_names
    return [*map(literal, names), *(f"class {k}" for k in range(len(names), n_outputs))]
