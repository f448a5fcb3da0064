"""Softmax in blocks of rows: passes against autograd, bounds against Newton's method in long double, scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from linnet.losses import CrossEntropy
from linnet.penalties import L2
from linnet.solvers.blockwise import solve as blockwise
from linnet.solvers.blockwise.bound import certify
from linnet.solvers.blockwise.newton import minimise
from linnet.solvers.blockwise.preconditioner import ClassBlocks
from linnet.solvers.blockwise.rows import SoftmaxRows
from linnet.solvers.convex_losses import Softmax
from linnet.solvers.problem import Problem
from linnet.solvers.relative import Rows
from linnet.solvers.solve import solve

CPU = torch.device("cpu")


def examples(kind: str = "plain", n: int = 300, d: int = 5, c: int = 4) -> Rows:
    """Overlapping classes, the first three times as often as each of the others."""
    rng = np.random.default_rng(0)
    y = rng.integers(-2, c, n).clip(0)
    y[:c] = np.arange(c)
    x = rng.normal(size=(n, d)) + rng.normal(size=(c, d))[y]
    weight = None
    match kind:
        case "offset":
            x += 30
        case "scales":
            x *= 10.0 ** rng.integers(-2, 3, d)
        case "collinear":
            x[:, 1] = x[:, 0]
            x[:, 2] = 0
        case "separable":
            x[:, 0] = 8 * y
        case "weighted":
            weight = torch.from_numpy(rng.random(n) + 0.01)
            weight /= weight.mean()
    return Rows(torch.from_numpy(x), torch.from_numpy(y), weight)


def softmax_rows(given: Rows, *, bias: bool = True) -> SoftmaxRows:
    return SoftmaxRows(given, int(given.y.max()) + 1, bias=bias, device=CPU)


def least(given: Rows, l2: float, weight: torch.Tensor, bias: torch.Tensor | None) -> float:
    """Newton's method in long double from near the minimum; Hessians, which only lead there, in float64."""
    x, y, n_classes = given.x.numpy(), given.y.numpy(), len(weight)
    design = x if bias is None else np.column_stack([x, np.ones(len(x))])
    exact, n_design = design.astype(np.longdouble), design.shape[1]
    share = np.ones(len(x)) if given.weight is None else given.weight.numpy()
    share = share.astype(np.longdouble) / share.astype(np.longdouble).sum()
    penalty = np.full((n_classes, n_design), np.longdouble(l2))
    penalty[:, x.shape[1] :] = 0
    at = (weight if bias is None else torch.cat([weight, bias[:, None]], 1)).numpy().astype(np.longdouble)
    best = np.longdouble(np.inf)
    for _ in range(8):
        z = exact @ at.T
        z -= z.max(1, keepdims=True)
        total = np.exp(z).sum(1)
        value = share @ (np.log(total) - z[np.arange(len(y)), y]) + (penalty * at * at).sum() / 2
        if not value < best:
            break
        best = value
        p = np.exp(z) / total[:, None]
        theta = p.copy()
        theta[np.arange(len(y)), y] -= 1
        gradient = (share[:, None] * theta).T @ exact + penalty * at
        low, p = share.astype(float), p.astype(float)
        bent = np.einsum("nc,ck->nck", p, np.eye(n_classes)) - p[:, :, None] * p[:, None]
        hessian = np.einsum("n,nck,nd,ne->cdke", low, bent, design, design, optimize=True)
        hessian = hessian.reshape(gradient.size, -1) + np.diag(penalty.ravel().astype(float))
        move = np.linalg.lstsq(hessian, gradient.ravel().astype(float), rcond=1e-15)[0]
        at = at - move.reshape(at.shape)
    return float(best)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["plain", "offset", "scales", "collinear", "separable", "weighted"])
def test_bound_holds_against_long_double(kind, bias):
    given = examples(kind)
    rows = softmax_rows(given, bias=bias)
    for l2, tolerance in ((1e-2, 1e-4), (1e-4, 1e-10), (1e-8, 1e-6)):
        found = minimise(rows, l2, *rows.zeros(), tolerance)
        objective, bound = found.certificate.objective, found.certificate.bound
        best = least(given, l2, found.weight, found.bias if bias else None)
        assert objective - bound <= best <= objective + 1e-14
        assert bound <= tolerance
        assert bias or not found.bias.any()


@pytest.mark.parametrize("kind", ["plain", "weighted", "separable"])
def test_bound_holds_away_from_the_minimum(kind):
    given, l2 = examples(kind), 1e-3
    rows = softmax_rows(given)
    found = minimise(rows, l2, *rows.zeros(), 1e-10)
    generator = torch.Generator().manual_seed(0)
    for size in (1e-8, 1e-6, 1e-5):
        weight, bias = (
            part + size * torch.randn(part.shape, generator=generator, dtype=torch.float64) for part in found[:2]
        )
        certificate = certify(rows, l2, weight, bias)
        z = given.x @ weight.T + bias
        losses = torch.nn.functional.cross_entropy(z, given.y, reduction="none")
        mean = losses.mean() if given.weight is None else (losses * given.weight).mean()
        objective = float(mean + l2 / 2 * weight.square().sum())
        assert certificate.objective == pytest.approx(objective, rel=1e-13)
        assert objective - found.certificate.objective <= certificate.bound <= 100 * size
    far = certify(rows, l2, found.weight, found.bias + torch.tensor([3.0, 0, 0, 0]))
    # The bias is too far from the best one for this proof; but F is nowhere below 0.
    assert far.objective <= far.bound <= far.objective * (1 + 1e-9)


