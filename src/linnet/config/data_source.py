"""What a data source declares of itself, so that a configuration is checked before anything is read."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

PYTHON = "python:"
"""How the value of an option begins that names data given in Python, and no file."""
Function = TypeVar("Function", bound=Callable[..., Any])


def data_source(
    task: Literal["regression", "classification"] | None = None,
    *,
    infer_task: str | None = None,
    validation: Literal["drawn", "made", "given"] = "drawn",
    is_table: bool = False,
    read_features: str | None = None,
) -> Callable[[Function], Function]:
    """Declare a function to be a data source: it takes options and returns examples as a `Source`.

    A source with an option `val_fraction` holds out the validation split itself.

    Args:
        task: of its targets; None: it depends on what they are.
        infer_task: dotted name of a function that finds the task then; it takes options of the source by their names
            and imports no torch.
        validation: "drawn": a part of the training examples, `data.val_fraction` of them; "made": examples of its own
            where that is null; "given": those that the user may name, and else a part of the training examples.
        is_table: whether features are made of the columns of a table.
        read_features: dotted name of a function that returns the features of the first training examples, `[n, …]`,
            at most `count` of them; it takes options of the source by their names and imports no torch.
    """

    def declare(function: Function) -> Function:
        vars(function).update(
            task=task, infer_task=infer_task, validation=validation, is_table=is_table, read_features=read_features
        )
        return function

    return declare
