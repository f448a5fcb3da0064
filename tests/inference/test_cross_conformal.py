"""CV+ of a run with folds: against refits, in every face, with the coverage that it promises; and who has none."""

import random
from pathlib import Path

import numpy as np
import pytest
from formats import edit_safetensors
from numpy.typing import NDArray
from pyarrow import csv
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_diabetes, load_iris

import linnet
from linnet.inference.conformal import cv_plus_intervals
from linnet.inference.resampled_models import load_fold, load_resampled_models
from linnet.system.errors import InputError

pytestmark = pytest.mark.usefixtures("workplace")

NEW = 40


def rows(classes: bool = False) -> tuple[NDArray, NDArray]:
    """Return features and targets in random order, the last `NEW` of which no run is trained on."""
    x, y = load_iris(return_X_y=True) if classes else load_diabetes(return_X_y=True, scaled=False)
    order = np.random.default_rng(0).permutation(len(x))[:160]
    return x[order], y[order]


def train(*overrides: str, classes: bool = False, tracked: bool = True) -> linnet.Run:
    x, y = rows(classes)
    np.savez("rows.npz", x=x[:-NEW], y=y[:-NEW])
    np.save("new.npy", x[-NEW:])
    place = ("hydra.run.dir=run",) if tracked else ()
    data = ("data=arrays", "data.x=rows.npz", "data.y=rows.npz", "data.val_fraction=0", "figures=false", *place)
    return linnet.train([*data, *overrides], tracked=tracked, quiet=True)


def test_intervals_are_those_of_refits(predict):
    run = train("optimizer=exact", "resampling=kfold", "resampling.n_folds=4", "data.standardize=true")
    x, y = rows()
    new, x, y = x[-NEW:], x[:-NEW], y[:-NEW]
    fold = load_file("run/resamples.safetensors")["fold"][0]
    predictions, errors = np.empty((4, NEW, 1)), np.empty((len(x), 1))
    for k in range(4):
        kept = fold != k
        design = np.column_stack([np.ones(len(x)), x])
        coefficients = np.linalg.lstsq(design[kept], y[kept], rcond=None)[0]
        predictions[k, :, 0] = coefficients[0] + new @ coefficients[1:]
        errors[~kept, 0] = np.abs(y[~kept] - design[~kept] @ coefficients)
    expected = cv_plus_intervals(predictions, errors, fold, 0.9)[:, 0]
    found = run.predict_interval(new, 0.9)
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    assert np.array_equal(linnet.load("run").predict_interval(new, 0.9), found)
    code, _, notes = predict(Path.cwd() / "run", "--input", "new.npy", "--interval", "0.9", "--output", "p.csv")
    assert (code, notes) == (0, "note: intervals by CV+ over 4 folds, for examples that are exchangeable\n")
    table = csv.read_csv("p.csv")
    assert table.column_names == ["prediction", "prediction_low", "prediction_high"]
    np.testing.assert_array_equal(np.column_stack(table.columns[1:]), found)


def test_of_steps_and_of_rates_in_float32():
    """Of a model that was trained in float32, and whose predictions are not linear in the features."""
    run = train(
        "loss=poisson_nll", "resampling=kfold", "trainer.max_epochs=30", "optimizer=adam", "data.standardize=true"
    )
    x, y = rows()
    found = run.predict_interval(x[-NEW:], 0.8)
    covered = ((found[:, 0] <= y[-NEW:]) & (y[-NEW:] <= found[:, 1])).mean()
    assert covered >= 0.8 - 4 * np.sqrt(0.16 / NEW)
    assert (found[:, 0] < run.predict(x[-NEW:])).all()


