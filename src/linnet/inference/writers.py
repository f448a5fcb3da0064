"""Write predictions in any format, in chunks of rows, as columns with the names of the outputs."""

import gzip
from collections.abc import Callable, Sequence
from typing import IO, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from linnet.inference.rows import Predicted
from linnet.system.errors import InputError
from linnet.system.spreadsheet import FORMULA, NUMBER
from linnet.tracking.linear_predictor import Floats, LinearPredictor

NAME = "prediction"
SUFFIXES = ("_low", "_high")
"""Of the columns with the ends of the interval of a prediction, which follow it."""
IN_SET = "in_set_"


def output_names(predictor: LinearPredictor, *, interval: bool = False) -> tuple[str, ...]:
    """Return `prediction`, numbered where there are several targets; of classes also `probability_…` of each.

    Args:
        predictor: whose predictions they are.
        interval: whether each prediction of a number is followed by its `…_low` and `…_high`, and each probability by
            `in_set_…`, whether the class is in the set.
    """
    if predictor.task == "classification":
        prefixes = ("probability_", IN_SET) if interval else ("probability_",)
        return (NAME, *(prefix + name for name in predictor.class_names for prefix in prefixes))
    names = (NAME,) if predictor.n_outputs == 1 else tuple(f"{NAME}_{i}" for i in range(predictor.n_outputs))
    suffixes = ("", *SUFFIXES) if interval else ("",)
    return tuple(name + suffix for name in names for suffix in suffixes)


def refuse_collisions(predictor: LinearPredictor, ids: Sequence[str], *, interval: bool = False) -> None:
    """Raise InputError if a column to be kept has the name of one of the predictions."""
    taken = set(output_names(predictor, interval=interval)) & set(ids)
    if taken:
        raise InputError(f"--id={min(taken)}: the predictions have a column of this name, rename yours")


def as_table(predictor: LinearPredictor, predicted: Predicted) -> pa.Table:
    """Return the kept columns, then those of the predictions, null where there is none."""
    names = output_names(predictor, interval=predicted.bounds is not None)
    missing = ~predicted.known
    columns = [pa.array(column, mask=missing) for column in _numbers(predicted).reshape(len(missing), -1).T]
    if predictor.task == "classification":
        likeliest = predicted.values.argmax(axis=1).astype(np.int64)
        unknown = missing | np.isnan(predicted.values).any(axis=1)  # probabilities of NaN name no class
        if predicted.bounds is not None:
            columns[1::2] = [column.cast(pa.bool_()) for column in columns[1::2]]
        columns.insert(0, pa.array(predictor.class_names).take(pa.array(likeliest, mask=unknown)))
    kept = predicted.ids
    return pa.table([*kept.columns, *columns], names=[*kept.column_names, *names])


def _numbers(predicted: Predicted) -> Floats:
    """Return the outputs `[n, C]`, or with bounds `[n, C, 3]` each followed by these; of classes `[n, C, 2]`."""
    if predicted.bounds is None:
        return predicted.values
    return np.concatenate([predicted.values[:, :, None], predicted.bounds], axis=2)


TO_QUOTE = '[",\r\n]'


class Writer(Protocol):
    """Writer of predictions in their order; the file is complete once it is closed."""

    def write(self, predicted: Predicted) -> None: ...
    def close(self) -> None: ...


