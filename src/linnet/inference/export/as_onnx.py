"""ONNX: a graph of standard operators in double precision, preprocessing included.

Of a table, one input a column, named like it: `[N, 1]` double, NaN where a number or boolean (1 or 0) is missing, or
`[N, 1]` string, without blanks around it, for a category, empty or a text such as NA where it is missing. A category
whose levels are numbers is `[N, 1]` double too. Without a rule for missing values their rows predict NaN.

Of arrays one input `x`, `[N, D]` or `[N, *image_shape]` double; pictures as grey levels 0 … 1, not bytes. Outputs:
`prediction`, `[N, C]` double or the class `[N]` string; of classes also `probabilities` `[N, C]` double.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from linnet.data.table.column import Column
from linnet.data.table.levels import canonical
from linnet.inference.export.terms import Floats, Inputs, Term, level, terms
from linnet.inference.predictor import Predictor
from linnet.system.errors import InputError
from linnet.system.version import VERSION

OPSETS = (("", 17), ("ai.onnx.ml", 3))
IR_VERSION = 8
PREDICTION, PROBABILITIES = "prediction", "probabilities"
PREFIX = "linnet/"
"""Of the names of intermediate values, which columns of a table may not take."""


class Graph:
    """A graph under construction: inputs, nodes and constants."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []

    def input(self, name: str, kind: int, shape: Sequence[int | str]) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def constant(self, values: NDArray[Any]) -> str:
        name = f"{PREFIX}constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def add(self, operator: str, *inputs: str, output: str | None = None, domain: str = "", **options: Any) -> str:
        """Add a node and return the name of its output."""
        output = output or f"{PREFIX}{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **options))
        return output


def to_bytes(predictor: Predictor) -> bytes:
    """Return the model, checked for being well formed.

    Raises:
        InputError: if a column has the name of an output.
    """
    graph = Graph()
    scores = _table_scores(graph, predictor) if predictor.table else _array_scores(graph, predictor)
    outputs = _link(graph, predictor, scores)
    model = helper.make_model(
        helper.make_graph(graph.nodes, "linnet", graph.inputs, outputs, graph.constants),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in OPSETS],
        ir_version=IR_VERSION, producer_name="linnet", producer_version=VERSION, doc_string=__doc__,
    )  # fmt: skip
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _array_scores(graph: Graph, predictor: Predictor) -> str:
    shape = predictor.image_shape or (predictor.n_features,)
    x = graph.input("x", TensorProto.DOUBLE, ["N", *shape])
    if len(shape) > 1:
        x = graph.add("Flatten", x, axis=1)
    if predictor.row_norm:
        norm = graph.add("ReduceL2", x, axes=[1], keepdims=1)
        zero, one = graph.constant(np.zeros((1, 1))), graph.constant(np.ones((1, 1)))
        x = graph.add("Div", x, graph.add("Where", graph.add("Greater", norm, zero), norm, one))
    return _linear(graph, x, predictor.weight, predictor.bias)


def _table_scores(graph: Graph, predictor: Predictor) -> str:
    found = terms(predictor)
    for term in found:
        if term.column.name in (PREDICTION, PROBABILITIES) or term.column.name.startswith(PREFIX):
            raise InputError(
                f"export: --format onnx: column {term.column.name} is named like a value of the graph, rename it and "
                f"train again, or use another format"
            )
    numbers = [term for term in found if term.column.kind != "category"]
    assert predictor.table is not None
    imputes = predictor.table.missing == "mean"
    parts = [
        _category(graph, term, imputes, predictor.table.notation.missing_texts)
        for term in found
        if term.column.kind == "category"
    ]
    if numbers:
        parts.append(_numbers(graph, numbers, predictor.bias))
    else:
        parts.append(graph.constant(predictor.bias[None, :]))
    return parts[0] if len(parts) == 1 else graph.add("Sum", *parts)


def _numbers(graph: Graph, numbers: Sequence[Term], bias: Floats) -> str:
    """Add numbers times weights; missing numbers are imputed, or stay NaN where there is no rule for them."""
    values = [graph.input(term.column.name, TensorProto.DOUBLE, ["N", 1]) for term in numbers]
    x = values[0] if len(values) == 1 else graph.add("Concat", *values, axis=1)
    weight = np.column_stack([term.own for term in numbers])
    if all(term.column.mean is None for term in numbers):
        return _linear(graph, x, weight, bias)
    means = np.array([[np.nan if term.column.mean is None else term.column.mean for term in numbers]])
    missing = graph.add("IsNaN", x)
    score = _linear(graph, graph.add("Where", missing, graph.constant(means), x), weight, bias)
    indicated = graph.add("Cast", missing, to=TensorProto.DOUBLE)
    extra = graph.constant(np.stack([term.missing for term in numbers]))
    return graph.add("Add", score, graph.add("MatMul", indicated, extra))


