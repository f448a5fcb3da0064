"""Fit an estimator by a tracked run, as `linnet.train` makes it."""

import os
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import TensorDataset

from linnet.inference.predictor import load_predictor
from linnet.losses import Loss
from linnet.optimizers import Exact, Optimizer
from linnet.penalties import Penalty
from linnet.sklearn.exact import Fit
from linnet.sklearn.options import LOSSES, OPTIMIZERS, PENALTIES, InvalidParameter
from linnet.solvers.relative import Rows
from linnet.solvers.sparse.features import is_sparse
from linnet.training.call import train_call


def fit_tracked(
    rows: Rows,
    task: str,
    loss: Loss,
    penalty: Penalty,
    optimizer: Optimizer | Exact,
    *,
    fit_intercept: bool,
    standardize: bool,
    dtype: str,
    max_epochs: int,
    batch_size: int,
    seed: int,
    run_dir: str | os.PathLike[str],
) -> Fit:
    """Train a run in a new directory on rows with weights above 0, and return its coefficients.

    Raises:
        InvalidParameter: sparse features, or a part that is none of linnet's.
        InputError: the directory belongs to another run, or the run cannot be.
    """
    if is_sparse(rows.x):
        raise InvalidParameter("run_dir: a tracked run would make sparse features dense, use run_dir=None")
    words = [
        *_words("loss", loss, LOSSES), *_words("penalty", penalty, PENALTIES),
        *_words("optimizer", optimizer, {"exact": Exact, **{name: kind for name, (kind, _) in OPTIMIZERS.items()}}),
        f"model={'softmax' if task == 'classification' else 'linear'}_regression", f"model.bias={fit_intercept}",
        f"data.task={task}", f"data.standardize={standardize}", f"data.dtype={dtype}", f"data.batch_size={batch_size}",
        "data.val_fraction=0", f"trainer.max_epochs={max_epochs}", f"seed={seed}",
    ]  # fmt: skip
    y = rows.y if rows.y.dim() == 1 or rows.y.shape[1] > 1 else rows.y[:, 0]
    run = train_call(
        TensorDataset(rows.x, y), words, {"run_dir": os.fspath(run_dir)}, y=None, val=None, test=None,
        sample_weight=None if rows.weight is None else rows.weight.numpy(), save_data=False, tracked=True, quiet=True,
    )  # fmt: skip
    predictor = load_predictor(Path(run_dir))
    weight, bias = torch.from_numpy(predictor.weight.copy()), torch.from_numpy(predictor.bias.copy())
    gap, reason = float("nan"), f"see the run, {os.fspath(run_dir)}"
    if isinstance(optimizer, Exact):
        gap, reason = run.metrics["optimum/bound"], reason
    return Fit(weight, bias, gap, reason, 1 if isinstance(optimizer, Exact) else max_epochs)


def _words(group: str, part: Any, names: dict[str, Any]) -> list[str]:
    """Return overrides that choose a component with its options."""
    name = next((name for name, kind in names.items() if type(part) is kind), None)
    if name is None or not is_dataclass(part):
        raise InvalidParameter(f"run_dir: {group}={part!r} is none of linnet's: use linnet.train, which takes any")
    values = {field.name: getattr(part, field.name) for field in fields(part)}
    return [
        f"{group}={name}",
        *(f"{group}.{key}={'null' if value is None else value}" for key, value in values.items()),
    ]
