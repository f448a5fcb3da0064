"""Numbers, missing values, dates and files as people write them, through the command line."""

import csv
import json
import shlex
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import linnet
from linnet.cli import main as cli
from linnet.inference.export.as_json import predict as predict_json
from linnet.inference.export.as_onnx import predict as predict_onnx
from linnet.inference.export.as_sklearn import predict as predict_sklearn
from linnet.tracking.manifest_file import changes_accepted

EXACT = ("optimizer=exact", "data.test_fraction=0", "data.val_fraction=0", "figures=false")
VALUES = [round(5.25 + 411.5 * i, 2) for i in range(40)]
"""5.25 … 16053.75: most are above a thousand."""


def write(path: str, columns: dict[str, list]) -> None:
    with Path(path).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def train(*options: str, run: str = "run") -> int:
    return cli.run(["train", "data=table", "data.target=y", f"hydra.run.dir={run}", *EXACT, *options])


def refusal(capsys, *options: str) -> str:
    capsys.readouterr()
    assert train("data.path=f.csv", *options) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert not Path("run").exists()
    return lines[0]


def predicted(path: str, run: str = "run") -> list[str]:
    assert cli.run(["predict", run, "--input", path, "--output", "p.csv"]) == 0
    with Path("p.csv").open(newline="") as file:
        return [row["prediction"] for row in csv.DictReader(file)]


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
        found = linnet.load("run")
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
        assert linnet.load("run").weight[0, 0] == pytest.approx(sign * 4, rel=1e-9)
        assert cli.run(["evaluate", "run", "--input", "f.csv"]) == 0


class TestNumbers:
    def test_with_the_minus_of_typesetting_are_numbers(self, workplace):
        write("f.csv", {"x": [f"\u2212{v}" for v in VALUES], "y": VALUES})
        assert train("data.path=f.csv") == 0
        assert linnet.load("run").weight[0, 0] == pytest.approx(-1, rel=1e-9)

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
        assert linnet.load("run").weight[0, 0] == pytest.approx(1.5e-5, rel=1e-9)

    def test_of_ordinals_and_codes_are_categories(self, workplace):
        write("f.csv", {"x": ["1st", "2nd", "3rd", "4th"] * 10, "z": ["A1", "A2"] * 20, "y": VALUES})
        assert train("data.path=f.csv", "data.min_count=1") == 0
        assert "x=1st" in linnet.load("run").feature_names


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


class TestRowsWithoutATarget:
    def test_are_left_out_and_counted(self, workplace, capsys):
        y = [v / 2 if i % 5 else "" for i, v in enumerate(VALUES)]
        write("f.csv", {"x": VALUES, "w": [1] * 40, "y": y})
        assert "target y is missing in rows 1, 6" in refusal(capsys)
        assert "target y is missing" in refusal(capsys, "data.missing=mean")
        assert train("data.path=f.csv", "data.missing=drop", "data.weight=w") == 0
        assert "8 rows: left out, they lack the target y" in capsys.readouterr().out
        assert linnet.load("run").weight[0, 0] == pytest.approx(0.5, rel=1e-9)

    def test_of_the_test_file_are_left_out_too(self, workplace):
        y = [v / 2 if i % 5 else "" for i, v in enumerate(VALUES)]
        write("f.csv", {"x": VALUES, "y": y})
        write("t.csv", {"x": VALUES, "y": y})
        assert train("data.path=f.csv", "data.test_path=t.csv", "data.missing=drop") == 0

    def test_name_rows_of_the_file(self, workplace, capsys):
        x = [*VALUES[:-1], "many"]
        write("f.csv", {"x": x, "y": ["", *VALUES[1:]]})
        assert "'many' in row 40 of f.csv" in refusal(capsys, "data.missing=drop")


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


class TestFiles:
    def test_in_cp1252_are_read_so_and_said_so(self, workplace, capsys):
        rows = "".join(f"{'“á”' if i % 2 else 'é'},{i % 2}.5\n" for i in range(40))
        Path("f.csv").write_bytes(f"c,y\n{rows}".encode("cp1252"))
        assert train("data.path=f.csv", "data.task=regression") == 0
        assert "f.csv: read as cp1252" in capsys.readouterr().out
        assert linnet.load("run").feature_names == ("c=é", "c=“á”")
        for given in ((), ("--encoding", "cp1252")):
            assert cli.run(["predict", "run", "--input", "f.csv", *given]) == 0
            row_notes = capsys.readouterr()
            assert list(map(float, row_notes.out.split()[1:3])) == pytest.approx([0.5, 1.5])
            assert "no level" not in row_notes.err
        assert train("data.path=f.csv", "data.task=regression", "data.encoding=cp1252", run="given") == 0

    @pytest.mark.parametrize("start", [0, 1])
    def test_with_an_index_say_so(self, start, workplace, capsys):
        write("f.csv", {"": range(start, start + 40), "x": VALUES, "y": VALUES})
        assert train("data.path=f.csv") == 0
        words = f"f.csv: column 1 has no name and is an index ({start}, {start + 1}, {start + 2} and 37 more), left out"
        assert words in capsys.readouterr().out
        assert linnet.load("run").feature_names == ("x",)

    def test_with_a_nameless_column_that_is_no_index_say_what_it_holds(self, workplace, capsys):
        write("f.csv", {"x": VALUES, "": ["red", "blue"] * 20, "y": VALUES})
        assert train("data.path=f.csv") == 0
        assert "column 2 has no name, left out: it is no index ('red')" in capsys.readouterr().out

    def test_with_line_breaks_in_quotes_are_read(self, workplace):
        texts = ["Main St 1\nOslo", "Rome", 'Via "A"\r\nRome', "x\n\ny"]
        write("f.csv", {"x": VALUES, "c": texts * 10, "y": [i % 4 for i in range(40)]})
        options = ("data.path=f.csv", "data.task=regression", "data.exclude=[x]")
        assert train(*options) == 0
        assert [float(y) for y in predicted("f.csv")] == pytest.approx([i % 4 for i in range(40)], abs=1e-9)
        assert cli.run(["inspect", "run"]) == 0
        assert all(len(name.splitlines()) == 1 for name in linnet.load("run").feature_names)
        write("g.csv", {"x": VALUES, "y": (texts[:2] * 20)})
        assert cli.run(["train", "data=table", "data.path=g.csv", "data.target=y", "hydra.run.dir=g", *EXACT[1:]]) == 0

    def test_with_rows_swallowed_by_quotes_left_open_are_refused(self, workplace, capsys):
        rows = [f'{v},"a{i % 2}",{v}' for i, v in enumerate(VALUES)]
        rows[3:5] = ['1,"a0,2', '3,a1",4']
        Path("f.csv").write_text("\n".join(["x,c,y", *rows]) + "\n")
        message = refusal(capsys)
        assert "f.csv line 5: the value of c looks like rows that a quote left open has swallowed" in message


