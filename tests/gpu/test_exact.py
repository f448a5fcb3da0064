"""Exact solutions on a GPU: the same as on a processor up to their bounds, equal when repeated, along a path."""

from pathlib import Path

import pytest
import torch

from linnet.cli import main as cli
from linnet.losses import CrossEntropy
from linnet.penalties import L2
from linnet.solvers.blockwise.newton import minimise
from linnet.solvers.blockwise.rows import SoftmaxRows, fast_products
from linnet.solvers.blockwise.solve import METHOD
from linnet.solvers.relative import Rows
from linnet.solvers.solve import solve
from linnet.system.reading import read_json

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU on this machine")

CPU, GPU = torch.device("cpu"), torch.device("cuda")
COMMON = ("data=digits", "optimizer=exact", "figures=false")


def examples(n: int = 4000, d: int = 20, c: int = 30, dtype: torch.dtype = torch.float64) -> Rows:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(n) % c
    x = torch.randn(n, d, generator=generator) + torch.randn(c, d, generator=generator)[y]
    return Rows(x.to(dtype), y)


def test_passes_are_those_of_a_processor() -> None:
    given = examples()
    there, here = (SoftmaxRows(given, 30, bias=True, device=device) for device in (GPU, CPU))
    weight, bias = torch.randn(30, 20, dtype=torch.float64), torch.randn(30, dtype=torch.float64)
    point, expected = there.evaluate(weight.to(GPU), bias.to(GPU)), here.evaluate(weight, bias)
    assert point.loss == pytest.approx(expected.loss, rel=1e-13)
    torch.testing.assert_close(point.weight.cpu(), expected.weight, rtol=1e-11, atol=1e-13)
    with fast_products(GPU):
        product = there.product(weight.to(GPU), bias.to(GPU))
    difference = product[0].cpu() - here.product(weight, bias)[0]
    assert float(difference.norm()) <= 3e-3 * float(product[0].norm())  # TF32 has 10 bits


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64], ids=str)
def test_optimum_is_that_of_a_processor(dtype: torch.dtype) -> None:
    given = examples(dtype=dtype)
    exact = Rows(given.x.double(), given.y)
    for l2 in (1e-2, 1e-5, 1e-9):
        rows = SoftmaxRows(given, 30, bias=True, device=GPU)
        found = minimise(rows, l2, *rows.zeros(), 1e-9)
        again = minimise(rows, l2, *rows.zeros(), 1e-9)
        assert found.certificate.bound <= 1e-9
        assert torch.equal(found.weight, again.weight) and torch.equal(found.bias, again.bias)
        known = solve(exact, CrossEntropy(), L2(l2), bias=True, tolerance=1e-9)
        assert abs(found.certificate.objective - known.objective) <= 1e-9


def test_a_class_without_an_example_is_solved_on_the_processor() -> None:
    given = examples()
    there = Rows(given.x.to(GPU), given.y.to(GPU))
    found = solve(there, CrossEntropy(), L2(1e-3), bias=True, tolerance=1e-6, n_outputs=31, device=GPU)
    assert not found.attained and METHOD not in found.method


def test_run_and_path_are_those_of_a_processor(tmp_path: Path) -> None:
    for name, trainer in (("here", "default"), ("there", "gpu"), ("again", "gpu")):
        words = (f"trainer={trainer}", "penalty=l2", "penalty.strength=0.001", f"hydra.run.dir={tmp_path / name}")
        assert cli.run(["train", *COMMON, *words]) == 0
    here, there, again = (read_json(tmp_path / name / "metrics.json") for name in ("here", "there", "again"))
    assert there == again and there.keys() == here.keys()
    assert there["optimum/bound"] <= 1e-11
    for name, value in here.items():
        if name not in ("optimum/bound", "optimum/gap", "optimum/distance"):
            assert there[name] == pytest.approx(value, rel=1e-5, abs=1e-7), name
    for name, trainer in (("path", "default"), ("path_there", "gpu")):
        words = ("search=path", "search.n_strengths=4", f"trainer={trainer}", f"hydra.sweep.dir={tmp_path / name}")
        assert cli.run(["train", "-m", *COMMON, *words]) == 0
    for job in range(4):
        here, there = (read_json(tmp_path / name / str(job) / "metrics.json") for name in ("path", "path_there"))
        assert there["optimum/loss"] == pytest.approx(here["optimum/loss"], abs=1e-9)
        assert there["test/nll"] == pytest.approx(here["test/nll"], rel=1e-4)


def test_folds_of_a_run_on_the_gpu(tmp_path: Path) -> None:
    words = ("trainer=gpu", "penalty=l2", "penalty.strength=0.01", "resampling=kfold", f"hydra.run.dir={tmp_path}")
    assert cli.run(["train", *COMMON, *words]) == 0
    assert read_json(tmp_path / "metrics.json")["cv/gap"] <= 1e-8
