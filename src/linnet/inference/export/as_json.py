"""JSON: every number of the model with its meaning, enough to write a predictor in any language."""

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linnet.data.table.dates import UNIT
from linnet.inference.export.terms import Floats, Inputs, Term, level, terms
from linnet.inference.predictor import Predictor

VERSION = 1

UNITS = "All numbers are for values in the units of the training data; outputs are named in the order of c."
TABLE = (
    "Start with score[c] = bias[c] for each output c, and add one term for each of the columns.",
    "kind number: score[c] += coefficients[c] * value. kind boolean: the same with true = 1 and false = 0.",
    "A missing number or boolean counts as the value instead_of_missing, and if_missing[c] is added as well. Where "
    "instead_of_missing is null, the model was trained on rows without missing values and has no prediction.",
    "kind category: score[c] += levels[value][c], with the value as text without blanks around it; for any other text "
    "score[c] += other[c]. Where by_value is true, levels are numbers: 3.0 and 3 are one. A value that is empty or one "
    "of missing_texts is missing: score[c] += if_missing[c], or no prediction where if_missing is null.",
)
ARRAY = (
    "x has n_features numbers; pictures are flattened row by row (of image_shape), first channel first.",
    "If x comes as bytes 0 … 255, multiply it by byte_scale; 1: bytes are numbers like others.",
    "If divide_by_norm is true, divide x by its Euclidean norm, unless that is 0.",
    "score[c] = bias[c] + sum over i of weight[c][i] * x[i].",
)
LINKS = {
    "identity": "The prediction of output c is score[c].",
    "exp": "The prediction of output c is exp(score[c]), a rate.",
    "softmax": "The probability of class c is exp(score[c]) / sum over k of exp(score[k]); subtract the largest score "
    "from all first, so that nothing overflows. The predicted class is the one of the largest score.",
}


def to_bytes(predictor: Predictor) -> bytes:
    """Return the file: `how_to_predict` says what to do, coefficients are for values in units of the training data."""
    table = predictor.table
    node: dict[str, Any] = {
        "format": "linnet linear model",
        "version": VERSION,
        "how_to_predict": [UNITS, *(ARRAY if table is None else TABLE), LINKS[predictor.link]],
        "task": predictor.task,
        "link": predictor.link,
        "target": None if table is None else table.target.name,
        "outputs": predictor.output_names,
        "bias": predictor.bias.tolist(),
    }
    if table is None:
        node |= {
            "n_features": predictor.n_features,
            "feature_names": predictor.feature_names,
            "image_shape": predictor.image_shape,
            "byte_scale": predictor.byte_scale,
            "divide_by_norm": predictor.row_norm,
            "weight": predictor.weight.tolist(),
        }
    else:
        node["missing_texts"] = table.notation.missing_texts
        node["columns"] = [_column(term, missing=table.missing == "mean") for term in terms(predictor)]
    return (json.dumps(node, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _column(term: Term, *, missing: bool) -> dict[str, Any]:
    column, own = term.column, term.own.T.tolist()
    node: dict[str, Any] = {"name": column.name, "kind": column.kind}
    if column.kind == "category":
        node |= {"levels": dict(zip(column.levels, own, strict=True)), "other": term.other.tolist()}
        node["by_value"] = column.by_value
    else:
        node |= {"coefficients": own[0], "instead_of_missing": column.mean}
        node |= {} if column.date is None else {"unit": UNIT}
    return {**node, "if_missing": term.missing.tolist() if missing else None}


def predict(content: bytes, inputs: Inputs | NDArray[Any]) -> tuple[Floats, None]:
    """Return the predictions `[N, C]` of inputs, computed as `how_to_predict` in the file says."""
    node = json.loads(content)
    if isinstance(inputs, np.ndarray):
        x = inputs.reshape(len(inputs), -1).astype(np.float64)
        if node["divide_by_norm"]:
            norm = np.linalg.norm(x, axis=1, keepdims=True)
            x = x / np.where(norm > 0, norm, 1)
        scores = node["bias"] + x @ np.array(node["weight"]).T
    else:
        columns = [(inputs[column["name"]].tolist(), column) for column in node["columns"]]
        rows = len(columns[0][0])
        bias, texts = node["bias"], node["missing_texts"]
        scores = np.array([_sum(bias, [(values[i], c) for values, c in columns], texts) for i in range(rows)])
    if node["link"] == "identity":
        return scores, None
    if node["link"] == "exp":
        return np.exp(scores), None
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True), None


def _sum(bias: list[float], row: list[tuple[Any, dict[str, Any]]], missing_texts: list[str]) -> list[float]:
    scores = bias
    for value, column in row:
        if column["kind"] == "category":
            value = level(value, column["by_value"], missing_texts)
        missing = value is None or value != value
        if missing and column["if_missing"] is None:
            add = [math.nan] * len(scores)
        elif column["kind"] == "category":
            add = column["if_missing"] if missing else column["levels"].get(value, column["other"])
        else:
            number = column["instead_of_missing"] if missing else value
            add = [number * one for one in column["coefficients"]]
            if missing:
                add = [one + more for one, more in zip(add, column["if_missing"], strict=True)]
        scores = [score + one for score, one in zip(scores, add, strict=True)]
    return scores