class TestNames:
    def test_are_distinct(self, workplace, capsys):
        columns = {
            "c": ["x", "z"] * 20,
            "c=x": [i % 7 for i in range(40)],
            "bias": [i % 5 for i in range(40)],
            "y": [2 * (i % 2) + 3 * (i % 7) + 5 * (i % 5) for i in range(40)],
        }
        write("f.csv", columns)
        assert train("data.path=f.csv", "data.task=regression") == 0
        said = capsys.readouterr().out
        assert "feature c=x is called c='x' in results" in said
        assert "feature bias is called bias (column) in results" in said
        found = linnet.load("run")
        assert found.feature_names == ("c='x'", "c=z", "c=x", "bias (column)")
        np.testing.assert_allclose(found.weight[0, 2:], [3, 5], rtol=1e-9)
        assert cli.run(["inspect", "run", "--csv", "i.csv"]) == 0
        with Path("i.csv").open(newline="") as file:
            rows = {row["feature"]: float(row["coefficient"]) for row in csv.DictReader(file)}
        assert list(rows) == ["bias", *found.feature_names]
        assert rows["bias (column)"] == pytest.approx(5)


class TestComments:
    ROWS = "".join(f"{v},{'a#' if i % 2 else 'b'},{v / 4 + 3}\n" for i, v in enumerate(VALUES))
    HEADER = 'Report "2025, Oslo\nof all, rooms\n# units: m, m\nx,c,y\n'
    OPTIONS = ('data.comment="#"', "data.skip_rows=2")

    def test_and_titles_are_no_rows(self, workplace):
        rows = self.ROWS.splitlines(keepends=True)
        quoted = '1,"b\n#kept",3.25\n2,"b\n#kept",3.5\n' * 12
        Path("f.csv").write_text(self.HEADER + "".join(rows[:5]) + "# a, comment\n" + "".join(rows[5:]) + quoted)
        assert train("data.path=f.csv", *self.OPTIONS, "data.task=regression") == 0
        found = linnet.load("run")
        assert found.feature_names == ("x", "c=a#", "c=b", "c=b #kept")
        assert found.weight[0, 0] == pytest.approx(0.25, rel=1e-9)
        lines = ("--comment", "#", "--skip-rows", "2")
        assert cli.run(["predict", "run", "--input", "f.csv", "--output", "p.csv", *lines]) == 0
        assert len(Path("p.csv").read_text().splitlines()) == 1 + 40 + 24
        assert cli.run(["evaluate", "run", "--input", "f.csv", *lines]) == 0
        assert cli.run(["export", "run", "--format", "json", "--output", "m.json"]) == 0

    def test_keep_the_numbers_of_rows_and_lines(self, workplace, capsys):
        Path("f.csv").write_text(self.HEADER + self.ROWS + "# the last\n1,b,many\n")
        assert "'many' in row 41 of f.csv" in refusal(capsys, *self.OPTIONS)
        Path("f.csv").write_text(self.HEADER + self.ROWS + "# the last\n1,b\n")
        assert "f.csv line 46: 2 values where the header has 3" in refusal(capsys, *self.OPTIONS)


def test_runs_of_before_these_options_are_evaluated_and_predicted_with(workplace):
    """Their configuration and their preprocessing do not name them."""
    write("f.csv", {"x": VALUES, "y": [v / 4 + 3 for v in VALUES]})
    assert train("data.path=f.csv", "data.test_fraction=0.2") == 0
    keys = ("comment", "skip_rows", "decimal", "thousands", "strip", "missing_tokens")
    config = Path("run/.hydra/config.yaml")
    lines = [line for line in config.read_text().splitlines() if line.strip().partition(":")[0] not in keys]
    config.write_text("\n".join(lines) + "\n")
    node = json.loads(Path("run/preprocessing.json").read_text())
    del node["table"]["notation"]
    for column in node["table"]["columns"]:
        del column["plain"]
    Path("run/preprocessing.json").write_text(json.dumps(node))
    with changes_accepted():  # such runs have hashes of files like these
        assert len(predicted("f.csv")) == 40
        assert cli.run(["evaluate", "run"]) == 0
        assert cli.run(["evaluate", "run", "--input", "f.csv"]) == 0
        assert cli.run(["export", "run", "--format", "json", "--output", "m.json"]) == 0
