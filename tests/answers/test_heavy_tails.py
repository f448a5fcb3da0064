"""A value of ten million in one row costs neither the proof nor minutes."""

import json
import time

import numpy as np
import pytest

from linnet.cli import main as cli

LOSSES = {"absolute_error": "y", "huber": "y", "squared_error": "y", "poisson_nll": "count", "cross_entropy": "label"}


def write(path) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 3))
    line = x @ [1.0, -0.5, 0.2]
    y, count = line + rng.standard_normal(300), rng.poisson(np.exp(0.3 * line))
    label = np.where(line + rng.standard_normal(300) > 0, "yes", "no")
    x[7, 1] = 1e7
    rows = ["a,b,c,y,count,label"]
    rows += [",".join(map(str, (*row, *rest))) for row, *rest in zip(x.tolist(), y, count, label, strict=True)]
    path.write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("penalty", ["l1", "l2", "elastic_net"])
@pytest.mark.parametrize("loss", LOSSES)
def test_solved_within_seconds(workplace, capsys, loss, penalty):
    write(workplace / "table.csv")
    target = LOSSES[loss]
    drop = sorted({"y", "count", "label"} - {target})
    begin = time.process_time()
    code = cli.run([
        "train", "data=table", "data.path=table.csv", f"data.target={target}", f"data.exclude=[{','.join(drop)}]",
        f"loss={loss}", f"penalty={penalty}", "penalty.strength=0.01", "optimizer=exact", "figures=false",
        "data.val_fraction=0", "data.test_fraction=0", "hydra.run.dir=run",
    ])  # fmt: skip
    seconds, printed = time.process_time() - begin, capsys.readouterr()
    assert code == 0, printed.err
    found = json.loads((workplace / "run" / "metrics.json").read_text())
    assert found["optimum/bound"] <= 1e-6 * abs(found["optimum/loss"])
    assert seconds < 30  # of processor time, imports included
    assert "learning rate" not in printed.out + printed.err
