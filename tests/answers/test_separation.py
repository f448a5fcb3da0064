"""Whether classes are separable is never wrong, however little is between them."""

import json
import os

import mpmath
import pytest
import torch
from near_separable import draw, logistic_infimum
from safetensors.numpy import load_file

from linnet.cli import main as cli
from linnet.data import Examples
from linnet.losses import CrossEntropy
from linnet.penalties import NoPenalty
from linnet.solvers.solve import solve

CASES = int(os.environ.get("LINNET_CASES", "40"))


@pytest.mark.parametrize("seed", range(CASES))
def test_constructed_problem(seed):
    case = draw(seed)
    found = solve(Examples(case.x, case.y), CrossEntropy(), NoPenalty(), bias=case.bias)
    assert found.attained == (case.verdict == "overlap"), (case.name, found.certificate)
    if case.objective is None:
        weight, offset = found.weight[1] - found.weight[0], float(found.bias[1] - found.bias[0])
        infimum = logistic_infimum(case.x, case.y, case.bias, weight, offset)
    else:
        infimum = mpmath.mpf(case.objective)
    # The proof in words: the infimum lies in [objective − bound, objective], but for the rounding of the reference.
    tiny = 1e-16 * abs(infimum)
    assert found.objective - found.suboptimality_bound <= infimum + tiny, (case.name, found)
    assert infimum <= found.objective + found.suboptimality_bound + tiny, (case.name, found)
    assert found.suboptimality_bound <= 1e-8, (case.name, found)


def trained(folder, rows: list[tuple[float, str]], *options: str) -> int:
    text = "\n".join(["x,y", *(f"{x!r},{label}" for x, label in rows)])
    (folder / "table.csv").write_text(text + "\n")
    command = [
        "train",
        "data=table",
        "data.path=table.csv",
        "data.target=y",
        "data.standardize=false",
        "data.dtype=float64",
    ]
    parts = ["data.val_fraction=0", "data.test_fraction=0", "optimizer=exact", "figures=false", "hydra.run.dir=run"]
    return cli.run([*command, *parts, *options])


BELOW, ABOVE = [-1.3, -0.2, -0.7, -2.2], [0.9, 1.7, 0.4, 0.15]


def test_overlap_of_two_trillionths_has_an_optimum(workplace):
    """Once called separable, with objective 0 and bound 0."""
    rows = [*((x, "a") for x in [*BELOW, 1e-12]), *((x, "b") for x in [-1e-12, *ABOVE])]
    assert trained(workplace, rows) == 0
    found = json.loads((workplace / "run" / "metrics.json").read_text())
    weight = load_file(workplace / "run" / "optimum.safetensors")["weight"][:, 0]
    x, y = torch.tensor([[x] for x, _ in rows], dtype=torch.float64), torch.tensor([label == "b" for _, label in rows])
    infimum = logistic_infimum(x, y, True, torch.tensor([170.0]), 0.0)
    assert mpmath.nstr(infimum, 9) == "0.138629436"
    assert abs(found["optimum/loss"] - infimum) <= found["optimum/bound"] <= 1e-8
    # The loss is flat there: a bound of 1e-16 on it allows the weight to be off by the root of that over F'' ≈ 2e-13.
    assert weight[1] - weight[0] == pytest.approx(171.56, abs=0.1)


def test_gap_of_two_trillionths_separates(workplace, capsys):
    rows = [*((x, "a") for x in [*BELOW, -1e-12]), *((x, "b") for x in [1e-12, *ABOVE])]
    assert trained(workplace, rows) == 2
    assert "no finite optimum exists" in capsys.readouterr().err
