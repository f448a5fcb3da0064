"""A weight of 2 is a row twice and a weight of 0 none, through the command line, for every loss and penalty."""

import csv
import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from linnet.cli import main as cli
from linnet.solvers import convex_losses as loss_conjugates

LOSSES = {
    "squared_error": [], "gaussian_nll": [], "huber": [], "absolute_error": [], "poisson_nll": [],
    "cross_entropy": ["loss.label_smoothing=0.1"],
}  # fmt: skip
PENALTIES = {"none": [], "l1": ["penalty.strength=0.02"]}
"""With l2 it is in test_weights_of_examples.py."""


def write(path, header, rows) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def fitted(folder, table: str, name: str, *options: str) -> tuple[np.ndarray, np.ndarray, dict]:
    """Weights and bias in the file's units, and metrics, of `optimizer=exact`."""
    command = ["train", "data=table", f"data.path={table}", "data.target=y", "optimizer=exact", "figures=false"]
    parts = ["data.val_fraction=0", "data.test_fraction=0", f"hydra.run.dir={name}", *options]
    assert cli.run([*command, *parts]) == 0
    found = load_file(folder / name / "optimum.safetensors")
    return found["weight"], found["bias"], json.loads((folder / name / "metrics.json").read_text())


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_whole_weights_are_copies_of_rows(workplace, loss, penalty):
    rng = np.random.default_rng(3)
    n = 60
    x, weight = rng.standard_normal((n, 2)) * [1, 30] + [0, 100], rng.integers(0, 4, n)
    x[weight == 0] *= 50  # would change means and deviations
    z = 0.7 * x[:, 0] + 0.02 * (x[:, 1] - 100) + 0.5 * rng.standard_normal(n)
    y = z
    if loss == "poisson_nll":
        y = rng.poisson(np.exp(np.clip(z, -3, 3)))
    elif loss == "cross_entropy":
        y = np.array(["low", "middle", "high"])[np.digitize(z + rng.standard_normal(n), [-0.5, 0.5])]
    rows = [[*map(repr, map(float, row)), target] for row, target in zip(x, y.tolist(), strict=True)]
    write(workplace / "weighted.csv", ["a", "b", "y", "w"], [[*r, w] for r, w in zip(rows, weight, strict=True)])
    write(workplace / "copies.csv", ["a", "b", "y"], [r for r, w in zip(rows, weight, strict=True) for _ in range(w)])
    options = [f"loss={loss}", f"penalty={penalty}", *LOSSES[loss], *PENALTIES[penalty], "optimum=always"]
    ours = fitted(workplace, "weighted.csv", "one", "data.weight=w", *options)
    theirs = fitted(workplace, "copies.csv", "two", *options)
    # A bound of ε allows errors of parameters of the order of √ε.
    for name in ("optimum/loss", "optimum/bound"):
        assert ours[2][name] == pytest.approx(theirs[2][name], rel=1e-9, abs=1e-10)
    for a, b in zip(ours[:2], theirs[:2], strict=True):
        gauge = a.mean(0) - b.mean(0) if loss == "cross_entropy" else 0.0  # a common change of logits changes nothing
        np.testing.assert_allclose(a - gauge, b, rtol=0, atol=2e-5)


def test_a_loss_of_unknown_curvature_trains_by_default(workplace, monkeypatch, capsys):
    monkeypatch.setattr(loss_conjugates, "Huber", type("Other", (), {}))  # so that Huber's loss is one of a user's own
    rng = np.random.default_rng(0)
    rows = [[repr(v), repr(v + w)] for v, w in rng.standard_normal((50, 2)).tolist()]
    write(workplace / "t.csv", ["a", "y"], rows)
    command = ["train", "data=table", "data.path=t.csv", "data.target=y", "loss=huber", "figures=false"]
    assert cli.run([*command, "trainer.max_epochs=1", "optimizer.lr=0.01", "hydra.run.dir=run"]) == 0
    assert "not looked for, there is no exact solver for Huber" in " ".join(capsys.readouterr().out.split())
    assert json.loads((workplace / "run" / "status.json").read_text())["state"] == "completed"
    assert cli.run([*command, "optimizer=exact", "hydra.run.dir=exact"]) == 2
    assert "there is no exact solver for Huber" in " ".join(capsys.readouterr().err.split())
