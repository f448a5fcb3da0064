"""Make the resamples of a run's training examples, and refuse those that no model could be trained on."""

import torch
from torch import Tensor

from linnet.data.resampling.resamples import Folds, Resamples
from linnet.data.resampling.resampling import Labels, NoResampling, Resampling
from linnet.data.storage.examples import Examples, Source
from linnet.data.storage.sparse_examples import SparseExamples
from linnet.system.errors import InputError


def resample(resampling: Resampling, train: Examples, source: Source, seed: int) -> Resamples | None:
    """Return the resamples of the training examples, a pure function of the arguments; None: there are none.

    Args:
        resampling: the component.
        train: the N training examples, prepared.
        source: whose class names, groups and folds theirs are.
        seed: of what is drawn.

    Raises:
        InputError: the examples are not all in memory, too few, or a resample would train on no example of a class.
    """
    if isinstance(resampling, NoResampling):
        return None
    if train.streamed:
        raise InputError(
            "resampling: the examples are read from files as they are needed: use resampling=none, or a "
            "data.max_memory_mb that they fit into"
        )
    if isinstance(train, SparseExamples):
        raise InputError("resampling: the features are sparse: use resampling=none, or give them as dense arrays")
    classes = train.y.cpu() if source.task == "classification" else None
    labels = Labels(len(train), classes, source.class_names, source.groups, source.folds)
    made = resampling.resamples(labels, seed)
    if made is not None:
        _check(made, classes, source.class_names, train.weight)
    return made


def _check(made: Resamples, classes: Tensor | None, names: tuple[str, ...], weight: Tensor | None) -> None:
    """Raise InputError if a resample trains on no example of a class, or on none that counts."""
    if classes is None and weight is None:
        return
    codes = torch.zeros(made.n_examples, dtype=torch.int64) if classes is None else classes
    n_codes = max(1, len(names))
    if weight is not None:
        codes = torch.where(weight.cpu() > 0, codes, n_codes)
    counts = _trained_on(made, codes, n_codes + 1)[:, :n_codes]
    empty = torch.nonzero(counts.sum(dim=1) == 0)
    if len(empty):
        raise InputError(
            f"resampling: all training examples of resample {int(empty[0])} have weight 0, nothing would count: use "
            f"fewer folds, or other weights"
        )
    lacking = torch.nonzero(counts == 0)
    if len(lacking):
        resample, code = lacking[0].tolist()
        raise InputError(
            f"resampling: resample {resample} trains on no example of class {names[code]}: use fewer folds, "
            f"resampling=kfold, which has equal shares of the classes, or for a bootstrap resampling.stratified=true"
        )


def _trained_on(made: Resamples, codes: Tensor, n_codes: int) -> Tensor:
    """Return how many examples with each code each resample trains on `[F, n_codes]`, each example counted once."""
    if isinstance(made, Folds):  # without the matrix, which leave-one-out has N² entries of
        held_out = [
            (fold[fold >= 0].long() * n_codes + codes[fold >= 0]).bincount(minlength=made.n_folds * n_codes)
            for fold in made.fold
        ]
        return codes.bincount(minlength=n_codes) - torch.cat(held_out).reshape(-1, n_codes)
    return torch.stack([codes[counts > 0].bincount(minlength=n_codes) for counts in made.train])
