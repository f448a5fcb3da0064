"""scikit-learn: a fitted Pipeline in a joblib file, which predicts where linnet is not installed.

A table is given as a pandas DataFrame whose columns are named as in training, in any order; others are ignored.
Categories are best read as text (`dtype=str`), since pandas makes 7 of 007; blanks around them do not count, and None,
NaN and texts such as NA are missing. Where the run refused missing values, they are an error. Arrays are
given as `[N, D]`, pictures as grey levels 0 … 1, not bytes. Load the file with the versions of scikit-learn and pandas
that it was written with, and only files that you trust: joblib files may run code.
"""

import io
from collections.abc import Sequence
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, OneHotEncoder
from sklearn.utils import check_array

from linnet.inference.export.terms import Floats, Inputs, Term, terms
from linnet.inference.predictor import Predictor

TWICE = 2
"""Rows of a level in the table that an encoder is fitted on; what has fewer is one of the others."""


def to_bytes(predictor: Predictor) -> bytes:
    """Return the joblib file."""
    if predictor.table is None:
        steps = [Normalizer()] if predictor.row_norm else []
        pipeline = make_pipeline(*steps, _estimator(predictor, predictor.weight))
    else:
        pipeline = _table_pipeline(predictor)
    file = io.BytesIO()
    joblib.dump(pipeline, file)
    return file.getvalue()


def _table_pipeline(predictor: Predictor) -> Pipeline:
    """Return transformers fitted on a table that yields the run's means and levels, and the linear map after them."""
    import pandas as pd

    found = terms(predictor)
    filled = [term for term in found if term.column.mean is not None]
    plain = [term for term in found if term.column.kind != "category" and term.column.mean is None]
    categories = [term for term in found if term.column.kind == "category"]
    groups = [
        (name, by_value, [term for term in categories if term.column.by_value == by_value])
        for name, by_value in (("categories", False), ("numbers as categories", True))
    ]
    assert predictor.table is not None
    imputes, texts = predictor.table.missing == "mean", predictor.table.notation.missing_texts
    n_rows = TWICE * max([len(term.column.levels) + 1 for term in categories], default=1) + 1
    frame = pd.DataFrame({term.column.name: _example_column(term, n_rows, imputes) for term in found})
    parts = [
        ("numbers, means for missing", SimpleImputer(add_indicator=True), _names(filled)),
        ("numbers", "passthrough", _names(plain)),
        *((name, make_pipeline(*_as_text(texts, by_value=by_value, imputes=imputes), _encoder()), _names(group))
          for name, by_value, group in groups),
    ]  # fmt: skip
    transformer = ColumnTransformer([part for part in parts if part[2]]).fit(frame)
    weight = [term.own for term in filled] + [term.missing[:, None] for term in filled if term.column.indicator]
    weight += [term.own for term in plain]
    if filled:
        imputer = transformer.named_transformers_["numbers, means for missing"]
        imputer.statistics_[:] = [term.column.mean for term in filled]  # to the last digit
    for name, _, group in groups:
        if group:
            encoder = transformer.named_transformers_[name][-1]
            weight += [_encoded_weight(term, levels) for term, levels in zip(group, encoder.categories_, strict=True)]
    return Pipeline([("preprocessing", transformer), ("model", _estimator(predictor, np.hstack(weight)))])


def _names(found: Sequence[Term]) -> list[str]:
    return [term.column.name for term in found]


