"""Real data that ships with scikit-learn, so that it is there on every machine."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from linnet.config.data_source import data_source
from linnet.config.option_types import DType, Seed
from linnet.data.storage.checksum import checksum
from linnet.data.storage.examples import Examples, Source, Task
from linnet.system.seeds import generator

TEST_FRACTION = 0.2
"""Neither set has an official test part. Ours is one fixed fifth, the same for every seed of every run, so that
figures of different runs speak of the same examples."""


@data_source("regression")
def diabetes(dtype: DType, seed: Seed) -> Source:
    """Return 442 patients, 10 measurements, disease progression after a year.

    Source: Efron et al., Least angle regression, 2004.

    Features come scaled by scikit-learn to mean 0 and sum of squares 1 over all patients; targets are 25 to 346.
    """
    bunch = _diabetes()
    return _source("regression", bunch.data, bunch.target[:, None], dtype, feature_names=tuple(bunch.feature_names))


@data_source("classification")
def digits(dtype: DType, seed: Seed) -> Source:
    """Return 1797 handwritten digits of 8×8 pixels, grey levels in [0, 1] (Alpaydin and Kaynak, UCI, 1998)."""
    table = _digits()
    names = tuple(str(digit) for digit in range(10))
    return _source("classification", table[:, :-1] / 16, table[:, -1], dtype, class_names=names, image_shape=(8, 8))


# Read once for all jobs of a sweep; never written to.
@cache
def _diabetes() -> Any:
    from sklearn import datasets

    return datasets.load_diabetes()


@cache
def _digits() -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return `[1797, 65]`: 64 grey levels, and the digit.

    From scikit-learn's file where it has always been, since importing scikit-learn takes as long as the training.
    """
    package = find_spec("sklearn")
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            return np.loadtxt(path, delimiter=",")
    from sklearn import datasets

    bunch = datasets.load_digits()
    return np.column_stack([bunch.data, bunch.target])


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
        rows=order[n_test:],
    )  # fmt: skip