class Csv:
    """Writer of CSV: commas, a header, UTF-8; numbers with as many digits as restore the same number.

    Args:
        file: to write to.
        predictor: whose predictions are written.
        spreadsheet_safe: begin texts with an apostrophe that a spreadsheet would take for formulas.
    """

    def __init__(self, file: IO[bytes], predictor: LinearPredictor, spreadsheet_safe: bool = False) -> None:
        self._file, self._predictor, self._safe = file, predictor, spreadsheet_safe
        self._has_header = False

    def write(self, predicted: Predicted) -> None:
        table = as_table(self._predictor, predicted)
        if not self._has_header:
            names = _quoted(self._without_formulas(pa.array(table.column_names))).to_pylist()
            self._file.write((",".join(names) + "\n").encode())
            self._has_header = True
        # A line of one empty value would be an empty line, which readers of CSV skip.
        empty = '""' if table.num_columns == 1 else ""
        columns = {name: self._without_formulas(_text(name, table[name])) for name in table.column_names}
        texts = [pc.fill_null(_quoted(column), empty) for column in columns.values()]
        lines = pc.binary_join_element_wise(*texts, ",").to_pylist()
        self._file.write(("\n".join(lines) + "\n").encode())

    def close(self) -> None:
        self._file.flush()

    def _without_formulas(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        if not self._safe:
            return texts
        formula = pc.match_substring_regex(texts, FORMULA)
        executed = pc.and_(formula, pc.invert(pc.match_substring_regex(texts, NUMBER)))
        return pc.if_else(executed, pc.binary_join_element_wise("'", texts, ""), texts)


class CsvGz(Csv):
    """Writer of CSV compressed by gzip, without a time stamp, so that equal predictions give equal files."""

    def __init__(self, file: IO[bytes], predictor: LinearPredictor, spreadsheet_safe: bool = False) -> None:
        self._packed = gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0)
        super().__init__(self._packed, predictor, spreadsheet_safe)  # type: ignore[arg-type]

    def close(self) -> None:
        self._packed.close()


class Columnar:
    """Writer of Parquet or Feather, by a function of (file, schema) that opens it."""

    def __init__(self, file: IO[bytes], predictor: LinearPredictor, begin: Callable[..., Any]) -> None:
        self._file, self._predictor, self._begin = file, predictor, begin
        self._writer: Any = None

    def write(self, predicted: Predicted) -> None:
        table = as_table(self._predictor, predicted)
        if self._writer is None:
            self._writer = self._begin(self._file, table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class _Parquet(parquet.ParquetWriter):
    def __del__(self) -> None:
        """Do nothing: the base class would write to a file that was abandoned."""


class Npy:
    """Writer of an array `[N]`, or `[N, C]` of several outputs or classes; float64, NaN where there is none.

    With intervals the last axis is followed by one of prediction, low and high: `[N, 3]` or `[N, C, 3]`. Of classes it
    is followed by one of probability and whether the class is in the set, `[N, C, 2]`.
    """

    def __init__(self, file: IO[bytes], predictor: LinearPredictor, *, interval: bool = False) -> None:
        self._file, self._n_rows = file, 0
        bounds = (2 if predictor.task == "classification" else 3,) if interval else ()
        self._row_shape = (*(() if predictor.n_outputs == 1 else (predictor.n_outputs,)), *bounds)
        self._header()

    def write(self, predicted: Predicted) -> None:
        self._n_rows += len(predicted.values)
        self._file.write(np.ascontiguousarray(_numbers(predicted), "<f8").data)

    def close(self) -> None:
        self._file.seek(0)
        self._header()  # as long as the first, since it leaves room for the digits of N

    def _header(self) -> None:
        node = {"descr": "<f8", "fortran_order": False, "shape": (self._n_rows, *self._row_shape)}
        np.lib.format.write_array_header_1_0(self._file, node)


WRITERS: dict[str, Callable[..., Writer]] = {
    ".csv": Csv,
    ".csv.gz": CsvGz,
    ".parquet": lambda file, predictor: Columnar(file, predictor, _Parquet),
    ".feather": lambda file, predictor: Columnar(file, predictor, _feather),
    ".npy": Npy,
}


def _feather(file: IO[bytes], schema: pa.Schema) -> Any:
    return pa.ipc.new_file(file, schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))


def _text(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as text for CSV, missing values null."""
    if pa.types.is_string(column.type):
        return column
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"--id={name}: the column holds {column.type}, which CSV cannot: write .parquet") from error


def _quoted(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    needed = pc.match_substring_regex(texts, TO_QUOTE)
    if not pc.any(needed).as_py():
        return texts
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(needed, pc.binary_join_element_wise('"', doubled, '"', ""), texts)