def _as_text(texts: Sequence[str], *, by_value: bool, imputes: bool) -> list[FunctionTransformer]:
    """Return values as linnet compares them, "" where missing, by functions of pandas and scikit-learn alone.

    Args:
        texts: that stand for a missing value.
        by_value: write numbers in text as their shortest text, 3.0 as 3.
        imputes: whether a value may be missing; else that is an error.
    """
    import pandas as pd

    def replace(pattern: str, text: str) -> FunctionTransformer:
        options = {"to_replace": pattern, "value": text, "regex": True}
        return FunctionTransformer(pd.DataFrame.replace, kw_args=options)

    steps = [
        FunctionTransformer(pd.DataFrame.convert_dtypes),  # whole numbers among missing ones are whole again
        FunctionTransformer(pd.DataFrame.map, kw_args={"func": str, "na_action": "ignore"}),
        FunctionTransformer(pd.DataFrame.astype, kw_args={"dtype": object}),
        replace(r"^\s+|\s+$", ""),
    ]
    if by_value:
        steps += [replace(r"^(-?\d+)\.0+$", r"\1"), replace(r"^(-?\d+\.\d*[1-9])0+$", r"\1")]
    missing = "" if imputes else np.nan
    steps.append(FunctionTransformer(pd.DataFrame.replace, kw_args={"to_replace": dict.fromkeys(texts, missing)}))
    if imputes:
        return [*steps, FunctionTransformer(pd.DataFrame.fillna, kw_args={"value": ""})]
    return [*steps, FunctionTransformer(check_array, kw_args={"dtype": None})]


def _encoder() -> OneHotEncoder:
    """Return an encoder with a column per level, one for missing values, and one for others if the model has that."""
    return OneHotEncoder(min_frequency=TWICE, handle_unknown="infrequent_if_exist", sparse_output=False)


def _example_column(term: Term, n_rows: int, imputes: bool) -> list[Any]:
    """Return values from which a transformer learns the mean or the levels of the run."""
    column = term.column
    if column.kind == "category":
        values = [*column.levels, ""] if imputes else list(column.levels)
        rare = [_rare(term)] if column.other else values[:1]
        return [values[row % len(values)] for row in range(n_rows - 1)] + rare
    mean = 0.0 if column.mean is None else column.mean
    return [mean] * (n_rows - 1) + [np.nan if column.indicator else mean]


def _rare(term: Term) -> str:
    """Return a text that is no level."""
    text = "other"
    while text in term.column.levels:
        text += "_"
    return text


def _encoded_weight(term: Term, levels: NDArray[Any]) -> Floats:
    """Return the weights in the order of the encoder's columns: levels as it sorts them, rare ones last."""
    own = dict(zip(term.column.levels, term.own.T, strict=True)) | {"": term.missing}
    kept = [own[level] for level in levels if level in own]
    return np.column_stack([*kept, term.other] if term.column.other else kept)


def _estimator(predictor: Predictor, weight: Floats) -> Any:
    """Return the estimator that predicts by weight `[C, D]` from features in the order of the transformers."""
    bias = predictor.bias
    if predictor.link == "softmax":
        model = LogisticRegression()
        model.classes_ = np.array(predictor.class_names)
        two = len(weight) == 2  # of which it knows the difference only
        model.coef_, model.intercept_ = (weight[1:] - weight[:1], bias[1:] - bias[:1]) if two else (weight, bias)
    elif predictor.link == "identity":
        model = LinearRegression()
        model.coef_, model.intercept_ = (weight[0], float(bias[0])) if len(weight) == 1 else (weight, bias)
    elif len(weight) == 1:
        return _poisson(weight[0], float(bias[0]))
    else:
        nothing = np.zeros((2, weight.shape[1]))
        model = MultiOutputRegressor(PoissonRegressor()).fit(nothing, np.ones((2, len(weight))))
        model.estimators_ = [_poisson(*parameters) for parameters in zip(weight, bias.tolist(), strict=True)]
    model.n_features_in_ = weight.shape[1]
    return model


def _poisson(weight: Floats, bias: float) -> PoissonRegressor:
    model = PoissonRegressor().fit(np.zeros((2, len(weight))), np.ones(2))  # for its link
    model.coef_, model.intercept_ = weight, bias
    return model


def predict(content: bytes, inputs: Inputs | NDArray[Any]) -> tuple[Floats, NDArray[Any] | None]:
    """Return the predictions `[N, C]` of the file, and the classes `[N]`."""
    pipeline = joblib.load(io.BytesIO(content))
    if isinstance(inputs, np.ndarray):
        x: Any = inputs.reshape(len(inputs), -1)
    else:
        import pandas as pd

        x = pd.DataFrame(inputs)
    if hasattr(pipeline, "predict_proba"):
        return pipeline.predict_proba(x), pipeline.predict(x)
    return pipeline.predict(x).reshape(len(x), -1), None
