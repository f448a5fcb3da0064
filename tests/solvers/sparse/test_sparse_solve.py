"""Optima of sparse features: the dense solver, scikit-learn and 50 digits agree within the certificates."""

import itertools
import warnings
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.linear_model import ElasticNet as TheirElasticNet, LogisticRegression, Ridge

from linnet.data import Examples
from linnet.losses import AbsoluteError, CrossEntropy, GaussianNLL, Huber, Loss, PoissonNLL, SquaredError
from linnet.penalties import L1, L2, ElasticNet, NoPenalty, Penalty
from linnet.solvers.optimum import Optimum
from linnet.solvers.solve import solve
from linnet.solvers.sparse import size
from linnet.solvers.sparse.features import compressed_rows

LOSSES = [SquaredError(), GaussianNLL(0.5), Huber(0.7), PoissonNLL(), CrossEntropy(), CrossEntropy(0.1)]
PENALTIES = [L2(0.02), L1(0.03), ElasticNet(0.005, 0.9)]


@pytest.fixture
def kept_sparse(monkeypatch):
    """Small problems are not made dense."""
    monkeypatch.setattr(size, "DENSE_NUMBERS", 0)
    monkeypatch.setattr(size, "UNPENALISED_NUMBERS", 0)


def features(kind: str, n_examples: int = 60, n_features: int = 20) -> np.ndarray:
    """Features `[N, D]`, mostly zeros."""
    rng = np.random.default_rng(0)
    x = np.where(rng.random((n_examples, n_features)) < 0.3, rng.normal(size=(n_examples, n_features)), 0.0)
    match kind:
        case "offset":
            x[:, 0] = 100 + rng.random(n_examples)
        case "scales":
            x *= 10.0 ** rng.integers(-3, 4, n_features)
        case "empty":
            x[::3], x[:, ::4] = 0, 0
        case "duplicates":
            x[:, 1::2] = x[:, ::2]
    return x


def targets(loss: Loss, x: np.ndarray, n_outputs: int = 2) -> torch.Tensor:
    rng = np.random.default_rng(1)
    z = x @ rng.normal(size=(x.shape[1], n_outputs))
    z = z / np.abs(z).max() * 2 + 0.5
    if loss.task == "classification":
        return torch.from_numpy(np.argmax(z + rng.gumbel(size=z.shape), 1))
    return torch.from_numpy(
        rng.poisson(np.exp(z)).astype(float) if isinstance(loss, PoissonNLL) else z + rng.normal(size=z.shape)
    )


def sparse_solve(x, y: torch.Tensor, loss: Loss, penalty: Penalty, weight=None, **options) -> Optimum:
    return solve(SimpleNamespace(x=x, y=y, weight=weight), loss, penalty, **{"bias": True, **options})


def assert_agree(found: Optimum, other: Optimum, tolerance: float = 1e-8) -> None:
    assert found.suboptimality_bound <= tolerance
    assert found.lower <= other.objective * (1 + 1e-15) + 1e-15
    assert other.lower <= found.objective * (1 + 1e-15) + 1e-15


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("kind", ["plain", "empty"])
def test_equals_the_dense_solver(kept_sparse, kind, loss, penalty):
    x = features(kind)
    y = targets(loss, x)
    dense = solve(Examples(torch.from_numpy(x), y), loss, penalty, bias=True)
    found = sparse_solve(scipy.sparse.csr_array(x), y, loss, penalty)
    assert_agree(found, dense)
    if penalty.l2 > 0:  # strongly convex: both weights are within √(2 bound / l2) of the best one
        near = sum((2 * each.suboptimality_bound / penalty.l2) ** 0.5 for each in (found, dense))
        assert float((found.weight - dense.weight).norm()) <= near


@pytest.mark.parametrize("kind", ["offset", "scales", "duplicates"])
@pytest.mark.parametrize("loss", [SquaredError(), CrossEntropy()], ids=repr)
@pytest.mark.parametrize("penalty", [L2(1e-4), L1(1e-3)], ids=repr)
def test_badly_conditioned_features(kept_sparse, kind, loss, penalty):
    x = features(kind)
    y = targets(loss, x)
    dense = solve(Examples(torch.from_numpy(x), y), loss, penalty, bias=True)
    assert_agree(sparse_solve(scipy.sparse.csr_array(x), y, loss, penalty), dense)


