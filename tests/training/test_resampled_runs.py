"""Runs with resamples: what they write, against runs on each fold alone and against scikit-learn."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from run_directory import events
from safetensors.numpy import load_file
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import write_csv

import linnet
from linnet.cli import main as cli
from linnet.system.errors import Diverged
from linnet.system.reading import read_json
from linnet.tracking.history import read_history

QUICK = ("figures=false", "optimum=off", "threads=1")
Floats = NDArray[np.float64]


def problem(n: int = 60, d: int = 4, outlier: float = 0.0) -> tuple[Floats, Floats]:
    random = np.random.default_rng(5)
    x = random.normal(size=(n, d)) * [1, 10, 0.1, 3][:d] + 2
    y = x @ np.arange(1.0, d + 1) + random.normal(size=n)
    x[-1, 0] += outlier
    return x, y


def folds(run: Path, n: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return (trained on, held out) of each fold."""
    found = load_file(run / "resamples.safetensors")
    of_each = found["fold"][0]
    assert len(of_each) == n
    return [(np.flatnonzero(of_each != k), np.flatnonzero(of_each == k)) for k in range(int(found["n_folds"]))]


def train(where: Path, x: Any, y: Any, *words: str, **options: Any) -> Any:
    return linnet.train(x, y, [*QUICK, f"hydra.run.dir={where}", *words], **options)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_folds_are_those_of_runs_on_their_examples(tmp_path: Path, dtype: str, tolerance: float) -> None:
    x, y = problem()
    words = [f"data.dtype={dtype}", "data.standardize=true", "trainer.max_epochs=40", "data.batch_size=60",
             "optimizer.lr=0.2", "optimizer=momentum", "penalty=l2", "penalty.strength=0.1",
             "callbacks.checkpoint.select=last", "data.test_fraction=0"]  # fmt: skip
    run = train(tmp_path / "folds", x, y, *words, resampling="kfold")
    weights = load_file(run.directory / "resample_weights.safetensors")
    table = pq.read_table(run.directory / "out_of_fold.parquet").to_pydict()
    assert table["id"] == list(range(60)) and table["n_models"] == [1] * 60
    assert table["target"] == y.tolist()
    for k, (kept, held_out) in enumerate(folds(run.directory, 60)):
        if dtype == "float64":
            given = {"sample_weight": np.isin(np.arange(60), kept).astype(float)}
            alone = train(tmp_path / str(k), x, y, *words, "data.val_fraction=0", **given)
        else:  # targets are centred by the mean of all rows, whatever their weights
            alone = train(tmp_path / str(k), x[kept], y[kept], *words, "data.val_fraction=0")
        own = load_file(alone.directory / "weights.safetensors")["weight"].astype(np.float64)[0]
        shared = weights["weight"][k, 0] * x[kept].std(0) / x.std(0)  # per deviation of the fold's own
        assert np.linalg.norm(shared - own) <= tolerance * np.linalg.norm(own)
        expected = linnet.load(alone.directory).predict(x[held_out]).ravel()
        found = np.array(table["prediction"])[held_out]
        assert np.linalg.norm(found - expected) <= tolerance * np.linalg.norm(expected)
        mse = np.mean((expected - y[held_out]) ** 2)
        assert run.metrics[f"cv/mse_fold_{k}"] == pytest.approx(mse, rel=100 * tolerance)
    each = [run.metrics[f"cv/mse_fold_{k}"] for k in range(5)]
    assert run.metrics["cv/mse"] == pytest.approx(np.mean(each))
    assert run.metrics["cv/mse_std"] == pytest.approx(np.std(each, ddof=1))
    assert run.metrics["cv/mse_se"] == pytest.approx(np.std(each, ddof=1) / np.sqrt(5))
    whole = train(tmp_path / "whole", x, y, *words, "data.val_fraction=0")
    one, other = (load_file(path.directory / "weights.safetensors")["weight"] for path in (run, whole))
    assert np.linalg.norm(one - other) <= tolerance * np.linalg.norm(other)