def _linear(graph: Graph, x: str, weight: Floats, bias: Floats) -> str:
    return graph.add("Gemm", x, graph.constant(np.ascontiguousarray(weight)), graph.constant(bias), transB=1)


def _category(graph: Graph, term: Term, imputes: bool, missing_texts: Sequence[str]) -> str:
    """Add the weights of the level, looked up by row: a one-hot code times a matrix."""
    missing = term.missing if imputes else np.full_like(term.missing, np.nan)
    if takes_numbers(term.column):
        return _category_of_numbers(graph, term, missing)
    text = graph.input(term.column.name, TensorProto.STRING, ["N", 1])
    levels = [*term.column.levels, *missing_texts]
    n_own = len(term.column.levels)
    code = graph.add(
        "LabelEncoder", text, domain="ai.onnx.ml", keys_strings=levels,
        values_int64s=[*range(n_own), *[n_own] * len(missing_texts)], default_int64=n_own + 1,
    )  # fmt: skip
    flat = graph.add("Reshape", code, graph.constant(np.array([-1], np.int64)))
    return graph.add("Gather", graph.constant(np.vstack([term.own.T, missing, term.other])), flat, axis=0)


def _category_of_numbers(graph: Graph, term: Term, missing: Floats) -> str:
    """Add the weights of the level where levels are numbers, compared in double precision."""
    number = graph.input(term.column.name, TensorProto.DOUBLE, ["N", 1])
    equal = graph.add("Equal", number, graph.constant(np.array([list(map(float, term.column.levels))])))
    found = graph.add("Cast", equal, to=TensorProto.DOUBLE)
    # Of no level there is the sum of nothing: `other` then, or `missing` where it is no number.
    any_level = graph.add("ReduceMax", found, axes=[1], keepdims=1)
    own = graph.add("MatMul", found, graph.constant(np.ascontiguousarray(term.own.T)))
    nothing = graph.add("Greater", graph.constant(np.full((1, 1), 0.5)), any_level)
    rest = graph.add(
        "Where", graph.add("IsNaN", number), graph.constant(missing[None]), graph.constant(term.other[None])
    )
    return graph.add("Where", nothing, rest, own)


def takes_numbers(column: Column) -> bool:
    """Return whether a category is given as numbers: its levels are numbers that double precision holds."""
    return column.by_value and all(canonical(repr(float(level))) == level for level in column.levels)


def _link(graph: Graph, predictor: Predictor, scores: str) -> list[Any]:
    shape: list[int | str] = ["N", predictor.n_outputs]
    if predictor.link == "softmax":
        graph.add("Softmax", scores, axis=1, output=PROBABILITIES)
        largest = graph.add("ArgMax", scores, axis=1, keepdims=0)
        names = graph.constant(np.array(predictor.class_names, object))
        graph.add("Gather", names, largest, axis=0, output=PREDICTION)
        return [
            helper.make_tensor_value_info(PREDICTION, TensorProto.STRING, ["N"]),
            helper.make_tensor_value_info(PROBABILITIES, TensorProto.DOUBLE, shape),
        ]
    graph.add("Exp" if predictor.link == "exp" else "Identity", scores, output=PREDICTION)
    return [helper.make_tensor_value_info(PREDICTION, TensorProto.DOUBLE, shape)]


def predict(content: bytes, inputs: Inputs | NDArray[Any]) -> tuple[Floats, NDArray[Any] | None]:
    """Return the predictions `[N, C]` of the model by onnxruntime, and the classes `[N]`."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    if isinstance(inputs, np.ndarray):
        (wanted,) = session.get_inputs()
        fed = {"x": inputs.astype(np.float64).reshape(-1, *wanted.shape[1:])}
    else:
        fed = {node.name: _fed(inputs[node.name], node.type)[:, None] for node in session.get_inputs()}
    found = dict(zip([node.name for node in session.get_outputs()], session.run(None, fed), strict=True))
    if PROBABILITIES in found:
        return found[PROBABILITIES], found[PREDICTION]
    return found[PREDICTION], None


def _fed(values: NDArray[Any], kind: str) -> NDArray[Any]:
    """Return the values of a column as the graph's input takes them."""
    if values.dtype != object:
        return values
    if kind == "tensor(string)":
        return np.array(["" if value is None else str(value).strip() for value in values], object)
    return np.array([np.nan if (text := level(value, True)) is None else float(text) for value in values])