def test_passes_against_autograd():
    given = examples("weighted", n=100)
    rows, generator = softmax_rows(given), torch.Generator().manual_seed(0)
    weight, bias, u, v = (
        torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((4, 5), (4,), (4, 5), (4,))
    )

    def loss(weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        losses = torch.nn.functional.cross_entropy(given.x @ weight.T + bias, given.y, reduction="none")
        return (losses * given.weight).mean()

    _, gradient = torch.autograd.functional.vjp(loss, (weight, bias))
    _, product = torch.autograd.functional.hvp(loss, (weight, bias), (u, v))
    for block in (100, 7):
        rows.block = block
        point = rows.evaluate(weight, bias)
        assert point.loss == pytest.approx(float(loss(weight, bias)), rel=1e-14)
        for ours, theirs in zip(point[1:], gradient, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-15)
        for ours, theirs in zip(rows.product(u, v), product, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)  # products are in float32


def test_inverse_is_exact_where_classes_are_independent_of_the_example():
    """At weight 0 all examples are alike: with its own block, a class of two has the whole Hessian, halved."""
    given = examples(n=40, c=2)
    rows = softmax_rows(given)
    rows.evaluate(*rows.zeros())
    inverse = ClassBlocks(rows, 1e-3)
    inverse.update()
    u = torch.randn(1, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weight, bias = torch.cat([u, -u]), torch.tensor([1.0, -1.0], dtype=torch.float64)
    product = rows.product(weight, bias)
    back = inverse(product[0] + 2 * 1e-3 * weight, product[1])
    torch.testing.assert_close(back[0], 2 * weight, rtol=1e-3, atol=1e-3)


def test_sampled_blocks_lead_to_the_same_optimum():
    """With more than eight times as many examples as features, blocks are of a sample."""
    given = examples(n=2000, d=3, c=6)
    rows = softmax_rows(given)
    found = minimise(rows, 1e-5, *rows.zeros(), 1e-9)
    assert found.certificate.bound <= 1e-9 and rows.products <= 100
    whole = solve(given, CrossEntropy(), L2(1e-5), bias=True, tolerance=1e-11)
    assert abs(whole.objective - found.certificate.objective) <= 1e-9


def test_against_scikit_learn():
    given, l2 = examples(n=1000, d=8, c=8), 1e-3
    rows = softmax_rows(given)
    found = minimise(rows, l2, *rows.zeros(), 1e-8)
    peer = LogisticRegression(C=1 / (1000 * l2), tol=1e-8, max_iter=2000).fit(given.x.numpy(), given.y.numpy())
    weight, bias = torch.from_numpy(peer.coef_), torch.from_numpy(peer.intercept_)
    objective = float(torch.nn.functional.cross_entropy(given.x @ weight.T + bias, given.y))
    objective += l2 / 2 * float(weight.square().sum())
    assert found.certificate.bound <= 1e-8
    assert -1e-8 <= objective - found.certificate.objective <= 1e-7


class TestSolve:
    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch):
        monkeypatch.setattr(blockwise, "LARGE", 1000)

    def test_in_one_piece_and_in_blocks(self, monkeypatch):
        given = examples("scales")
        found = solve(given, CrossEntropy(), L2(1e-3), bias=True, tolerance=1e-9)
        assert found.method == blockwise.METHOD and found.suboptimality_bound <= 1e-9 and found.seconds > 0
        monkeypatch.setattr(blockwise, "LARGE", 10**9)
        whole = solve(given, CrossEntropy(), L2(1e-3), bias=True, tolerance=1e-9)
        assert whole.method != blockwise.METHOD and abs(whole.objective - found.objective) <= 1e-9
        # Strong convexity: ‖W − W*‖² ≤ 2 (F − F*) / l2.
        assert float((whole.weight - found.weight).norm()) <= 2 * (2 * 1e-9 / 1e-3) ** 0.5

    @pytest.mark.parametrize(
        ("loss", "penalty", "kind"),
        [(CrossEntropy(0.1), L2(1e-3), "plain"), (CrossEntropy(), L2(0.0), "plain"), (CrossEntropy(), L2(1e-3), "gap")],
    )
    def test_others_are_solved_in_one_piece(self, loss, penalty, kind):
        given = examples()
        if kind == "gap":  # a class without an example
            given = Rows(given.x, given.y + (given.y > 1))
        found = solve(given, loss, penalty, bias=True, tolerance=1e-6)
        assert blockwise.METHOD not in found.method

    @pytest.mark.parametrize(("n", "c", "expected"), [(20_000, 20, True), (15_000, 20, False), (20_000, 19, False)])
    def test_many_classes_of_few_features(self, n, c, expected, monkeypatch):
        monkeypatch.setattr(blockwise, "LARGE", 10**9)
        y = torch.arange(n) % c
        problem = Problem(torch.zeros(n, 26), y, Softmax(CrossEntropy(), 0.0), c, 0.0, 1e-3, True)
        assert blockwise.in_blocks(problem, CPU) is expected

    def test_warm_starts(self):
        given, strengths = examples(n=1000), (1e-2, 5e-3, 2.5e-3)
        cold = [solve(given, CrossEntropy(), L2(strength), bias=True, tolerance=1e-7) for strength in strengths]
        with blockwise.warm_starts():
            warm = [solve(given, CrossEntropy(), L2(strength), bias=True, tolerance=1e-7) for strength in strengths]
            other = solve(examples("offset", n=1000), CrossEntropy(), L2(1e-2), bias=True, tolerance=1e-7)
        assert torch.equal(warm[0].weight, cold[0].weight)
        assert sum(found.iterations for found in warm[1:]) < sum(found.iterations for found in cold[1:])
        for one, alone in zip(warm, cold, strict=True):
            assert one.suboptimality_bound <= 1e-7 and abs(one.objective - alone.objective) <= 1e-7
        assert other.objective != warm[0].objective
