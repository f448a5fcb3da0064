"""DataFrames of results. pandas is optional: everything else of a result works without it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from linnet.config.metric_names import SPLITS
from linnet.system.errors import InputError
from linnet.tracking.history import Curve

if TYPE_CHECKING:
    import pandas as pd

    from linnet.inference.coefficients import Coefficients


def frame(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> "pd.DataFrame":
    """Return a DataFrame of rows.

    Raises:
        InputError: pandas is not installed.
    """
    return _pandas().DataFrame(list(rows), columns=list(columns))


def history_frame(curves: Mapping[str, Curve]) -> "pd.DataFrame":
    """Return one row per step at which anything was logged, one column per metric; NaN where it was not logged.

    Columns are in the order train, val, others, and within that of their names. Of a step that a curve has twice, as
    linnet writes none, the last value stands.

    Raises:
        InputError: pandas is not installed.
    """
    pandas = _pandas()
    names = sorted(curves, key=lambda name: (*(not name.startswith(f"{split}/") for split in SPLITS), name))
    columns = {name: dict(zip(*curves[name], strict=True)) for name in names}
    index = pandas.Index(sorted({step for curve in curves.values() for step in curve.step}), name="step", dtype="int64")
    return pandas.DataFrame(
        {name: [points.get(step, float("nan")) for step in index] for name, points in columns.items()}, index
    )


def coefficients_frame(found: "Coefficients") -> "pd.DataFrame":
    """Return one row per coefficient, with the columns of `linnet.inference.coefficients.Row`; NaN: not known.

    Those of the bootstrap are there if the run has one.

    Raises:
        InputError: pandas is not installed.
    """
    from linnet.inference.coefficients import Row

    table = frame(found.rows, Row._fields)[list(found.known_columns)]
    numbers = list(found.known_columns[2:])
    table[numbers] = table[numbers].astype("float64")
    return table


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise InputError("DataFrames need pandas, which is not installed: pip install pandas") from None
    return pandas
