"""A call of `linnet.train` or `linnet.resume` in Python."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linnet.config.python_options import overrides_of
from linnet.system.errors import InputError
from linnet.training.from_python import WEIGHT, given_data, is_overrides

if TYPE_CHECKING:
    from linnet.training.finalize import FinishedRun


def train_call(
    first: Any, overrides: Any, options: Mapping[str, Any], *, y: Any, val: Any, test: Any, sample_weight: Any,
    save_data: bool,
) -> "FinishedRun":  # fmt: skip
    """Train one run; see `linnet.train`."""
    from linnet.training.train import train

    more = {"y": y, "val": val, "test": test, WEIGHT: sample_weight}
    if is_overrides(first, y):
        if len(first) and overrides is not None:
            raise InputError("overrides were given twice: as the first argument and by name")
        for name, value in more.items():
            if value is not None:
                raise InputError(f"{name} is of data given in Python, and the first argument gives none")
        return train(overrides_of(first if len(first) else (overrides or ()), options))
    if "data" in options:
        raise InputError("data was given twice: as the first argument and by name")
    words = overrides_of(overrides or (), options)
    with given_data(first, **more, save=save_data) as chosen:
        return train([*chosen, *words])


def resume_call(
    run: str | Path, x: Any, *, y: Any, val: Any, test: Any, sample_weight: Any, max_epochs: int | None
) -> "FinishedRun":
    """Resume a run; see `linnet.resume`."""
    from linnet.training.resume import resume

    if x is None:
        return resume(Path(run), max_epochs)
    with given_data(x, y, val=val, test=test, sample_weight=sample_weight):
        return resume(Path(run), max_epochs)
