"""Label shift: classes have other proportions in the target than in training, and look the same in both."""

from collections.abc import Sequence
from typing import Annotated

import torch
from annotated_types import MinLen, Predicate
from torch import Tensor

from linnet.config.data_source import data_source
from linnet.config.option_types import (
    Count,
    CountOrZero,
    DType,
    NoiseKind,
    NonNegative,
    Positive,
    Seed,
    Weighting,
    Words,
)
from linnet.data.sources.shift_weights import confusion_matrix, effective_sample_size, label_weights, normalize_weights
from linnet.data.sources.synthetic import draw_noise
from linnet.data.storage.checksum import checksum
from linnet.data.storage.examples import Examples, Source
from linnet.losses import CrossEntropy
from linnet.penalties import L2
from linnet.solvers.solve import solve
from linnet.system.errors import InputError
from linnet.system.seeds import generator

PENALTY = L2(1e-5)
"""Of the classifier whose confusions are counted, so that it has an optimum where classes can be told apart."""


@data_source("classification", validation="made")
def label_shift(
    train_proportions: Annotated[Sequence[Positive], MinLen(2), Words("a list of at least 2 numbers in (0, inf)")],
    target_proportions: Annotated[
        Sequence[NonNegative], MinLen(2), Predicate(any), Words("a list of at least 2 numbers in [0, inf), not all 0")
    ],
    separation: NonNegative,
    noise: NonNegative,
    noise_kind: NoiseKind,
    weighting: Weighting,
    n_train: Count,
    n_val: CountOrZero,
    n_test: CountOrZero,
    n_target: Count,
    dtype: DType,
    seed: Seed,
) -> Source:
    """Blobs: of C features, class k has mean separation·e_k, and proportions that differ between training and test.

    Args:
        train_proportions: of the classes among training and validation examples, above 0, in any unit; C of them.
        target_proportions: of the classes in the target, among them the test examples, at least 0.
        separation: distance of each mean from the origin.
        noise, noise_kind: of each feature, independent, see `draw_noise`.
        weighting: of training and validation examples, by their class: "none"; "estimated" from the confusions of
            softmax regression among the `n_val` validation examples and from its predictions for `n_target` further
            inputs of the target, see `label_weights`; "known", the ratio of the proportions.

    Raises:
        InputError: different numbers of classes, or validation examples from which no weights can be estimated.
        ValueError: the weights of a part are all 0.
    """
    n_classes = len(train_proportions)
    if len(target_proportions) != n_classes:
        raise InputError(
            f"data.target_proportions={target_proportions}: expected one for each of the {n_classes} classes of "
            f"data.train_proportions={train_proportions}"
        )
    q, p = (_shares(proportions) for proportions in (train_proportions, target_proportions))

    def draw(name: str, size: int, shares: Tensor) -> Examples:
        rng = generator(seed, f"data/{name}")
        y = torch.multinomial(shares, size, replacement=True, generator=rng) if size else torch.zeros(0).long()
        means = separation * torch.eye(n_classes, dtype=torch.float64)
        return Examples(means[y] + draw_noise((size, n_classes), noise, noise_kind, rng), y)

    drawn = draw("train", n_train, q), draw("val", n_val, q), draw("test", n_test, p)
    beta = p / q
    if weighting == "estimated":
        beta = _estimated(drawn[0], drawn[1], draw("target", n_target, p).x, n_classes)

    def part(examples: Examples, weighted: bool) -> Examples | None:
        if not len(examples):
            return None
        weight = normalize_weights(beta[examples.y]) if weighted and weighting != "none" else None
        kind = getattr(torch, dtype)
        return Examples(examples.x.to(kind), examples.y, weight if weight is None else weight.to(kind))

    train, val, test = part(drawn[0], True), part(drawn[1], True), part(drawn[2], False)
    assert train is not None
    summary: tuple[str, ...] = ()
    if train.weight is not None:
        listed, counts = ", ".join(f"{weight:.3g}" for weight in beta), effective_sample_size(train.weight)
        summary = (f"{weighting} class weights {listed}: {n_train} training examples count like {counts:.1f}",)
    return Source(
        task="classification", train=train, val=val, test=test,
        class_names=tuple(f"blob {k}" for k in range(n_classes)), checksum=checksum(train, val, test), summary=summary,
    )  # fmt: skip


def _shares(proportions: Sequence[float]) -> Tensor:
    shares = torch.tensor(proportions, dtype=torch.float64)
    return shares / shares.sum()


def _estimated(train: Examples, val: Examples, target: Tensor, n_classes: int) -> Tensor:
    """Return β(y) `[C]`, from labelled examples of the one distribution and inputs `[N, D]` of the other."""
    if not len(val):
        raise InputError("data.n_val=0: data.weighting=estimated counts confusions among them, give a number above 0")
    found = solve(train, CrossEntropy(), PENALTY, bias=True, n_outputs=n_classes)

    def predicted(x: Tensor) -> Tensor:
        return (x @ found.weight.T + found.bias).argmax(dim=1)

    confusion = confusion_matrix(predicted(val.x), val.y, n_classes)
    try:
        return label_weights(confusion, torch.bincount(predicted(target), minlength=n_classes))
    except ValueError as error:
        raise InputError(f"data.weighting=estimated, data.n_val={len(val)}: {error}") from error