def test_absolute_error(kept_sparse):
    x = features("plain")
    y = targets(AbsoluteError(), x)
    for penalty in (L2(0.02), L1(0.03)):
        dense = solve(Examples(torch.from_numpy(x), y), AbsoluteError(), penalty, bias=True)
        assert_agree(sparse_solve(scipy.sparse.csr_array(x), y, AbsoluteError(), penalty), dense, 2e-3)


@pytest.mark.parametrize("loss", [SquaredError(), CrossEntropy()], ids=repr)
@pytest.mark.parametrize("penalty", [L2(0.02), L1(0.03)], ids=repr)
def test_weights_are_repetitions_and_a_weight_of_0_is_none(kept_sparse, loss, penalty):
    x = features("plain")
    y = targets(loss, x)
    counts = np.arange(len(x)) % 3
    weighted = sparse_solve(scipy.sparse.csr_array(x), y, loss, penalty, torch.from_numpy(counts).double())
    repeated = sparse_solve(
        scipy.sparse.csr_array(np.repeat(x, counts, 0)), y.repeat_interleave(torch.from_numpy(counts), 0), loss, penalty
    )
    assert_agree(weighted, repeated)


@pytest.mark.parametrize(
    "x", [np.zeros((1, 3)), np.array([[0.0, 2.0]]), np.zeros((4, 0))], ids=["zeros", "row", "none"]
)
def test_one_row_one_class_no_features(kept_sparse, x):
    y = torch.zeros(len(x), dtype=torch.int64)
    found = sparse_solve(scipy.sparse.csr_array(x), y, CrossEntropy(), L2(0.1))
    assert found.objective == 0  # one class only, with a bias: nothing to distinguish
    found = sparse_solve(scipy.sparse.csr_array(x), torch.ones(len(x), 1).double(), SquaredError(), L2(0.1))
    assert found.bias.tolist() == [1.0]
    assert found.suboptimality_bound < 1e-12


def test_all_formats_are_one_matrix():
    x = features("plain")
    csr = scipy.sparse.csr_array(x)
    unsummed = scipy.sparse.csr_array(
        (np.repeat(csr.data / 2, 2), np.repeat(csr.indices, 2), 2 * csr.indptr), shape=csr.shape
    )
    zeros = csr.copy()
    zeros.data[::5] = 0.0
    int64 = scipy.sparse.csr_array((csr.data, csr.indices.astype(np.int64), csr.indptr.astype(np.int64)), csr.shape)
    before = unsummed.data.copy()
    with warnings.catch_warnings():  # torch calls its sparse layouts a beta
        warnings.simplefilter("ignore")
        tensor = torch.from_numpy(x).to_sparse_csr()
    same = [csr.tocsc(), csr.tocoo(), scipy.sparse.csr_matrix(x), unsummed, int64, torch.from_numpy(x).to_sparse_coo()]
    for other in [*same, tensor]:
        assert np.array_equal(compressed_rows(other).toarray(), x)
        assert compressed_rows(other).indices.dtype == np.int32
        assert compressed_rows(other).nnz == csr.nnz
    assert np.array_equal(compressed_rows(zeros).toarray(), zeros.toarray())
    assert np.array_equal(unsummed.data, before)  # what was given stays as it was
    assert np.shares_memory(compressed_rows(csr).data, csr.data)
    assert compressed_rows(csr.astype(np.float32)).dtype == np.float32
    assert compressed_rows(csr.astype(bool)).dtype == np.float64


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (scipy.sparse.csr_array(np.array([[np.nan, 1.0]])), "NaN"),
        (scipy.sparse.csr_array(np.array([[1j, 1.0]])), "complex"),
        (scipy.sparse.coo_array(np.ones(3)), "wanted"),
        (scipy.sparse.csr_array((0, 3)), "at least one"),
    ],
    ids=["nan", "complex", "vector", "no rows"],
)
def test_what_cannot_be_solved_is_refused(x, words):
    with pytest.raises(ValueError, match=words):
        sparse_solve(x, torch.ones(x.shape[0] if x.ndim > 1 else 3, 1).double(), SquaredError(), L2(0.1))


def test_damaged_indices_are_refused():
    x = scipy.sparse.csr_array(np.eye(3))
    x.indices[1] = 10**6
    with pytest.raises(ValueError, match="indices"):
        sparse_solve(x, torch.ones(3, 1).double(), SquaredError(), L2(0.1))


def test_without_a_penalty_large_problems_are_refused_with_the_remedy(kept_sparse):
    x = features("plain")
    with pytest.raises(ValueError, match="use a penalty"):
        sparse_solve(scipy.sparse.csr_array(x), targets(CrossEntropy(), x), CrossEntropy(), NoPenalty())


