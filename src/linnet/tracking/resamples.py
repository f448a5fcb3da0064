"""Write and read `resamples.safetensors`: the resamples of a run, as they were before its first step.

It holds `train` `[F, N]` and `held_out` `[F, N]`; of partitions into folds, `fold` `[R, N]` and `n_folds` instead.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from linnet.data.resampling.resamples import Folds, Resamples, Samples, resamples_of
from linnet.system.errors import InputError
from linnet.system.files import write_atomic
from linnet.system.reading import read_safetensors

FILE = "resamples.safetensors"


def save_resamples(run: Path, resamples: Resamples) -> None:
    """Write the resamples into the run directory."""
    write_atomic(run / FILE, save({name: tensor.contiguous() for name, tensor in resamples.tensors().items()}))


def load_resamples(run: Path, n_examples: int) -> Resamples:
    """Return the resamples of N training examples that a run directory holds; nothing in it is executed.

    Raises:
        InputError: the file is missing or damaged, or not of so many examples.
    """
    path = run / FILE
    try:
        found = resamples_of(load(read_safetensors(path)))
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing, which says what each resample trains on: start a new run") from error
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"{path} is damaged: {error}") from error
    fault = _fault(found)
    if fault is None and found.n_examples != n_examples:
        fault = f"it is of {found.n_examples} training examples, and there are {n_examples}"
    if fault is not None:
        raise InputError(f"{path} is damaged: {fault}")
    return found


def _fault(found: Resamples) -> str | None:
    """Return what is wrong with resamples that were read, or None."""
    if isinstance(found, Folds):
        fold = found.fold
        if fold.dtype != torch.int32 or fold.dim() != 2 or found.n_folds < 2 or fold.numel() == 0:
            return f"folds of type {fold.dtype} and shape {list(fold.shape)}"
        if int(fold.min()) < -1 or int(fold.max()) >= found.n_folds:
            return f"folds outside of 0 to {found.n_folds - 1}"
        return None
    assert isinstance(found, Samples)
    train, held_out = found.train, found.held_out
    if train.dtype != torch.uint8 or held_out.dtype != torch.bool or train.dim() != 2 or train.shape != held_out.shape:
        return f"train of type {train.dtype} and shape {list(train.shape)}, held_out of shape {list(held_out.shape)}"
    return "an example is both trained on and held out" if bool((train.bool() & held_out).any()) else None
