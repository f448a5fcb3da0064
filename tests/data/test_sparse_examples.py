"""Sparse examples give the batches of dense ones, and are scaled as scikit-learn scales them."""

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.preprocessing import StandardScaler

from linnet.data.standardizer import Standardizer
from linnet.data.storage import sparse_examples
from linnet.data.storage.examples import Examples
from linnet.data.storage.sparse_examples import SparseExamples, sparse_standardizer
from linnet.system.errors import InputError


@pytest.fixture
def dense() -> np.ndarray:
    """Features `[50, 12]` with an empty row, an empty column and a constant one."""
    rng = np.random.default_rng(0)
    x = np.where(rng.random((50, 12)) < 0.3, rng.normal(3, 1, (50, 12)), 0.0)
    x[7], x[:, 4], x[:, 5] = 0, 0, 2.5
    return x


@pytest.fixture
def both(dense) -> tuple[SparseExamples, Examples]:
    y, weight = torch.arange(50.0).double()[:, None], torch.rand(50, dtype=torch.float64)
    kept = SparseExamples.of(scipy.sparse.csr_array(dense), y, weight, dtype=torch.float64)
    return kept, Examples(torch.from_numpy(dense), y, weight)


def assert_same(ours, theirs):
    ours, theirs = list(ours), list(theirs)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a.x.to_dense(), b.x)
        assert torch.equal(a.y, b.y)
        assert torch.equal(a.weight, b.weight)


@pytest.mark.parametrize("group", [1, 30, 2**20])
def test_batches_chunks_and_rows_are_those_of_dense_examples(both, group, monkeypatch):
    monkeypatch.setattr(sparse_examples, "GROUP", group)
    kept, dense = both
    assert (len(kept), kept.n_features, kept.dtype, kept.n_targets) == (50, 12, torch.float64, 1)
    rows = torch.randperm(50)
    assert_same(
        kept.batches(rows, [16, 16, 16, 2]), (b._replace(x=b.x.clone()) for b in dense.batches(rows, [16, 16, 16, 2]))
    )
    assert_same(kept.batches(rows[:0], [0]), dense.batches(rows[:0], [0]))
    assert_same(kept.chunks(20), dense.chunks(20))
    assert_same(kept.take(rows[:9]).chunks(5), dense.take(rows[:9]).chunks(5))
    assert torch.equal(kept.x.to_dense(), dense.x)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_scaling_is_that_of_scikit_learn_and_of_dense_features(both, dense, bias, weighted):
    weight = both[0].weight if weighted else None
    found = sparse_standardizer(both[0].matrix, weight, bias=bias).deviation.numpy()
    if bias:
        theirs = StandardScaler(with_mean=False).fit(dense, sample_weight=None if weight is None else weight.numpy())
        assert found == pytest.approx(theirs.scale_, rel=1e-13)
    else:
        examples = Examples(torch.from_numpy(dense), both[1].y, weight)
        assert found == pytest.approx(
            Standardizer.of(lambda: examples.chunks(7), centre=False).deviation.numpy(), rel=1e-13
        )


def test_scaled_examples(both, dense):
    scaling = sparse_standardizer(both[0].matrix, bias=True)
    kept = SparseExamples.of(both[0].matrix, both[0].y, dtype=torch.float64, scaling=scaling)
    assert torch.equal(kept.x.to_dense(), torch.from_numpy(dense) / scaling.deviation)
    assert np.array_equal(both[0].matrix.toarray(), dense)  # given ones stay


def test_a_constant_far_from_0_is_constant():
    x = scipy.sparse.csr_array(np.full((1000, 1), 1e6 + 0.1))
    assert sparse_standardizer(x, bias=True).deviation.tolist() == [1.0]


def test_what_cannot_be_is_refused(both, dense):
    y = both[0].y
    with pytest.raises(InputError, match="cannot be centred"):
        SparseExamples.of(
            scipy.sparse.csr_array(dense), y, dtype=torch.float64, scaling=Standardizer(torch.ones(12), torch.ones(12))
        )
    with pytest.raises(InputError, match="too large for float32"):
        SparseExamples.of(scipy.sparse.csr_array(dense * 1e40), y, dtype=torch.float32)
    with pytest.raises(InputError, match="NaN"):
        SparseExamples.of(scipy.sparse.csr_array(dense * np.nan), y, dtype=torch.float32)
    with pytest.raises(InputError, match="trainer=cpu"):
        both[0].to(torch.device("meta"))