def test_standardisation_does_not_leak_where_one_row_is_huge(tmp_path: Path) -> None:
    x, y = problem(24, outlier=1e5)
    run = train(tmp_path / "run", x, y, "optimizer=exact", "penalty=l2", "penalty.strength=0.5",
                "data.standardize=true", "data.test_fraction=0", resampling="kfold")  # fmt: skip
    found = np.array(pq.read_table(run.directory / "out_of_fold.parquet")["prediction"])
    splits = folds(run.directory, 24)
    expected, leaking = np.zeros(24), np.zeros(24)
    of_all = StandardScaler().fit_transform(x)
    for kept, held_out in splits:
        ridge = make_pipeline(StandardScaler(), Ridge(alpha=0.5 * len(kept))).fit(x[kept], y[kept])
        expected[held_out] = ridge.predict(x[held_out])
        leaking[held_out] = Ridge(alpha=0.5 * len(kept)).fit(of_all[kept], y[kept]).predict(of_all[held_out])
    assert found == pytest.approx(expected, rel=1e-7)
    assert np.abs(leaking - expected)[:-1].max() > 0.1 * np.std(y)
    sizes = {len(kept) for kept, _ in splits}
    if len(sizes) == 1:
        pipeline = make_pipeline(StandardScaler(), Ridge(alpha=0.5 * sizes.pop()))
        assert found == pytest.approx(cross_val_predict(pipeline, x, y, cv=splits), rel=1e-7)


def test_ids_are_numbers_of_rows_as_read(tmp_path: Path) -> None:
    x, y = problem()
    x[5, 0] = np.nan
    run = train(tmp_path / "run", x, y, "data.missing=drop", "data.test_fraction=0.3", resampling="kfold")
    table = pq.read_table(run.directory / "out_of_fold.parquet").to_pydict()
    assert table["target"] == y[table["id"]].tolist() and len(set(table["id"])) == 41


DIGITS = ("data=digits", "trainer.max_epochs=2", "data.batch_size=64", *QUICK)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Any:
    where = tmp_path_factory.mktemp("digits") / "run"
    return linnet.train([*DIGITS, "resampling=kfold", f"hydra.run.dir={where}"])


def test_what_a_run_of_classes_leaves(digits: Any) -> None:
    history = read_history(digits.directory / "history.csv")
    assert {"cv/loss", "cv/loss_std", "cv/accuracy"} < history.keys() and "val/loss" not in history
    assert history["cv/loss"].value[-1] == digits.metrics["cv/loss"]
    table = pq.read_table(digits.directory / "out_of_fold.parquet").to_pydict()
    right = np.array(table["prediction"]) == np.array(table["target"])
    n_folds = 5
    accuracies = [digits.metrics[f"cv/accuracy_fold_{k}"] for k in range(n_folds)]
    of_folds = [right[held_out].mean() for _, held_out in folds(digits.directory, len(right))]
    assert accuracies == pytest.approx(of_folds)
    total = sum(np.array(table[f"probability_{digit}"]) for digit in range(10))
    np.testing.assert_allclose(total, 1, rtol=1e-6)
    hashed = read_json(digits.directory / "manifest.json")["files_sha256"]
    assert {"resamples.safetensors", "resample_weights.safetensors", "out_of_fold.parquet"} < hashed.keys()


def test_tensorboard_has_a_band(digits: Any) -> None:
    found, history = events(digits.directory), read_history(digits.directory / "history.csv")
    low, high = ([point.value for point in found.Scalars(f"cv/loss_{end}")] for end in ("low", "high"))
    mean, deviation = (np.array(history[name].value) for name in ("cv/loss", "cv/loss_std"))
    assert low == pytest.approx(mean - deviation) and high == pytest.approx(mean + deviation)
    (layout,) = found.Tensors("custom_scalars__config__")
    assert b"cv/loss_low" in layout.tensor_proto.string_val[0]
    assert not any("_fold_" in tag for tag in found.Tags()["scalars"])


