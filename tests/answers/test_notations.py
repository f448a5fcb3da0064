"""Numbers, dates and missing values as people write them, through the command line."""

import json
import shlex
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from table_runs import VALUES, predicted, refusal, train, write

import linnet
from linnet.cli import main as cli
from linnet.inference.export.as_json import predict as predict_json
from linnet.inference.export.as_onnx import predict as predict_onnx
from linnet.inference.export.as_sklearn import predict as predict_sklearn


def english(value: float) -> str:
    return f"{value:,.2f}"


def german(value: float) -> str:
    return english(value).translate(str.maketrans(",.", ".,"))


NOTATIONS = {
    "1,037.25": (english, ("'data.thousands=\",\"'",)),
    "1.037,25": (german, ("'data.decimal=\",\"'", "'data.thousands=\".\"'")),
    "1 037,25": (
        lambda value: german(value).replace(".", "\u202f"),
        ("'data.decimal=\",\"'", "'data.thousands=\" \"'"),
    ),
    "1'037.25": (lambda value: english(value).replace(",", "’"), ('"data.thousands=\\"\'\\""',)),
    "$1037.25": (lambda value: f"${value:.2f}", ("'data.strip=[\"$\"]'",)),
    "-$1,037.25": (lambda value: f"-${english(value)}", ("'data.thousands=\",\"'", "'data.strip=[\"$\"]'")),
    "1037.25 %": (lambda value: f"{value:.2f} %", ("'data.strip=[\"%\"]'",)),
    "1037.25kg": (lambda value: f"{value:.2f}kg", ("'data.strip=[\"kg\"]'",)),
    "1037,25 €": (
        lambda value: f"{value:.2f} €".replace(".", ","),
        ("'data.decimal=\",\"'", "'data.strip=[\"€\"]'"),
    ),
}


@pytest.mark.parametrize("name", NOTATIONS)
class TestNotations:
    """Of y = x / 4 + 3, or of the target: asked for with the options, which then read them."""

    def test_of_a_feature(self, name, workplace, capsys):
        written, options = NOTATIONS[name]
        sign = -1 if name.startswith("-") else 1
        write("f.csv", {"x": [written(v) for v in VALUES], "y": [sign * v / 4 + 3.125 for v in VALUES]})
        message = refusal(capsys)
        assert "column x has" in message
        assert any(f"('{written(value)}' in row" in message for value in VALUES)
        assert "data.categorical=[x]" in message
        assert all(option in message for option in options), message
        assert train("data.path=f.csv", *(shlex.split(option)[0] for option in options)) == 0
        found = linnet.load("run").model
        np.testing.assert_allclose([found.weight[0, 0], found.bias[0]], [0.25, 3.125], rtol=1e-9)
        assert [float(y) for y in predicted("f.csv")] == pytest.approx([sign * v / 4 + 3.125 for v in VALUES])
        for form in ("json", "sklearn"):
            assert cli.run(["export", "run", "--format", form, "--output", f"m.{form}"]) == 0

    def test_of_the_target(self, name, workplace, capsys):
        written, options = NOTATIONS[name]
        prices = VALUES[2:4] * 20  # repeated prices are no classes
        write("f.csv", {"x": [v / 4 for v in prices], "y": [written(v) for v in prices]})
        message = refusal(capsys)
        assert "target y has" in message
        assert all(option in message for option in options), message
        found = refusal(capsys, "data.task=regression")
        assert all(option in found for option in options), found
        options = tuple(shlex.split(option)[0] for option in options)
        assert train("data.path=f.csv", *options, "data.task=regression") == 0
        sign = -1 if name.startswith("-") else 1
        assert linnet.load("run").model.weight[0, 0] == pytest.approx(sign * 4, rel=1e-9)
        assert cli.run(["evaluate", "run", "--input", "f.csv"]) == 0


class TestNumbers:
    def test_with_the_minus_of_typesetting_are_numbers(self, workplace):
        write("f.csv", {"x": [f"\u2212{v}" for v in VALUES], "y": VALUES})
        assert train("data.path=f.csv") == 0
        assert linnet.load("run").model.weight[0, 0] == pytest.approx(-1, rel=1e-9)

    def test_that_could_be_thousands_or_fractions_are_asked_for(self, workplace, capsys):
        write("f.csv", {"x": [f"{i},250" for i in range(1, 41)], "y": VALUES})
        message = refusal(capsys)
        assert "'data.thousands=\",\"' if 1,250 is 1250, or 'data.decimal=\",\"' if it is 1.250" in message

    def test_in_the_wrong_notation_are_not_read(self, workplace, capsys):
        """With a decimal comma 1.5 is no number, unless all of the column is written so."""
        write("f.csv", {"x": ["1,5", "2,5"] * 19 + ["1.5", "2.5"], "y": VALUES})
        assert "numeric but for 2 of its 40 values ('1.5' in rows 39, 40" in refusal(capsys, 'data.decimal=","')

    def test_in_lakhs_are_asked_for(self, workplace, capsys):
        write("f.csv", {"x": [f"{i},50,000" for i in range(1, 41)], "y": [i * 1.5 for i in range(1, 41)]})
        assert "'data.thousands=\",\"'" in refusal(capsys)
        assert train("data.path=f.csv", 'data.thousands=","') == 0
        assert linnet.load("run").model.weight[0, 0] == pytest.approx(1.5e-5, rel=1e-9)

    def test_of_ordinals_and_codes_are_categories(self, workplace):
        write("f.csv", {"x": ["1st", "2nd", "3rd", "4th"] * 10, "z": ["A1", "A2"] * 20, "y": VALUES})
        assert train("data.path=f.csv", "data.min_count=1") == 0
        assert "x=1st" in linnet.load("run").model.feature_names


