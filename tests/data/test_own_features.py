"""Features of resamples: those that a table of the resample's rows alone would have."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tables import source, write_csv
from torch import Tensor

from linnet.data import Data, Examples, Source, prepare
from linnet.data.own_features import own_features
from linnet.models.linear import predict
from linnet.system.errors import InputError

N = 60
HELD_OUT = ([1, 5, 6, 30], [4, 7, 12, 13], [0, 2, 9, 33], list(range(3, 60, 7)), list(range(30)))
"""Rows that are held out: the one Oslo; both of Bern; the one missing value and the one that varies; all missing ages;
all red ones."""


def table() -> dict[str, list[Any]]:
    random = np.random.default_rng(3)
    age = [None if i % 7 == 3 else round(float(v), 3) for i, v in enumerate(random.normal(40, 9, N))]
    income = [None if i % 11 in (4, 5) else float(v) for i, v in enumerate(random.lognormal(3, 2, N))]
    return {
        "age": age,
        "income": income,
        "rarely": [None if i == 0 else float(i % 5) for i in range(N)],
        "once": [float(i == 2) for i in range(N)],
        "city": ["Oslo" if i == 1 else "Bern" if i in (4, 7) else "Rome" if i % 3 else "Paris" for i in range(N)],
        "colour": [None if i % 13 == 8 else "red" if i < 30 else "blue" for i in range(N)],
        "weight": [1.0 + i % 2 for i in range(N)],
        "y": [round(float(v), 3) + 100 for v in random.normal(size=N)],
    }


def prepared(path: Path, held_out: list[int], *, standardize: bool, weighted: bool) -> Data:
    columns = table()
    part = ["test" if i in held_out else "train" for i in range(N)]
    write_csv(path, {**columns, "part": part})
    found = source(
        str(path), missing="mean", min_count=2, split_column="part", val_fraction=0.0,
        weight="weight" if weighted else None, exclude=[] if weighted else ["weight"],
    )  # fmt: skip
    return prepare(found, 8, None, standardize, 0, 0, dtype="float64")


def counts() -> Tensor:
    kept = torch.ones(len(HELD_OUT), N, dtype=torch.uint8)
    for k, rows in enumerate(HELD_OUT):
        kept[k, rows] = 0
    return kept


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("standardize", [True, False])
def test_features_are_those_of_a_table_of_the_other_rows(tmp_path: Path, standardize: bool, weighted: bool) -> None:
    shared = prepared(tmp_path / "all.csv", [], standardize=standardize, weighted=weighted)
    maps = own_features(shared, counts())
    assert maps is not None
    for k, rows in enumerate(HELD_OUT):
        own = prepared(tmp_path / "fold.csv", rows, standardize=standardize, weighted=weighted)
        assert own.test is not None
        found = dict(zip(shared.feature_names, maps.features_of(k, shared.train.x).T, strict=True))
        kept = counts()[k] > 0
        for name, train, test in zip(own.feature_names, own.train.x.T, own.test.x.T, strict=True):
            z = found.pop(name)
            torch.testing.assert_close(z[kept], train, rtol=1e-10, atol=1e-10)
            torch.testing.assert_close(z[~kept], test, rtol=1e-10, atol=1e-10)
        for name, z in found.items():
            assert not z.any(), name  # what the fold's table has no feature of
    torch.testing.assert_close(maps.features_of(len(HELD_OUT), shared.train.x), shared.train.x, rtol=0, atol=0)


def test_weights_of_own_features_are_weights_of_the_shared_columns(tmp_path: Path) -> None:
    shared = prepared(tmp_path / "all.csv", [], standardize=True, weighted=False)
    maps = own_features(shared, counts())
    assert maps is not None
    random, n_models = torch.Generator().manual_seed(0), len(HELD_OUT) + 1
    weight = torch.randn(n_models, 2, shared.train.n_features, generator=random, dtype=torch.float64)
    bias = torch.randn(n_models, 2, generator=random, dtype=torch.float64)
    weight.requires_grad_(), bias.requires_grad_()
    direct = [maps.features_of(k, shared.train.x) @ weight[k].T + bias[k] for k in range(n_models)]
    found = predict(shared.train.x, *maps.shared(weight, bias))
    torch.testing.assert_close(found, torch.stack(direct), rtol=1e-10, atol=1e-10)

    of_shared = [torch.randn(part.shape, generator=random, dtype=torch.float64) for part in (weight, bias)]
    expected = torch.autograd.grad(maps.shared(weight, bias), (weight, bias), of_shared)  # type: ignore[arg-type]
    grads = [grad.clone() for grad in of_shared]
    maps.backpropagate_(grads)
    for grad, other in zip(grads, expected, strict=True):
        torch.testing.assert_close(grad, other, rtol=1e-12, atol=1e-12)
    everything = maps.shared(weight, bias)
    assert torch.equal(everything[0][-1], weight[-1]) and torch.equal(everything[1][-1], bias[-1])  # type: ignore[index]


def test_mean_of_the_targets_is_the_resamples_own(tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(0)
    examples = Examples(*(torch.randn(20, n, generator=random, dtype=torch.float64) for n in (3, 2)))
    data = prepare(Source("regression", examples, None, "", unrounded=True), 5, 0.0, False, 0, 0, dtype="float32",
                   centre_targets=True)  # fmt: skip
    twice = torch.tensor([[2, 0] * 10], dtype=torch.uint8)
    maps = own_features(data, twice)
    assert maps is not None and maps.offset is not None and data.offset is not None
    torch.testing.assert_close(maps.offset[0] + data.offset, examples.y[::2].mean(0), rtol=1e-13, atol=1e-14)
    assert not maps.offset[1].any()


def test_columns_that_float32_cannot_show_to_a_resample_are_refused() -> None:
    x = torch.cat([torch.arange(19.0, dtype=torch.float64), torch.tensor([1e9])])[:, None]
    examples = Source("regression", Examples(x, x), None, "", feature_names=("size",), unrounded=True)
    without = torch.ones(1, 20, dtype=torch.uint8)
    without[0, 19] = 0
    with pytest.raises(InputError, match=r"feature size varies so little in resample 0 .*data.dtype=float64"):
        own_features(prepare(examples, 5, 0.0, True, 0, 0, dtype="float32"), without)
    maps = own_features(prepare(examples, 5, 0.0, True, 0, 0, dtype="float64"), without)
    assert maps is not None
    found = maps.features_of(0, prepare(examples, 5, 0.0, True, 0, 0, dtype="float64").train.x)[:19, 0]
    torch.testing.assert_close(found, (x[:19, 0] - 9) / x[:19, 0].std(correction=0), rtol=0, atol=1e-7)


def test_shared_columns_do_where_nothing_is_fitted() -> None:
    x = torch.ones(4, 1, dtype=torch.float64)
    source = Source("regression", Examples(x, x), None, "")
    assert own_features(prepare(source, 2, 0.0, False, 0, 0), torch.ones(1, 4, dtype=torch.uint8)) is None
