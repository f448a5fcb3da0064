"""Coefficients of a run in the units of its data: against statsmodels, by name, on the screen and as CSV."""

import csv
import io

import numpy as np
import pytest
import statsmodels.api as sm
from tables import people, write_csv

import linnet
from linnet.cli import main as cli
from linnet.inference.coefficients import load_coefficients
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.tracking import figures
from linnet.tracking.report import result_figures
from linnet.tracking.weights import OPTIMUM
from linnet.training import optimality

TABLE = ["data=table", "data.path=f.csv", "data.target=y", "figures=false"]
NUMBERS = [*TABLE, "data.exclude=[city]", "data.dtype=float64"]


@pytest.fixture
def table(workplace):
    """A table with numbers of very different sizes, so that standardisation matters."""
    columns = people(200)
    columns["income"] = np.random.default_rng(1).lognormal(10, 1, 200).round(2).tolist()
    write_csv(workplace / "f.csv", columns)
    return columns


@pytest.fixture
def inspected(capsys):
    """A function of `linnet inspect` with these arguments: what it prints."""

    def output(*arguments: object) -> str:
        capsys.readouterr()
        assert cli.run(["inspect", *map(str, arguments)]) == 0
        return capsys.readouterr().out

    return output


def as_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


class TestLeastSquares:
    @pytest.mark.parametrize("bias", ["true", "false"])
    @pytest.mark.parametrize("standardize", ["true", "false"])
    def test_is_that_of_statsmodels_in_original_units(self, table, inspected, standardize, bias):
        run = linnet.train([*NUMBERS, "optimizer=exact", f"data.standardize={standardize}", f"model.bias={bias}"])
        train, scaling = run.data.train, run.data.scaling
        y = train.y[:, 0].numpy()
        x = train.x.numpy() if scaling is None else (train.x * scaling.deviation + scaling.mean).numpy()
        if bias == "true":
            reference, names = sm.OLS(y, sm.add_constant(x)).fit(), ["bias", "age", "smoker", "income"]
        else:
            reference, names = sm.OLS(y, x).fit(), ["age", "smoker", "income"]
        rows = {row["feature"]: row for row in as_csv(inspected(run.directory, "--csv", "-"))}
        assert list(rows) == ["bias", "age", "smoker", "income"]
        low, high = reference.conf_int().T
        expected = {
            "coefficient": reference.params, "optimum": reference.params,
            "std_error": reference.bse, "ci_low": low, "ci_high": high,
            "t": reference.tvalues, "p": reference.pvalues,
        }  # fmt: skip
        for key, values in expected.items():
            found = [float(rows[name][key]) for name in names]
            np.testing.assert_allclose(found, values, rtol=1e-6)
        if bias == "false":
            assert (float(rows["bias"]["coefficient"]), rows["bias"]["std_error"]) == (0, "")

    def test_of_more_coefficients_than_metrics_hold(self, workplace, inspected):
        x = np.random.default_rng(0).standard_normal((100, 40)).astype(np.float32)
        np.save("x.npy", x)
        np.save("y.npy", x[:, 0])
        arrays = ["data=arrays", "data.x=x.npy", "data.y=y.npy", "model=linear_regression", "loss=squared_error"]
        run = linnet.train([*arrays, "optimizer=exact", "figures=false"])
        assert not any(key.startswith("optimum/std_error") for key in run.metrics)
        assert all(row["std_error"] for row in as_csv(inspected(run.directory, "--csv", "-")))

    def test_is_told_from_what_training_reached(self, table, inspected):
        run = linnet.train([*NUMBERS, "optimizer.lr=0.01", "trainer.max_epochs=1", "optimum=always"])
        text = inspected(run.directory)
        assert "optimum" in text.splitlines()[1].split()
        assert "errors, intervals and tests are of the optimum" in text
        found = load_coefficients(run.directory)
        assert not found.exact
        assert all(abs(row.coefficient - row.optimum) > 1e-9 for row in found.rows)
        exact = linnet.train([*NUMBERS, "optimizer=exact"])
        assert [row.optimum for row in load_coefficients(exact.directory).rows] == pytest.approx(
            [row.optimum for row in found.rows]
        )
        assert "optimum" not in inspected(exact.directory)

    @pytest.mark.parametrize("more", [["penalty=l2"], ["loss=huber"], ["data.exclude=[]"]])
    def test_says_why_there_are_no_errors(self, table, inspected, more):
        run = linnet.train([*NUMBERS, "optimum=always", "trainer.max_epochs=1", *more])
        text = inspected(run.directory)
        assert "no standard errors" in text
        assert "std error" not in text

    def test_survives_the_file_and_is_refused_if_it_is_of_another_run(self, table, capsys):
        run = linnet.train([*NUMBERS, "optimizer=exact"])
        file = run.directory / OPTIMUM
        content = file.read_bytes()
        assert ProblemAnalysis.from_bytes(content).to_bytes() == content
        other = linnet.train(["data=diabetes", "optimizer=exact", "figures=false"]).directory
        file.write_bytes((other / OPTIMUM).read_bytes())
        capsys.readouterr()
        assert cli.run(["inspect", str(run.directory)]) == 2
        assert f"{OPTIMUM} was changed since the run wrote it" in capsys.readouterr().err
        assert cli.run(["inspect", str(run.directory), "--accept-changed"]) == 2
        assert f"{OPTIMUM} is damaged: it is of another model" in capsys.readouterr().err