TOKENS = ["-", "?", "None", ".", "unknown", "#DIV/0!", r"\N"]


@pytest.mark.parametrize("token", TOKENS)
class TestMissingTokens:
    def test_among_numbers_are_asked_for(self, token, workplace, capsys):
        """Three of four are missing: the column is one of numbers still."""
        write("f.csv", {"x": [i if i % 4 == 0 else token for i in range(40)], "y": VALUES})
        message = refusal(capsys)
        assert f"'{token}' in rows 2, 3, 4" in message
        option = message.partition("give '")[2].partition("'")[0]
        assert option.startswith("data.missing_tokens=[")
        assert train("data.path=f.csv", option, "data.missing=mean") == 0
        node = json.loads(Path("run/preprocessing.json").read_text())["table"]
        assert node["notation"]["missing_tokens"] == [token]
        assert node["columns"][0]["kind"] == "number"
        assert node["columns"][0]["mean"] == 18  # of 0, 4, …, 36

    def test_are_missing_in_predictions_and_exports(self, token, workplace):
        rows = {"x": [i if i % 4 else f" {token}" for i in range(40)], "c": ["u", "v", token, "u"] * 10}
        write("f.csv", {**rows, "y": VALUES})
        quoted = token.replace("\\", "\\\\") if token.endswith("\\") else token
        options = (f'data.missing_tokens=["{quoted}"]', "data.missing=mean", "data.min_count=1")
        assert train("data.path=f.csv", *options) == 0
        write(
            "blank.csv", {name: ["" if str(v).strip() == token else v for v in column] for name, column in rows.items()}
        )
        wanted = predicted("blank.csv")
        assert predicted("f.csv") == wanted
        x = np.array([float(v) if str(v).strip() != token else np.nan for v in rows["x"]])
        for form, predict in (("json", predict_json), ("onnx", predict_onnx), ("sklearn", predict_sklearn)):
            assert cli.run(["export", "run", "--format", form, "--output", f"m.{form}"]) == 0
            found, _ = predict(Path(f"m.{form}").read_bytes(), {"x": x, "c": np.array(rows["c"], object)})
            np.testing.assert_allclose(found[:, 0], [float(y) for y in wanted], rtol=1e-9)


class TestDatesAndTimes:
    @pytest.mark.parametrize(
        "texts",
        [
            ["2025-12-31", "2025-01-02"],
            ["31.12.2025", "1.2.2025"],
            ["12/31/2025", "01/02/2025"],
            ["2025-12-31T10:00:00Z", "2025-01-02T10:00:00.123+02:00"],
            ["2025-12-31 10:00:00 Europe", "2025-01-02 10:00 CET"][1:],
            ["31.12.2025 10:00", "1.2.2025 9:05"],
            ["12/31/2025 1:30 PM", "01/02/2025 11:00 AM"],
            ["31 Dec 2025", "2-Jan-2025"],
            ["Dec 31, 2025", "January 2, 2025"],
            ["2025/12/31", "-"],
        ],
    )
    def test_dates_are_no_categories(self, texts, workplace, capsys):
        write("f.csv", {"x": VALUES, "when": (texts * 40)[:40], "y": VALUES})
        assert "column when holds dates: give data.dates=days" in refusal(capsys)

    @pytest.mark.parametrize("texts", [["12:30", "1:05"], ["1:02:03", "0:00:59.5"], ["2 days 03:04:05", "PT5M"]])
    def test_durations_are_no_dates(self, texts, workplace, capsys):
        write("f.csv", {"x": VALUES, "when": texts * 20, "y": VALUES})
        message = refusal(capsys)
        assert f"column when holds times or durations ('{texts[0]}' in rows 1, 2" in message
        assert "such as seconds" in message

    def test_typed_durations_are_no_dates(self, workplace, capsys):
        times = pa.array(range(40), pa.duration("s"))
        parquet.write_table(pa.table({"x": VALUES, "when": times, "y": VALUES}), "f.csv")
        assert "column when holds times or durations" in refusal(capsys)