@pytest.mark.parametrize("resampling", ["kfold", "leave_one_out"])
def test_sets_of_classes(resampling, predict):
    steps = ("trainer.max_epochs=6", "optimizer=adam", "optimizer.lr=0.2", "data.standardize=true")
    run = train(f"resampling={resampling}", *steps, classes=True)
    x, y = rows(classes=True)
    found = run.predict_set(x[-NEW:], 0.9)
    assert found.shape == (NEW, 3)
    assert found[np.arange(NEW), y[-NEW:]].mean() >= 0.9 - 4 * np.sqrt(0.09 / NEW)
    assert found.sum() < 2 * NEW
    given = (Path.cwd() / "run", "--input", "new.npy", "--interval", "0.9", "--output")
    assert predict(*given, "p.csv")[0] == predict(*given, "p.npy")[0] == 0
    table = csv.read_csv("p.csv")
    names = [name for c in range(3) for name in (f"probability_{c}", f"in_set_{c}")]
    assert table.column_names == ["prediction", *names]
    assert np.array_equal(np.column_stack(table.columns[2::2]), found)
    assert np.array_equal(np.load("p.npy")[:, :, 1] == 1, found)


class TestRefused:
    @pytest.mark.parametrize(
        "resampling", ["bootstrap resampling.n_resamples=9", "time_series", "kfold resampling.repeats=2"]
    )
    def test_of_other_resamples(self, resampling):
        run = train("optimizer=exact", *f"resampling={resampling}".split(), "data.standardize=true")
        with pytest.raises(InputError, match="they need one partition into folds that are drawn of all examples"):
            run.predict_interval(rows()[0])

    def test_of_an_untracked_run(self):
        run = train("optimizer=exact", "resampling=kfold", tracked=False)
        with pytest.raises(InputError, match="not tracked, and kept no models of its folds"):
            run.predict_interval(rows()[0])

    def test_of_weighted_examples(self):
        np.save("w.npy", np.random.default_rng(0).uniform(1, 2, 160 - NEW))
        run = train("optimizer=exact", "resampling=kfold", "data.weight=w.npy")
        with pytest.raises(InputError, match="its examples have weights, which new rows do not have"):
            run.predict_interval(rows()[0])

    def test_of_the_other_task(self):
        with pytest.raises(InputError, match="use predict_set"):
            train("resampling=kfold", "trainer.max_epochs=1", classes=True).predict_interval(rows(classes=True)[0])
        with pytest.raises(InputError, match="use predict_interval"):
            linnet.load(train("optimizer=exact", "hydra.run.dir=other").directory).predict_set(rows()[0])

    @pytest.mark.parametrize("change", ["held_out_error", "fold"])
    def test_of_files_that_do_not_fit(self, change, monkeypatch):
        train("optimizer=exact", "resampling=kfold")
        monkeypatch.setattr("linnet.inference.resampled_models.check_unchanged", lambda *_: None)
        path = Path("run", "resamples.safetensors" if change == "fold" else "resample_weights.safetensors")
        tensors = load_file(path)
        save_file(tensors | {change: np.concatenate([tensors[change]] * 2, axis=1)}, path)
        with pytest.raises(InputError, match=f"{path.name} is damaged"):
            linnet.load("run").predict_interval(rows()[0])


def test_a_few_rows_at_a_time_give_the_same(monkeypatch):
    run = train("optimizer=exact", "resampling=kfold", "resampling.n_folds=30")
    new = rows()[0][-NEW:]
    found = run.predict_interval(new, 0.8)
    monkeypatch.setattr("linnet.inference.intervals.NUMBERS", 7 * 30)
    assert np.array_equal(run.predict_interval(new, 0.8), found)
    assert run.predict_interval(new[:0], 0.8).shape == (0, 2)


@pytest.mark.parametrize("name", ["resample_weights", "resamples"])
def test_headers_that_lie_are_refused_or_read(name, monkeypatch):
    model = train("optimizer=exact", "resampling=kfold").model
    monkeypatch.setattr("linnet.inference.resampled_models.check_unchanged", lambda *_: None)
    path = Path("run", f"{name}.safetensors")
    original, refused = path.read_bytes(), 0
    for seed in range(100):
        path.write_bytes(original)
        edit_safetensors(path, random.Random(seed))
        try:
            load_resampled_models(Path("run"), model)
            load_fold(Path("run"), 5, 160 - NEW)
        except InputError:  # any other would be a traceback
            refused += 1
    assert refused > 50