class TestClasses:
    def test_pixels_by_place_and_the_strongest_of_each_class(self, workplace, inspected):
        run = linnet.train(["trainer.max_epochs=1", "figures=false"])
        text = inspected(run.directory, "--top", 2)
        weight = run.module.weight[0].detach().abs()
        for c in range(10):
            for place in weight[c].topk(2).indices.tolist():
                assert f"{place // 8},{place % 8}" in text
        assert "62 more" in text
        rows = as_csv(inspected(run.directory, "--csv", "-"))
        assert len(rows) == 10 * 65
        assert rows[65 + 1 + 8 * 2 + 3]["feature"] == "2,3"
        assert float(rows[65 + 1 + 8 * 2 + 3]["coefficient"]) == run.module.weight[0, 1, 8 * 2 + 3].item()

    def test_strength_is_per_standard_deviation(self, table):
        options = [option for option in TABLE if not option.startswith("data.target")]
        run = linnet.train([*options, "data.target=city", "data.exclude=[y]", "trainer.max_epochs=1"])
        found = [row.strength for row in load_coefficients(run.directory).of("Lima")[1:]]
        np.testing.assert_allclose(found, run.module.weight[0, 0].detach().abs().numpy(), rtol=1e-6)


class TestFigure:
    @pytest.mark.parametrize(
        ("options", "drawn"),
        [
            (["data.target=city", "data.exclude=[y]"], True),
            (["data.target=y", "optimizer=exact"], True),
            (["data=gaussian_blobs"], False),
        ],
    )
    def test_is_drawn_of_tables_and_of_regression(self, table, options, drawn):
        source = [] if "data=gaussian_blobs" in options else ["data=table", "data.path=f.csv"]
        run = linnet.train([*source, *options, "trainer.max_epochs=1"])
        assert (run.directory / "figures" / "coefficients.png").is_file() == drawn

    def test_shows_intervals_in_the_units_of_its_weights(self, table, monkeypatch):
        drawn = {}
        monkeypatch.setattr(figures, "coefficients", lambda *given, **more: drawn.update(more, weight=given[0]))
        run = linnet.train([*NUMBERS, "optimizer=exact", "figures=false"])
        analysis = optimality.load(run.directory)
        result_figures(run.module, run.data, {}, {"val/loss": ([1], [1.0])}, analysis)
        np.testing.assert_allclose(drawn["optimum"], drawn["weight"], rtol=1e-9)
        deviation = run.data.scaling.deviation.numpy()
        names = run.data.source.feature_names
        errors = deviation * [run.metrics[f"optimum/std_error/{name}"] for name in names]
        np.testing.assert_allclose(drawn["std_error"], errors, rtol=1e-9)
        low = drawn["optimum"] - drawn["margin"] * drawn["std_error"]
        lows = deviation * [run.metrics[f"optimum/ci_low/{name}"] for name in names]
        np.testing.assert_allclose(low, lows, rtol=1e-9)


class TestCommand:
    def test_writes_a_file_with_all(self, table, inspected, workplace):
        run = linnet.train([*NUMBERS, "optimizer=exact"])
        text = inspected(run.directory, "--csv", "all.csv")
        assert "all.csv" in text
        assert (workplace / "all.csv").read_text() == inspected(run.directory, "--csv", "-")

    def test_answers_mistakes_in_one_line(self, table, capsys):
        run = linnet.train([*NUMBERS, "optimizer=exact"]).directory
        for given, words in [
            (["nowhere"], "nowhere is no run directory"),
            ([run, "--top", "0"], "--top 0: expected a whole number of at least 1"),
            ([run, "--csv", "no/such.csv"], "no/such.csv: is a directory, or in a directory that does not exist"),
        ]:
            capsys.readouterr()
            assert cli.run(["inspect", *map(str, given)]) == 2
            out, err = capsys.readouterr()
            assert words in err
            assert (out, len(err.splitlines())) == ("", 1)
