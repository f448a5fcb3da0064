"""Data source `table`: from CSV, Parquet or Feather files to examples."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import torch
from annotated_types import Ge, MaxLen
from numpy.typing import NDArray

from linnet.config.data_source import data_source
from linnet.config.option_types import Columns, Count, CountOrZero, DType, Files, Fraction, Seed, Words
from linnet.data.given import find_given, is_given
from linnet.data.resampling.outer import outer_parts
from linnet.data.sources.matrix import is_simple, matrix_rows
from linnet.data.storage.examples import Examples, Source
from linnet.data.table.complete_rows import complete_rows
from linnet.data.table.delimited import CsvFormat
from linnet.data.table.fit import fit
from linnet.data.table.given import GivenMatrix
from linnet.data.table.messages import RowLocator
from linnet.data.table.notation import Notation, make_notation
from linnet.data.table.preprocessing import Missing
from linnet.data.table.read import Rows, concatenate, read, read_given_splits
from linnet.data.table.roles import Roles, feature_kinds
from linnet.data.table.splits import (
    Splits,
    assign,
    check_classes,
    check_groups,
    example_weights,
    fold_codes,
    group_codes,
    labelled,
    scaled,
)
from linnet.data.table.summary import summary
from linnet.data.table.target import Targets, Task, read_target
from linnet.data.table.target_leakage import leaks
from linnet.data.table.values import Floats, Kind, as_numbers, cleaned, is_missing, is_text
from linnet.system.errors import InputError

Delimiter = Annotated[
    Literal["comma", "semicolon", "tab", "bar"] | Annotated[str, MaxLen(1)],
    Words("one of comma, semicolon, tab, bar or one character"),
]


@data_source(infer_task="linnet.data.table.target.infer_task", is_table=True)
def table_rows(
    path: Annotated[Files, Words("a file, a pattern or a list of these: data.path=my.csv")],
    target: Annotated[
        str, Words("the name of the column to predict: data.target=NAME (data.target='\"0\"' if it is a number)")
    ],
    task: Task | None,
    features: Columns | None,
    exclude: Sequence[str],
    categorical: Sequence[str],
    weight: str | None,
    missing: Missing,
    min_count: Count,
    test_path: Files | None,
    split_column: str | None,
    test_fraction: Fraction,
    val_fraction: Fraction,
    group: str | None,
    delimiter: Delimiter | None,
    encoding: Literal["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"] | None,
    dtype: DType,
    seed: Seed,
    keep_constant: bool = False,
    decimal: Literal[".", ","] = ".",
    thousands: Literal[".", ",", " ", "'", "_"] | None = None,
    strip: Sequence[str] = (),
    missing_tokens: Sequence[str] = (),
    dates: Literal["error", "days"] = "error",
    day_first: bool | None = None,
    comment: str | None = None,
    skip_rows: CountOrZero = 0,
    fold: str | None = None,
    outer_folds: Annotated[int, Ge(2)] | None = None,
    outer_fold: CountOrZero | None = None,
) -> Source:
    """Return the rows of CSV, Parquet or Feather files, one column of which is predicted from others.

    Args:
        path: file, pattern, or list of these.
        target: column to predict.
        task: None: as `infer_task` says.
        features: columns to predict from; None: all that have no other role.
        exclude: columns to leave out.
        categorical: columns that hold names of categories although they look like numbers.
        weight: column of example weights, at least 0; those of each part come over their mean. They count in the loss
            and in means of columns; a row of weight 0 has no say in what makes features of columns.
        missing: as `Preprocessing` takes it.
        min_count: levels of categories with fewer training rows are counted together.
        test_path: files of the test part; none is drawn then.
        split_column: column that says train, val (or validation) or test; no test part is drawn then.
        test_fraction: of all rows, drawn for testing otherwise.
        val_fraction: of the remaining rows, drawn for validation unless the split column has such.
        group: column whose equal values stay in one part.
        delimiter, encoding: of CSV; None: found out.
        dtype: that preparation rounds to; the examples here are float64.
        seed: of what is drawn.
        keep_constant: keep columns of numbers that are always the same, as a model without a bias needs them.
        decimal, thousands, strip, missing_tokens: of text columns, as `Notation` takes them.
        comment, skip_rows: of CSV, as `CsvFormat` has them.
        dates: "error": columns of dates are refused; "days": they are numbers of days.
        fold: column that names the fold of each training row, for `resampling=given_folds`.
        outer_folds, outer_fold: of all rows, this fold is the test part; None: `test_fraction` is.
        day_first: of dates such as 03/04/2025; None: found out.

    Raises:
        InputError: naming file, column and rows, and the remedy.
    """
    found = find_given(path) if isinstance(path, str) else None
    if isinstance(found, GivenMatrix) and is_simple(options := locals(), found):
        return matrix_rows(found, options)
    rows, given = _read(path, test_path, split_column, CsvFormat(delimiter, encoding, comment, skip_rows))
    notation = make_notation(decimal, thousands, strip, missing_tokens)
    table = notation.without_tokens(rows.table)
    where: RowLocator = rows.where
    roles = Roles(target, None if features is None else tuple(features), tuple(exclude), tuple(categorical), weight,
                  group, split_column, fold)  # fmt: skip
    chosen = roles.chosen(table.column_names, str(rows.files[0]))
    left_out: Counter[str] = Counter()
    numbers = np.arange(table.num_rows)
    if missing == "drop":
        with_target = np.flatnonzero(~is_missing(cleaned(table[target])))
        if 0 < len(with_target) < table.num_rows:
            left_out[f"left out, they lack the target {target}"] = table.num_rows - len(with_target)
            table, where, numbers = table.take(with_target), _of(with_target, where), with_target
            given = None if given is None else given[with_target]
    targets = read_target(table[target], target, task, where, notation)
    weights = None if weight is None else example_weights(table[weight], weight, where, notation)
    kinds = feature_kinds(table, chosen, categorical, where, notation, dates == "days")
    table, plain = _with_plain_numbers(table, kinds, notation, where)
    kept, incomplete = complete_rows(table, kinds, missing, where)
    left_out += incomplete
    classes = targets.y.astype(np.int64) if targets.target.task == "classification" else None
    groups = None if group is None else group_codes(table[group], group, where)
    if split_column is not None:
        given = labelled(table[split_column], split_column, where)
    if outer_folds is not None and outer_fold is not None:
        if given is not None:
            raise InputError(
                f"data.outer_folds={outer_folds}: data.test_path or data.split_column names the test part, leave it out"
            )
        given = outer_parts(kept, classes, targets.target.class_names, groups, outer_folds, outer_fold, seed)
    parts = assign(kept, given, test_fraction, val_fraction, classes, groups, seed)
    if group is not None and groups is not None:
        check_groups(parts, groups, group, where)
    if classes is not None:
        check_classes(parts, classes, targets.target.class_names, where)

    if weight is not None and weights is not None:
        weights = scaled(weights, weight, parts)
    counted = parts["train"] if weights is None else parts["train"][weights[parts["train"]] > 0]
    train = table.take(counted)
    ignored = tuple(name for name in table.column_names if name not in chosen and name != target)
    preprocessing = fit(
        train, kinds, targets.target, missing, min_count, ignored, _of(counted, where),
        None if weights is None else weights[counted], keep_constant, notation, plain, day_first,
    )  # fmt: skip
    complete = table if len(kept) == table.num_rows else table.take(kept)
    applied = preprocessing.apply(complete, _of(kept, where))
    examples = _examples(applied.x, targets, weights, kept, parts)
    assert rows.table.num_rows == sum(map(len, examples.values())) + sum(left_out.values()), (
        "rows read = rows used + rows left out"
    )
    lines = summary(
        rows.table.num_rows, rows.files, targets, preprocessing, parts, left_out + applied.row_notes, rows.notes,
        leaks(train, {name: kind for name, kind in kinds.items() if kind != "date"}, targets.y[counted]),
    )  # fmt: skip
    return Source(
        task=targets.target.task, train=examples["train"], val=examples.get("val"), test=examples.get("test"),
        class_names=targets.target.class_names, feature_names=preprocessing.feature_names, checksum=rows.checksum,
        preprocessing=preprocessing, summary=lines, unrounded=True,
        rows=torch.from_numpy(numbers[parts["train"]]),
        groups=None if groups is None else torch.from_numpy(groups[parts["train"]]),
        folds=None if fold is None else torch.from_numpy(fold_codes(table[fold], fold)[parts["train"]]),
    )  # fmt: skip


def _read(
    path: Files, test_path: Files | None, split_column: str | None, csv_format: CsvFormat
) -> tuple[Rows, NDArray[np.str_] | None]:
    """Return all rows, and the split of each where the files say so."""
    if is_given(path):
        return read_given_splits(str(path), test_path, split_column)
    rows = read("data.path", path, csv_format)
    if test_path is None:
        return rows, None
    if split_column is not None:
        raise InputError("data.test_path and data.split_column both name the test part: give one of them")
    n_train = rows.table.num_rows
    rows = concatenate(rows, read("data.test_path", test_path, csv_format))
    return rows, np.where(np.arange(rows.table.num_rows) < n_train, "train", "test")


def _with_plain_numbers(
    table: pa.Table, kinds: Mapping[str, Kind], notation: Notation, where: RowLocator
) -> tuple[pa.Table, list[str]]:
    """Return the table with texts in this notation read as numbers, and the columns that held plain numbers already."""
    plain = []
    for name, kind in kinds.items() if not notation.is_plain else ():
        column = cleaned(table[name])
        if kind == "number" and is_text(column):
            own = notation.of_column(column)
            plain += [name] if own.is_plain else []
            numbers = as_numbers(f"column {name}", column, where, own)
            column = pa.chunked_array([pa.array(numbers, from_pandas=True)])
            table = table.set_column(table.column_names.index(name), name, column)
    return table, plain


def _of(rows: NDArray[np.int64], where: RowLocator) -> RowLocator:
    """Says where rows are that are given by their places among these."""
    return lambda places: where([int(rows[place]) for place in places])


def _examples(
    x: Floats,
    targets: Targets,
    weights: Floats | None,
    kept: NDArray[np.int64],
    parts: Splits,
) -> dict[str, Examples]:
    """Return the examples of each split that has any; x `[N', D]` has the rows kept, all else all rows of the table."""
    found = {}
    for name, rows in parts.items():
        if len(rows):
            y = torch.from_numpy(targets.y[rows])
            found[name] = Examples(
                torch.from_numpy(x[np.searchsorted(kept, rows)]),
                y if targets.target.task == "classification" else y[:, None],
                None if weights is None else torch.from_numpy(weights[rows]),
            )
    return found