def test_reproduces_identically(digits: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["reproduce", str(digits.directory)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "identical"


def test_without_files_it_is_the_same(digits: Any) -> None:
    run = linnet.train(DIGITS, resampling="kfold", tracked=False)
    assert run.metrics == digits.metrics


def test_jobs_of_a_sweep_share_resamples(digits: Any, tmp_path: Path) -> None:
    sweep = ["train", "-m", *DIGITS, "resampling=kfold", f"hydra.sweep.dir={tmp_path}", "hydra/launcher=vectorized"]
    assert cli.run([*sweep, "optimizer.lr=0.1,0.2"]) == 0
    found = read_json(tmp_path / "0" / "metrics.json")
    assert found == pytest.approx(digits.metrics, rel=1e-5)
    one, other = (
        load_file(path / "resample_weights.safetensors")["weight"] for path in (tmp_path / "0", digits.directory)
    )
    assert np.linalg.norm(one - other) <= 1e-5 * np.linalg.norm(other)
    assert read_json(tmp_path / "1" / "metrics.json")["cv/loss"] != found["cv/loss"]


def test_a_fold_that_diverges_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    # The mean of x² is 100 without the first rows, 1 without the last, 50.5 of all; steps are stable up to 2 over it.
    x = np.repeat([1.0, 10.0], 10)[:, None]
    run = train(tmp_path / "run", x, x[:, 0], "data.batch_size=20", "model.bias=false", "optimizer.lr=0.0267",
                "trainer.max_epochs=200", "resampling.n_folds=2", "resampling.shuffle=false", "data.test_fraction=0",
                "figures=true", "model=linear_regression", "data.standardize=false", resampling="kfold")  # fmt: skip
    status = read_json(run.directory / "status.json")
    assert (status["state"], status["diverged_resamples"]) == ("completed", [0])
    assert (
        "resample 0 diverged: cv metrics are those of the other 1; resample 0: the loss became"
        in (run.directory / "train.log").read_text()
    )
    assert "cv/loss_fold_0" not in run.metrics and run.metrics["cv/loss"] == run.metrics["cv/loss_fold_1"]
    assert run.metrics["cv/loss"] < 1e-3 and run.metrics["train/loss"] < 1e-3
    table = pq.read_table(run.directory / "out_of_fold.parquet").to_pydict()
    assert table["n_models"] == [0] * 10 + [1] * 10 and table["prediction"][:10] == [None] * 10
    assert (run.directory / "figures" / "folds.png").is_file()


def test_a_sweep_does_not_choose_a_job_with_a_diverged_fold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = [1.0] * 10 + [10.0] * 10
    words = ["data=table", f"data.path={write_csv(tmp_path / 'line.csv', {'x': x, 'y': x})}", "data.target=y",
             "data.test_fraction=0", "model=linear_regression", "data.standardize=false", "data.batch_size=20",
             "model.bias=false", "trainer.max_epochs=200", "resampling=kfold", "resampling.n_folds=2",
             "resampling.shuffle=false", "hydra/launcher=vectorized"]  # fmt: skip
    place = f"hydra.sweep.dir={tmp_path / 'sweep'}"
    assert cli.run(["train", "-m", *QUICK, *words, place, "optimizer.lr=0.0267,0.01"]) == 0
    assert read_json(tmp_path / "sweep/0/status.json")["diverged_resamples"] == [0]
    losses = [read_json(tmp_path / f"sweep/{job}/metrics.json")["cv/loss"] for job in range(2)]
    assert losses[0] < losses[1] and "best by cv/loss: job 1" in capsys.readouterr().out


def test_all_folds_diverged_is_a_diverged_run(tmp_path: Path) -> None:
    x = np.repeat([1.0, 10.0], 10)[:, None]
    with pytest.raises(Diverged):
        train(
            tmp_path / "run",
            x,
            x[:, 0],
            "optimizer.lr=1e6",
            "model=linear_regression",
            "data.standardize=false",
            resampling="kfold",
        )
    assert read_json(tmp_path / "run" / "status.json")["state"] == "diverged"


def test_early_stopping_goes_by_the_mean(tmp_path: Path) -> None:
    words = ["callbacks=early_stopping", "callbacks.early_stopping.patience=2", "trainer.max_epochs=100"]
    x, y = problem()
    run = train(tmp_path / "run", x, np.random.default_rng(0).permutation(y), *words, "optimizer.lr=0.1",
                resampling="kfold")  # fmt: skip
    curve = run.curves["cv/loss"]
    status = read_json(run.directory / "status.json")
    assert len(curve.value) == status["epoch"] < 100
    assert status["kept_epoch"] == int(np.argmin(curve.value)) + 1
    assert run.metrics["cv/loss"] == min(curve.value)
