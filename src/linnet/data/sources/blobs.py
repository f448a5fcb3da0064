"""Classes around known means, for which the best possible accuracy is known."""

import math
from typing import Annotated

import torch
from annotated_types import Ge

from linnet.config.data_source import data_source
from linnet.config.option_types import Count, CountOrZero, DType, NoiseKind, NonNegative, Seed
from linnet.data.sources.blobs_bayes import bayes_accuracy
from linnet.data.sources.synthetic import draw_noise
from linnet.data.storage.examples import Examples, Source, checksum
from linnet.system.errors import InputError
from linnet.system.seeds import generator


@data_source("classification", validation="made")
def gaussian_blobs(
    n_classes: Annotated[int, Ge(2)],
    n_features: Count,
    separation: NonNegative,
    noise: NonNegative,
    noise_kind: NoiseKind,
    n_train: Count,
    n_val: CountOrZero,
    n_test: CountOrZero,
    dtype: DType,
    seed: Seed,
) -> Source:
    """Return classes of equal probability; class k has mean separation·e_k and independent noise in each feature.

    Args:
        n_classes, n_features: C and D, with D ≥ C since each mean has an axis of its own.
        separation: distance of each mean from the origin.
        noise: standard deviation of Gaussian noise, or the b of Laplace noise exp(−|ε|/b)/2b.

    Raises:
        InputError: if n_features < n_classes.
    """
    if n_features < n_classes:
        raise InputError(f"data.n_features={n_features}: expected at least data.n_classes={n_classes}")
    if noise == 0:
        raise InputError("data.noise=0: blobs without noise are points, give a number above 0")
    means = separation * torch.eye(n_classes, n_features, dtype=torch.float64)
    deviation = noise if noise_kind == "gaussian" else math.sqrt(2) * noise

    def draw(name: str, size: int) -> Examples | None:
        if size == 0:
            return None
        rng = generator(seed, f"data/{name}")
        y = torch.randint(n_classes, (size,), generator=rng)
        x = means[y] + draw_noise((size, n_features), deviation, noise_kind, rng)
        return Examples(x.to(getattr(torch, dtype)), y)

    train, val, test = draw("train", n_train), draw("val", n_val), draw("test", n_test)
    assert train is not None
    return Source(
        task="classification", train=train, val=val, test=test,
        class_names=tuple(f"blob {k}" for k in range(n_classes)),
        bayes_accuracy=bayes_accuracy(n_classes, separation, noise, noise_kind),
        checksum=checksum(train, val, test),
    )  # fmt: skip
