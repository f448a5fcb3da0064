"""Real data that ships with scikit-learn, so that it is there on every machine."""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from sklearn import datasets

from linnet.data.examples import Examples, Source, Task, checksum
from linnet.seeds import generator

TEST_FRACTION = 0.2
"""Neither set has an official test part. Ours is one fixed fifth, the same for every seed of every run, so that
figures of different runs speak of the same examples."""


def diabetes(dtype: str, seed: int) -> Source:
    """442 patients, 10 measurements, disease progression after a year (Efron et al., Least angle regression, 2004).

    Features come scaled by scikit-learn to mean 0 and sum of squares 1 over all patients; targets are 25 to 346.
    """
    bunch = _read(datasets.load_diabetes)
    return _source("regression", bunch.data, bunch.target[:, None], dtype, feature_names=tuple(bunch.feature_names))


def digits(dtype: str, seed: int) -> Source:
    """1797 handwritten digits of 8×8 pixels (E. Alpaydin and C. Kaynak, UCI, 1998); grey levels 0 … 16 become 0 … 1."""
    bunch = _read(datasets.load_digits)
    names = tuple(str(name) for name in bunch.target_names)
    return _source("classification", bunch.data / 16, bunch.target, dtype, class_names=names, image_shape=(8, 8))


@cache
def _read(load: Callable[[], Any]) -> Any:
    """What scikit-learn parses from a text file in 20 ms, once for all jobs of a sweep; never written to."""
    return load()


def _source(
    task: Task,
    features: object,
    targets: object,
    dtype: str,
    class_names: tuple[str, ...] = (),
    feature_names: tuple[str, ...] = (),
    image_shape: tuple[int, ...] | None = None,
) -> Source:
    kind = getattr(torch, dtype)
    everything = Examples(
        torch.as_tensor(features).to(kind), torch.as_tensor(targets).to(kind if task == "regression" else torch.int64)
    )
    order = torch.randperm(len(everything), generator=generator(0, "data/test"))
    n_test = round(len(everything) * TEST_FRACTION)
    return Source(
        task=task, train=everything.take(order[n_test:]), test=everything.take(order[:n_test]),
        class_names=class_names, feature_names=feature_names, image_shape=image_shape, checksum=checksum(everything),
    )  # fmt: skip
