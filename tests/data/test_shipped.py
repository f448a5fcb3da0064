"""The data sets of scikit-learn arrive whole, and their test part is the same for every run."""

import numpy as np
import pytest
import torch
from sklearn import datasets

from linnet.data import Examples, Source, diabetes, digits
from linnet.data.sources import shipped

EXPECTED = {
    diabetes: (datasets.load_diabetes().data, datasets.load_diabetes().target[:, None]),
    digits: (datasets.load_digits().data / 16, datasets.load_digits().target),
}


@pytest.fixture(params=list(EXPECTED), ids=lambda source: source.__name__)
def source(request):
    return request.param


def pairs(*parts: Examples | None) -> list[tuple[float, ...]]:
    """Each example as one tuple of its features and targets, sorted."""
    tables = [np.column_stack([part.x.numpy(), part.y.numpy()]) for part in parts if part is not None]
    return sorted(map(tuple, np.concatenate(tables).tolist()))


def test_holds_every_example_of_scikit_learn_once(source):
    data: Source = source("float64", seed=0)
    x, y = EXPECTED[source]
    assert pairs(data.train, data.test) == sorted(map(tuple, np.column_stack([x, y]).tolist()))


def test_holds_out_a_fifth_for_testing(source):
    data = source("float64", seed=0)
    assert len(data.test) == round(len(EXPECTED[source][0]) / 5)


def test_is_the_same_for_every_seed(source):
    first, second = source("float64", seed=0), source("float64", seed=1)
    assert torch.equal(first.test.x, second.test.x)
    assert torch.equal(first.train.x, second.train.x)
    assert first.checksum == second.checksum


def test_of_float32_is_that_of_float64_rounded(source):
    single, double = source("float32", seed=0), source("float64", seed=0)
    for part in ("train", "test"):
        assert torch.equal(getattr(single, part).x, getattr(double, part).x.float())
        assert getattr(single, part).x.dtype == torch.float32


def test_targets_have_the_shape_of_their_task():
    assert diabetes("float32", seed=0).train.y.shape[1:] == (1,)
    assert diabetes("float32", seed=0).train.y.dtype == torch.float32
    assert digits("float32", seed=0).train.y.shape[1:] == ()
    assert digits("float32", seed=0).train.y.dtype == torch.int64


def test_digits_are_images_of_ten_classes_in_every_part():
    data = digits("float32", seed=0)
    assert data.class_names == tuple("0123456789")
    assert data.image_shape == (8, 8)
    assert (data.train.x.min(), data.train.x.max()) == (0, 1)
    for part in (data.train, data.test):
        assert set(part.y.tolist()) == set(range(10))


def test_diabetes_names_its_features():
    names = diabetes("float32", seed=0).feature_names
    assert (len(names), names[:3]) == (10, ("age", "sex", "bmi"))


def test_digits_are_the_same_where_scikit_learn_keeps_them_elsewhere(monkeypatch):
    found = digits("float64", seed=0)
    monkeypatch.setattr(shipped, "find_spec", lambda name: None)
    shipped._digits.cache_clear()
    assert digits("float64", seed=0).checksum == found.checksum