@pytest.mark.parametrize(("shape", "proven"), [((80, 10), True), ((10, 80), False)])
def test_least_squares_without_a_penalty(kept_sparse, shape, proven):
    x = features("plain", *shape)
    y = targets(SquaredError(), x)
    dense = solve(Examples(torch.from_numpy(x), y), SquaredError(), NoPenalty(), bias=True)
    found = sparse_solve(scipy.sparse.csr_array(x), y, SquaredError(), NoPenalty())
    assert_agree(found, dense, 1e-7)
    assert found.unique == proven
    assert ("Cholesky" in found.certificate) == proven


@pytest.mark.parametrize(
    ("loss", "penalty"),
    [(SquaredError(), NoPenalty()), *itertools.product([SquaredError(), CrossEntropy(), Huber(0.7)], PENALTIES)],
    ids=repr,
)
def test_the_bound_of_a_point_that_is_not_optimal(kept_sparse, loss, penalty):
    x = features("plain")
    y = targets(loss, x)
    best = solve(Examples(torch.from_numpy(x), y), loss, penalty, bias=True, tolerance=1e-12)
    early = sparse_solve(scipy.sparse.csr_array(x), y, loss, penalty, tolerance=0.1)
    above = early.objective - best.objective
    assert 1e-13 < above <= early.suboptimality_bound <= 0.1
    assert early.suboptimality_bound < early.objective  # more than that no loss is negative


class TestScikitLearn:
    x = scipy.sparse.csr_array(features("plain", 200, 50))

    def test_logistic_regression(self, kept_sparse):
        y = targets(CrossEntropy(), self.x.toarray())
        found = sparse_solve(self.x, y, CrossEntropy(), L2(0.01), tolerance=1e-12)
        # One vector v where there are two here, ½v and −½v, so that λ/2 ‖W‖² is λ/4 ‖v‖².
        theirs = LogisticRegression(C=2 / (200 * 0.01), tol=1e-12, max_iter=10_000).fit(self.x, y)
        assert (found.weight[1] - found.weight[0]).numpy() == pytest.approx(theirs.coef_[0], abs=1e-5)
        assert float(found.bias[1] - found.bias[0]) == pytest.approx(theirs.intercept_[0], abs=1e-5)

    def test_ridge(self, kept_sparse):
        y = targets(SquaredError(), self.x.toarray())
        found = sparse_solve(self.x, y, SquaredError(), L2(0.01), tolerance=1e-13)
        theirs = Ridge(alpha=200 * 0.01, tol=1e-14, solver="sparse_cg").fit(self.x, y.numpy())
        assert found.weight.numpy() == pytest.approx(theirs.coef_, abs=1e-6)

    @pytest.mark.parametrize("ratio", [1.0, 0.5])
    def test_elastic_net(self, kept_sparse, ratio):
        y = targets(SquaredError(), self.x.toarray(), n_outputs=1)
        found = sparse_solve(self.x, y, SquaredError(), ElasticNet(0.02, ratio), tolerance=1e-13)
        theirs = TheirElasticNet(0.02, l1_ratio=ratio, tol=1e-12, max_iter=100_000).fit(self.x, y[:, 0].numpy())
        assert found.weight[0].numpy() == pytest.approx(theirs.coef_, abs=1e-6)
        assert (found.weight[0] != 0).tolist() == (theirs.coef_ != 0).tolist()


@pytest.mark.parametrize("penalty", [L2(0.1), L1(0.1)], ids=repr)
def test_the_bound_holds_in_50_digits(kept_sparse, penalty):
    """The minimum of one feature is where the derivative is 0."""
    x, y = np.array([[2.0], [0.0], [-1.0], [0.5]]), torch.tensor([1, 0, 0, 1])
    found = sparse_solve(scipy.sparse.csr_array(x), y, CrossEntropy(), penalty, bias=False, tolerance=1e-13)
    with mpmath.workdps(50):

        def value(v):  # logits −v/2 x and v/2 x
            losses = [mpmath.log(1 + mpmath.exp(-mpmath.mpf(int(s)) * v * mpmath.mpf(float(t)))) for t, s in
                      zip(x[:, 0], 2 * y - 1, strict=True)]  # fmt: skip
            half = abs(v) / 2
            return mpmath.fsum(losses) / 4 + mpmath.mpf(penalty.l1) * 2 * half + mpmath.mpf(penalty.l2) * half**2

        least = value(mpmath.findroot(lambda v: mpmath.diff(value, v), 0.5))
        assert found.lower <= least <= found.objective + 1e-15
