"""`linnet inspect` of a bootstrap: intervals of a run equal those of refits on its samples; and what is withheld."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy import stats
from sklearn.datasets import load_diabetes

import linnet
from linnet.cli import main as cli
from linnet.solvers.bootstrap import acceleration, bca, percentile
from linnet.system.errors import InputError

pytestmark = pytest.mark.usefixtures("workplace")

N_RESAMPLES = 199
BOOTSTRAP = ("resampling=bootstrap", f"resampling.n_resamples={N_RESAMPLES}", "figures=false")


def train(*overrides: str) -> linnet.Run:
    x, y = load_diabetes(return_X_y=True, scaled=False)
    np.savez("rows.npz", x=x[:120, :4], y=y[:120])
    data = ("data=arrays", "data.x=rows.npz", "data.y=rows.npz", "data.val_fraction=0", "hydra.run.dir=run")
    return linnet.train([*data, *BOOTSTRAP, *overrides], quiet=True)


def solved(x: NDArray, y: NDArray) -> NDArray:
    return np.linalg.lstsq(np.column_stack([np.ones(len(x)), x]), y, rcond=None)[0]


def test_intervals_of_a_run_are_those_of_refits_on_its_samples():
    run = train("optimizer=exact")
    found = run.coefficients
    counts = load_file("run/resamples.safetensors")["train"]
    rows = np.load("rows.npz")
    x, y = rows["x"], rows["y"]
    replicates = np.stack([solved(np.repeat(x, count, axis=0), np.repeat(y, count)) for count in counts])
    deleted = np.stack([solved(np.delete(x, i, axis=0), np.delete(y, i)) for i in range(len(x))])
    expected = {
        "percentile": percentile(replicates),
        "bca": bca(
            replicates, solved(x, y), acceleration(deleted), quantile=stats.t.ppf(0.975, 115) * (120 / 115) ** 0.5
        ),
    }
    size = np.abs(solved(x, y))
    for name, intervals in expected.items():
        for end in ("low", "high"):
            ours = found[f"{name}_{end}"].to_numpy()
            np.testing.assert_allclose(ours / size, getattr(intervals, end) / size, atol=1e-8)
            recorded = [
                run.metrics[f"bootstrap/{name}_{end}/{feature}"] for feature in ("bias", "x0", "x1", "x2", "x3")
            ]
            np.testing.assert_allclose(recorded / size, ours / size, atol=1e-12)
    assert "selected" not in found.columns


def test_without_a_bias():
    found = train("optimizer=exact", "model.bias=false").coefficients
    rows = np.load("rows.npz")
    x, y = rows["x"], rows["y"]
    counts = load_file("run/resamples.safetensors")["train"]
    replicates = np.stack(
        [np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0] for root in np.sqrt(counts, dtype=float)]
    )
    deleted = np.stack(
        [np.linalg.lstsq(np.delete(x, i, axis=0), np.delete(y, i), rcond=None)[0] for i in range(len(x))]
    )
    estimate, quantile = np.linalg.lstsq(x, y, rcond=None)[0], stats.t.ppf(0.975, 116) * (120 / 116) ** 0.5
    expected = bca(replicates, estimate, acceleration(deleted), quantile=quantile)
    np.testing.assert_allclose(found["bca_low"].to_numpy()[1:], expected.low, rtol=1e-7, atol=1e-7)


def test_an_l1_penalty_selects(capsys):
    run = train(
        "optimizer=exact", "penalty=l1", "penalty.strength=2", "data.standardize=true", "resampling.n_resamples=60"
    )
    found = run.coefficients
    weights = load_file("run/resample_weights.safetensors")["weight"]
    assert np.isnan(found["selected"][0])
    assert found["selected"].to_list()[1:] == (weights[:, 0] != 0).mean(axis=0).tolist()
    assert 0 < found["selected"].min() < 1
    assert found["bca_low"].isna().all()
    assert cli.run(["inspect", "run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "95 % intervals of 60 bootstrap resamples" in lines
    assert (
        sum(line.split() == ["feature", "percentile", "low", "percentile", "high", "selected"] for line in lines) == 1
    )
    assert "BCa intervals are known for least squares without penalty and weights, solved by optimizer=exact" in lines
    assert cli.run(["inspect", "run", "--csv", "-"]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["selected"] for row in table[1:]] == [str(share) for share in found["selected"][1:]]


def test_too_few_resamples_have_no_intervals_of_95_percent(capsys):
    train("optimizer=exact", "resampling.n_resamples=20")
    assert cli.run(["inspect", "run"]) == 0
    output = capsys.readouterr().out
    words = "interval of 5 coefficients: there are too few resamples for tails this small, use a larger"
    assert f"no percentile {words} resampling.n_resamples" in output
    assert f"no BCa {words}" in output


@pytest.mark.parametrize("change", ["weight", "acceleration", "quantile"])
def test_a_file_of_another_model_is_refused(change):
    train("optimizer=exact", "resampling.n_resamples=9")
    path = Path("run/resample_weights.safetensors")
    tensors = load_file(path)
    save_file(tensors | {change: tensors[change][..., :-1].copy()}, path)
    with pytest.raises(InputError, match="was changed"):
        _ = linnet.load("run").coefficients
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("linnet.inference.resampled_models.check_unchanged", lambda *_: None)
        with pytest.raises(InputError, match=r"resample_weights.safetensors is damaged: its shapes are"):
            _ = linnet.load("run").coefficients
