"""A run as an object: what is in memory equals what its directory holds, and no name comes out as markup."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LinearRegression

import linnet
from linnet.results.figures import SIGNATURE
from linnet.results.trained import TrainedRun
from linnet.system.reading import read_json
from linnet.tracking.history import read_history


@pytest.fixture(params=["classes", "regression"])
def run(request: pytest.FixtureRequest) -> TrainedRun:
    return request.getfixturevalue(request.param)


class TestLoaded:
    def test_run_equals_the_one_in_memory(self, run: TrainedRun) -> None:
        loaded = linnet.load(run.directory)
        assert loaded.metrics == run.metrics == read_json(run.directory / "metrics.json")
        assert loaded.curves == run.curves == read_history(run.directory / "history.csv")
        assert (repr(loaded), loaded._repr_html_()) == (repr(run), run._repr_html_())
        pd.testing.assert_frame_equal(loaded.history, run.history, check_exact=True)
        pd.testing.assert_frame_equal(loaded.coefficients, run.coefficients, check_exact=True)
        for name in ("weight", "bias", "classes"):
            assert np.array_equal(getattr(loaded.model, name), getattr(run.model, name))

    def test_run_is_called_as_its_model_is(self, regression: TrainedRun) -> None:
        x = regression.data.source.test.x.numpy()
        found = linnet.load(str(regression.directory))(x)
        frame = pd.DataFrame(x, columns=list(regression.model.feature_names), index=range(7, 7 + len(x)))
        for other in (regression(x), regression.predict(x), regression.model.predict(frame), regression(x.tolist())):
            assert np.array_equal(found, other)
        train = regression.data.source.train
        keep = len(regression.data.train)
        assert keep < len(train)  # some of them validate
        reference = LinearRegression().fit(*(part.double().numpy() for part in units_of_data(regression)))
        np.testing.assert_allclose(found, reference.predict(x)[:, 0], rtol=1e-8)

    def test_files_that_were_changed_are_named_and_shown(self, classes: TrainedRun, tmp_path: Path) -> None:
        copy = tmp_path / "run"
        subprocess.run(["cp", "-r", str(classes.directory), str(copy)], check=True)
        (copy / "metrics.json").write_text('{"test/accuracy": 1.0}')
        loaded = linnet.load(copy)
        with pytest.raises(linnet.InputError, match=r"metrics\.json was changed"):
            _ = loaded.metrics
        assert "was changed" in repr(loaded) and "was changed" in loaded._repr_html_()


def units_of_data(run: TrainedRun) -> tuple:
    """Features and targets of the training split as the data came."""
    data = run.data
    x, y = data.train.x.double(), data.train.y.double()
    if data.scaling is not None:
        x = x * data.scaling.deviation + data.scaling.mean
    return x, y if data.offset is None else y + data.offset


def test_a_run_that_was_not_tracked_has_all_but_files(workplace: Path, classes: TrainedRun) -> None:
    table, *_ = classes.directory.parent.glob("*.csv")
    options = {"data": "table", "max_epochs": 3, "figures": False, "quiet": True}
    run = linnet.train({"data.path": str(table), "data.target": "kind"}, tracked=False, **options)
    assert run.directory is None and list(workplace.iterdir()) == []
    assert (run.metrics, run.curves) == (classes.metrics, classes.curves)
    pd.testing.assert_frame_equal(run.coefficients, classes.coefficients, check_exact=True)
    assert repr(run) == repr(classes).partition(";")[0] + "; not tracked>" and "not tracked" in run._repr_html_()
    assert run.figures["learning_curves"].png == classes.figures["learning_curves"].png
    for refused in (run.board, lambda: linnet.compare(run)):
        with pytest.raises(linnet.InputError, match="was not tracked"):
            refused()
    assert list(workplace.iterdir()) == []


class TestClasses:
    def test_are_predicted_by_name_and_with_probabilities(self, classes: TrainedRun) -> None:
        rows = {classes.model.feature_names[0]: [3.0, -3.0], "b": [0.0, 0.0]}
        probabilities = classes.predict_proba(rows)
        assert np.array_equal(probabilities, classes(rows))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
        assert classes.predict(rows).tolist() == [classes.model.class_names[k] for k in probabilities.argmax(axis=1)]
        assert classes.predict(rows).tolist() == ["<script>alert(1)</script>", "good & plain"]

    def test_that_are_whole_numbers_are_predicted_as_such(self) -> None:
        from linnet.inference.predictor import Predictor

        weight, bias = np.array([[1.0], [-1.0]]), np.zeros(2)
        whole = Predictor(weight, bias, "classification", "softmax", ("7", "-12"))
        assert whole.predict([[2.0], [-2.0]]).tolist() == [7, -12]
        words = Predictor(weight, bias, "classification", "softmax", ("7", "07"))
        assert words.predict([[2.0], [-2.0]]).tolist() == ["7", "07"]

    def test_of_an_array_are_predicted_from_one(self, workplace: Path) -> None:
        rng = np.random.default_rng(0)
        x = np.column_stack([rng.normal(size=(80, 2)), np.ones(80), rng.normal(size=80)])  # one of them says nothing
        run = linnet.train(x, x[:, 0] > 0, max_epochs=1, figures=False, optimum="off")
        loaded = linnet.load(run.directory)
        named = {f"x{i}": x[:, i] for i in range(4)}
        assert np.array_equal(loaded.predict(x), run.predict(named)) and loaded.predict(x).dtype == bool
        assert np.array_equal(loaded(torch.from_numpy(x)), run(pd.DataFrame(named)))
        with pytest.raises(linnet.InputError, match=r"takes an array \[N, 4\], and the input has shape \[80, 3\]"):
            run.predict(x[:, :3])

    def test_a_regression_has_no_probabilities(self, regression: TrainedRun) -> None:
        with pytest.raises(linnet.InputError, match="gives no probabilities"):
            regression.predict_proba(np.zeros((1, 10)))


class TestFrames:
    def test_history_holds_every_point_once(self, run: TrainedRun) -> None:
        history = run.history
        assert history.index.name == "step" and history.index.is_monotonic_increasing
        for name, curve in run.curves.items():
            column = history[name].dropna()
            assert (column.index.tolist(), column.tolist()) == (curve.step, curve.value)

    def test_coefficients_are_those_of_an_independent_fit(self, regression: TrainedRun) -> None:
        x, y = (part.numpy() for part in units_of_data(regression))
        reference = LinearRegression().fit(x, y)
        found = regression.coefficients
        assert found["feature"].tolist() == ["bias", *regression.model.feature_names]
        expected = [reference.intercept_[0], *reference.coef_[0]]
        np.testing.assert_allclose(found["coefficient"], expected, rtol=1e-8)
        assert (found["ci_low"] < found["coefficient"]).all() and (found["coefficient"] < found["ci_high"]).all()

    def test_without_pandas_says_what_to_do(self, run: TrainedRun, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(linnet.InputError, match="pip install pandas"):
            _ = run.history
        assert run._repr_html_().startswith("<div")


class TestFigures:
    def test_are_the_files_of_the_run(self, regression: TrainedRun) -> None:
        loaded = linnet.load(regression.directory)
        assert set(loaded.figures) == set(regression.figures) >= {"learning_curves", "coefficients"}
        picture = loaded.figures["coefficients"]
        assert picture.path == regression.directory / "figures" / "coefficients.png"
        assert picture._repr_png_() == picture.path.read_bytes()

    def test_are_drawn_if_the_run_drew_none(self, classes: TrainedRun) -> None:
        assert dict(linnet.load(classes.directory).figures) == {}
        assert classes.figures["confusion_matrix"].png.startswith(SIGNATURE)
        assert not (classes.directory / "figures").exists()

    @pytest.mark.parametrize(("options", "draws"), [({}, False), ({"figures": True}, True)])
    def test_of_data_given_in_python_are_drawn_when_asked_for(
        self, workplace: Path, options: dict[str, bool], draws: bool
    ) -> None:
        run = linnet.train(np.eye(20), np.arange(20.0), max_epochs=1, optimum="off", quiet=True, **options)
        assert (workplace / run.directory / "figures" / "learning_curves.png").exists() == draws
        assert run.figures["learning_curves"].png.startswith(SIGNATURE)

    def test_that_are_no_pictures_are_refused(self, classes: TrainedRun, tmp_path: Path) -> None:
        from linnet.results.figures import saved_figures

        (tmp_path / "figures").mkdir()
        (tmp_path / "figures" / "x.png").write_text("<script>")
        with pytest.raises(linnet.InputError, match="is no PNG picture"):
            saved_figures(tmp_path / "figures")["x"]


class TestText:
    def test_repr_is_one_short_line(self, run: TrainedRun) -> None:
        score = "test/accuracy" if run.model.task == "classification" else "test/r2"
        assert f"{score} {run.metrics[score]:.4g}" in repr(run)
        assert run.directory.name in repr(run)
        assert len(repr(run).splitlines()) == 1 and len(repr(run)) < 200

    def test_html_has_the_metrics_with_intervals_and_a_curve(self, regression: TrainedRun) -> None:
        page = regression._repr_html_()
        low, high = (regression.metrics[f"test/mae_ci95_{end}"] for end in ("low", "high"))
        assert f">{low:.4g} … {high:.4g}</td>" in page and ">mae</td>" in page

    def test_names_come_through_as_text(self, classes: TrainedRun) -> None:
        page = classes._repr_html_()
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "&lt;img src=x" in page
        for markup in ("<script", "<img", "http", "href", "src=", "<style"):
            assert markup not in page.replace("&lt;img src=x", "")
        assert "<polyline" in page
        assert "<script" not in classes.coefficients._repr_html_() and "<script" not in classes.history._repr_html_()


def test_loading_imports_neither_torch_nor_pandas(regression: TrainedRun) -> None:
    code = (
        "import sys, linnet; heavy = {'torch', 'pytorch_lightning', 'pandas', 'matplotlib'}\n"
        "assert not ({*heavy, 'numpy', 'pyarrow', 'hydra'} & set(sys.modules))\n"
        f"run = linnet.load({str(regression.directory)!r})\n"
        "repr(run), run._repr_html_(), run.curves, run([[0.0] * 10]), run.figures['coefficients'].png\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        f"repr(linnet.compare({str(regression.directory)!r})._repr_html_())\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "run.coefficients; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
