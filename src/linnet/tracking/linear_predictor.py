"""A trained linear map with all that is needed to apply it to new inputs, stored beside the weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from linnet.config.option_types import Positive, accepts, describe
from linnet.system.errors import InputError
from linnet.system.reading import read_json
from linnet.system.sanitize import is_text, plain
from linnet.tracking.directory import refuse_newer, require_completed
from linnet.tracking.manifest_file import check_unchanged
from linnet.tracking.units import in_units_of_data, units
from linnet.tracking.weights import FILE as WEIGHTS, OPTIMUM, load_coefficients, load_weights

if TYPE_CHECKING:
    from linnet.data import Data
    from linnet.data.table.preprocessing import Preprocessing
    from linnet.losses import Loss

TASKS, LINKS = ("regression", "classification"), ("identity", "exp", "softmax")
FILE = "preprocessing.json"
"""In the run directory: all that a predictor needs beside the weights, see `specification`."""
ANNOTATIONS = {"byte_scale": Positive, "row_norm": bool}
VERSION = 2
"""Of the specification. Version 1 had neither `target_offset` nor `solved`, and no `null` among the
deviations."""
Link = Literal["identity", "exp", "softmax"]
Floats = NDArray[np.float64]
P = TypeVar("P", bound="LinearPredictor")


@dataclass(frozen=True)
class LinearPredictor:
    """C outputs from D features, in float64, for features in the units of the data.

    weight, bias: `[C, D]` and `[C]`; standardisation is part of them.
    task: "regression" or "classification".
    link: from weight x + bias to what is predicted: "identity", "exp" (a rate) or "softmax" (probabilities).
    class_names: in the order of the outputs; of regression empty.
    feature_names: of the D features, or empty where they have none.
    image_shape: of the pictures that the features are the pixels of, or empty.
    byte_scale: a feature that comes as a byte 0 … 255 is multiplied by this; 1 if bytes are no different from numbers.
    row_norm: whether each input is divided by its Euclidean norm first.
    table: what makes features of the columns of a table; None where the model was trained on arrays.
    """

    weight: Floats
    bias: Floats
    task: Literal["regression", "classification"]
    link: Link
    class_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    image_shape: tuple[int, ...] = ()
    byte_scale: float = 1.0
    row_norm: bool = False
    table: "Preprocessing | None" = None

    @property
    def n_features(self) -> int:
        return self.weight.shape[1]

    @property
    def n_outputs(self) -> int:
        return self.weight.shape[0]

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the C outputs: the classes, or the target column, numbered if there are several."""
        if self.class_names:
            return self.class_names
        name = "prediction" if self.table is None else self.table.target.name
        return (name,) if self.n_outputs == 1 else tuple(f"{name}_{i}" for i in range(self.n_outputs))

    def features(self, inputs: NDArray[Any]) -> Floats:
        """Convert inputs `[N, …]` to features `[N, D]`: flattened, image bytes as levels 0 … 1; norm 1 if trained so.

        Raises:
            InputError: if an input has another number of values than there are features, is no number, or if those of
                a picture are no grey levels.
        """
        if inputs.dtype.kind not in "fiub":
            raise InputError(f"the inputs are {inputs.dtype}, expected numbers")
        x = inputs.reshape(len(inputs), prod(inputs.shape[1:]))
        if x.shape[1] != self.n_features:
            shape = list(self.image_shape) or [self.n_features]
            raise InputError(f"each input has {x.shape[1]} values, the model takes {self.n_features} (shape {shape})")
        values = x.astype(np.float64, order="C")
        if inputs.dtype == np.uint8:
            values *= self.byte_scale
        if self.image_shape and len(values) and not -1e-6 <= values.min() <= values.max() <= 1 + 1e-6:
            raise InputError(
                f"the pixels run from {values.min():g} to {values.max():g}, but the model takes grey levels from 0 to "
                f"1: divide them by the highest level there is"
            )
        if self.row_norm:
            largest = np.abs(values).max(axis=1, keepdims=True, initial=0.0)
            values /= np.where(largest > 0, largest, 1)  # whose squares neither overflow nor vanish
            norms = np.linalg.norm(values, axis=1, keepdims=True)
            values /= np.where(norms > 0, norms, 1)
        return values

    def scores(self, features: Floats) -> Floats:
        """Weight x + bias of features `[N, D]`, `[N, C]`: of each row the same, whichever others it comes with."""
        # The order in which a matrix product adds up depends on the number of rows; that of a dot product does not.
        return np.vecdot(np.ascontiguousarray(features)[:, None], self.weight) + self.bias

    def outputs(self, features: Floats) -> Floats:
        """Return expected targets, or class probabilities, `[N, C]`, of features `[N, D]`."""
        scores = self.scores(features)
        if self.link == "exp":
            with np.errstate(over="ignore"):  # infinity says as much
                return np.exp(scores)
        if self.link == "softmax":
            scores -= scores.max(axis=1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=1, keepdims=True)
        return scores


