"""Tables as people write them: encodings, quotes, comments, names, rows without a target, through the command line."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from table_runs import EXACT, VALUES, predicted, refusal, train, write

import linnet
from linnet.cli import main as cli
from linnet.tracking.manifest_file import changes_accepted


class TestRowsWithoutATarget:
    def test_are_left_out_and_counted(self, workplace, capsys):
        y = [v / 2 if i % 5 else "" for i, v in enumerate(VALUES)]
        write("f.csv", {"x": VALUES, "w": [1] * 40, "y": y})
        assert "target y is missing in rows 1, 6" in refusal(capsys)
        assert "target y is missing" in refusal(capsys, "data.missing=mean")
        assert train("data.path=f.csv", "data.missing=drop", "data.weight=w") == 0
        assert "8 rows: left out, they lack the target y" in capsys.readouterr().out
        assert linnet.load("run").model.weight[0, 0] == pytest.approx(0.5, rel=1e-9)

    def test_of_the_test_file_are_left_out_too(self, workplace):
        y = [v / 2 if i % 5 else "" for i, v in enumerate(VALUES)]
        write("f.csv", {"x": VALUES, "y": y})
        write("t.csv", {"x": VALUES, "y": y})
        assert train("data.path=f.csv", "data.test_path=t.csv", "data.missing=drop") == 0

    def test_name_rows_of_the_file(self, workplace, capsys):
        x = [*VALUES[:-1], "many"]
        write("f.csv", {"x": x, "y": ["", *VALUES[1:]]})
        assert "'many' in row 40 of f.csv" in refusal(capsys, "data.missing=drop")


class TestFiles:
    def test_in_cp1252_are_read_so_and_said_so(self, workplace, capsys):
        rows = "".join(f"{'“á”' if i % 2 else 'é'},{i % 2}.5\n" for i in range(40))
        Path("f.csv").write_bytes(f"c,y\n{rows}".encode("cp1252"))
        assert train("data.path=f.csv", "data.task=regression") == 0
        assert "f.csv: read as cp1252" in capsys.readouterr().out
        assert linnet.load("run").model.feature_names == ("c=é", "c=“á”")
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
        assert linnet.load("run").model.feature_names == ("x",)

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
        assert all(len(name.splitlines()) == 1 for name in linnet.load("run").model.feature_names)
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
        found = linnet.load("run").model
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
        found = linnet.load("run").model
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