def load(run: Path, kind: type[P]) -> P:
    """Return the predictor of a completed run. Needs nothing but its directory, in which nothing can name code to run.

    Args:
        run: its directory.
        kind: the class of the result.

    Raises:
        InputError: if there is no completed run, or a file of it is missing or damaged.
    """
    require_completed(run)
    refuse_newer(run)
    check_unchanged(run, (WEIGHTS, FILE, OPTIMUM))
    weights = load_weights(run)
    path = run / FILE
    if not path.is_file():
        raise InputError(f"{run} has no {FILE}: it was trained before linnet wrote one, train it again")
    try:
        node = read_json(path)
        return assemble(kind, weights, node, load_coefficients(run) if node.get("solved") else None)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged: {error}") from error


def assemble(
    kind: type[P], weights: Mapping[str, NDArray[Any]], node: dict[str, Any], coefficients: Floats | None
) -> P:
    """Return the predictor of weights and a decoded `specification`, which is used up. Raises ValueError as `load`."""
    if node.pop("version") not in (1, VERSION):
        raise ValueError("another version of linnet wrote it")
    for key, known in (("task", TASKS), ("link", LINKS)):
        if node[key] not in known:
            raise ValueError(f"{key} is {node[key]!r}, expected one of {', '.join(known)}")
    for key, annotation in ANNOTATIONS.items():
        if not accepts(annotation, node[key]):
            raise ValueError(f"{key} is {plain(node[key])}, expected {describe(annotation)}")
    for key in ("class_names", "feature_names"):
        if not isinstance(node[key], list) or not all(isinstance(name, str) and is_text(name) for name in node[key]):
            raise ValueError(f"{key} is {plain(node[key])}, expected a list of texts")
    weight = weights["weight"].astype(np.float64)
    if weight.ndim != 2 or len(weights.get("bias", weight)) != len(weight):
        shapes = {name: list(values.shape) for name, values in weights.items()}
        raise InputError(f"{WEIGHTS} is damaged: its shapes are {shapes}")
    bias = weights["bias"].astype(np.float64) if "bias" in weights else np.zeros(len(weight))
    table = node.pop("table")
    weight, bias = in_units_of_data(weight, bias, node)
    if node.pop("solved", False):
        if coefficients is None or coefficients.shape != (len(weight), 1 + weight.shape[1]):
            raise InputError(f"{OPTIMUM} is damaged: it is of another model")
        bias, weight = coefficients[:, 0], coefficients[:, 1:]  # the same, not rounded by way of standardised features
    names = tuple(node.pop("class_names"))
    if names:  # a model may have more outputs than the data had classes
        names += tuple(f"class {i}" for i in range(len(names), len(weight)))
    preprocessing = None
    if table is not None:
        from linnet.data.table.preprocessing import Preprocessing  # brings pyarrow, and training describes predictors

        preprocessing = Preprocessing.from_node(table)
        if len(preprocessing.feature_names) != weight.shape[1]:
            made = len(preprocessing.feature_names)
            raise ValueError(
                f"its columns become {made} features, and there are {weight.shape[1]} weights for each output"
            )
    features, shape = tuple(node.pop("feature_names")), tuple(node.pop("image_shape"))
    predictor = kind(
        weight, bias, class_names=names, feature_names=features, image_shape=shape,
        table=preprocessing, **node,
    )  # fmt: skip
    if shape and (not all(type(size) is int and size > 0 for size in shape) or prod(shape) != predictor.n_features):
        raise ValueError(f"image_shape is {list(shape)}, and there are {predictor.n_features} features")
    if predictor.feature_names and len(predictor.feature_names) != predictor.n_features:
        raise ValueError(f"{len(predictor.feature_names)} names for {predictor.n_features} features")
    return predictor


def specification(data: "Data", loss: "Loss", *, solved: bool = False) -> str:
    """Return as JSON what `load` reads beside the weights.

    Args:
        solved: whether the run's weights are the optimum whose coefficients optimum.safetensors holds.
    """
    source = data.source
    node = {
        "version": VERSION,
        "task": source.task,
        "link": loss.link,
        "class_names": source.class_names,
        "feature_names": source.feature_names,
        "image_shape": source.image_shape or (),
        "byte_scale": source.train.byte_scale,
        "row_norm": source.row_norm,
        **units(data),
        "solved": solved,
        "table": None if source.preprocessing is None else source.preprocessing.to_node(),
    }
    return json.dumps(node, indent=None if source.preprocessing is None else 2, ensure_ascii=False) + "\n"
