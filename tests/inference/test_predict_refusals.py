"""What cannot be predicted is refused in one line, and leaves neither half a file nor a changed one."""

import gzip
import io
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from linnet.cli import main as cli
from linnet.inference import text
from linnet.inference.writers import Csv
from linnet.system.errors import Interrupted
from linnet.system.files import write_json
from linnet.system.reading import read_json

pytestmark = pytest.mark.usefixtures("workplace")

HEADER = "age,smoker,city,kind\n"
ROW = "40,true,Rome,é\n"


@pytest.fixture
def refusal(predict):
    """A function of a command line that is wrong: its one line, once it has left everything as it was."""

    def contents() -> dict[Path, bytes | None]:
        return {path: path.read_bytes() if path.is_file() else None for path in Path.cwd().rglob("*")}

    def line_of(run: str, *arguments: object) -> str:
        before = contents()
        code, output, errors = predict(run, *arguments)
        assert (code, output) == (2, b"")
        assert errors.startswith("linnet: ")
        assert len(errors.splitlines()) == 1
        assert contents() == before
        return errors.rstrip("\n")

    return line_of


class TestRun:
    def test_that_is_not_there_or_did_not_complete(self, home, refusal):
        assert "nowhere is no run directory" in refusal("nowhere", "--input", home / "folk.csv")
        shutil.copytree(home / "folk", "copy")
        state = read_json(Path("copy/status.json"))
        for other in ("interrupted", "running"):
            write_json(Path("copy/status.json"), state | {"state": other})
            words = refusal(Path.cwd() / "copy", "--input", home / "folk.csv")
            assert f"did not complete (it is {other})" in words


class TestInput:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "f.csv is empty"),
            (gzip.compress(b"", mtime=0), "f.csv is empty"),
            (HEADER.encode(), "a header and no rows"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9, "not a text file"),
            (b"PK\x03\x04" + b"a" * 99, "a spreadsheet: save it as CSV"),
            (gzip.compress((HEADER + ROW * 99).encode(), mtime=0)[:-9], "truncated or damaged"),
            (b"age,city\n1,Rome\n", "f.csv has no column smoker, which the model needs; its columns are age, city"),
            (
                (HEADER + ROW * 2 + "old,true,Rome,\n").encode(),
                "column age: expected numbers, found 'old' in row 3 of f",
            ),
            ((HEADER + ROW * 2 + "inf,true,Rome,\n").encode(), "column age is infinite in row 3 of f.csv"),
            ((HEADER + ROW * 2 + "nan,true,Rome,\n").encode(), "values are missing: age 1 (age: row 3 of f.csv): give"),
            ((HEADER + ROW * 2 + "4,maybe,Rome,\n").encode(), "expected true or false, found 'maybe' in row 3"),
            ((HEADER + ROW + "4,true,Rome\n").encode(), "line 3: 3 values where the header has 4"),
            ((HEADER + ROW + '4,true,Rome,"é\n' + ROW * 2).encode(), "a quote that opens in line 3 or after"),
            (
                (HEADER + ROW + '4,true,"Rome,é\n4,true,Lima",é\n' + ROW * 2).encode(),
                "line 3: the value of city looks like rows that a quote left open has swallowed",
            ),
        ],
    )
    def test_that_is_bad(self, content, words, refusal):
        Path("f.csv").write_bytes(content)
        assert words in refusal("folk", "--input", "f.csv", "--output", "out.csv")

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (["--input", "none.csv"], "--input=none.csv: no such file"),
            (["--input", "."], "is a directory, name one file"),
            ([], "required: --input; see `linnet predict --help`"),
            (
                ["--input", "{home}/folk.csv", "--id", "idd"],
                "--id=idd: {home}/folk.csv has no such column, did you mean",
            ),
            (["--input", "{home}/folk.csv", "--delimiter", "ab"], "--delimiter=ab: expected one character"),
            (
                ["--input", "{home}/folk.csv", "--delimiter", "|"],
                "has no column age, smoker, city, which the model needs",
            ),
            (["--input", "{home}/folk.csv", "--encoding", "ebcdic"], "invalid choice: 'ebcdic'"),
            (["--input", "{home}/x.npy"], "x.npy is an array, but {home}/folk takes a table with the columns age,"),
        ],
    )
    def test_that_is_not_meant(self, given, words, home, refusal):
        assert words.format(home=home) in refusal("folk", *(word.format(home=home) for word in given))

    def test_of_the_wrong_sort(self, home, refusal, monkeypatch):
        words = refusal("pixels", "--input", home / "folk.csv")
        assert f"folk.csv is a table, but {home / 'pixels'} takes an .npy file of shape [N, 4]" in words
        np.save("f.npy", np.zeros((5, 3)))
        assert "each input has 3 values, the model takes 4 (shape [4])" in refusal("pixels", "--input", "f.npy")
        np.save("f.npy", np.array([{"a": 1}]))
        assert "Python objects, which are not read" in refusal("pixels", "--input", "f.npy")
        assert "have no names" in refusal("pixels", "--input", home / "x.npy", "--id", "a")
        Path("f.npy").write_text(HEADER)
        assert "is not an .npy file" in refusal("pixels", "--input", "f.npy")
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"PAR1" * 9))))
        assert "standard input takes CSV only" in refusal("flats", "--input", "-")

    @pytest.mark.parametrize("writer", [parquet.write_table, feather.write_feather])
    def test_of_columns_that_is_damaged_or_empty(self, writer, refusal):
        table = pa.table({"size": np.arange(5000.0), "floor": np.arange(5000)})
        writer(table, "f.parquet")
        content = Path("f.parquet").read_bytes()
        for cut in (20, len(content) // 2):
            Path("f.parquet").write_bytes(content[:cut])
            assert "truncated or damaged" in refusal("flats", "--input", "f.parquet", "--output", "out.npy")
        writer(table.slice(0, 0), "f.parquet")
        assert "f.parquet has no rows" in refusal("flats", "--input", "f.parquet", "--output", "out.npy")

    @pytest.mark.parametrize("name", ["a.parquet", "a.feather", "a.npy", "a.npz"])
    def test_of_columns_or_an_array_from_a_pipe(self, name, refusal):
        writers = {".parquet": parquet.write_table, ".feather": feather.write_feather}
        table = pa.table({"age": [40.0]})
        if name.endswith(tuple(writers)):
            writers[Path(name).suffix](table, "whole")
        else:
            np.save("whole.npy", np.ones((2, 3)))
            Path("whole.npy").rename("whole")
        content = Path("whole").read_bytes()
        os.mkfifo(name)
        threading.Thread(target=Path(name).absolute().write_bytes, args=(content,), daemon=True).start()
        assert "is a pipe or a device" in refusal("flats", "--input", name)


class TestFarDown:
    """Lines and rows are those of the file, not of the piece that they were read in."""

    @pytest.fixture(autouse=True)
    def small_pieces(self, monkeypatch):
        monkeypatch.setattr(text, "BLOCK", 1000)

    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("1,2\n", "line 5003: 2 values where the header has 4"),
            ("old,true,Rome,\n", "found 'old' in row 5001 of f.csv"),
            ("inf,true,Rome,\n", "infinite in row 5001 of f.csv"),
            ("\0,true,Rome,\n", "a zero byte is in line 5003"),
        ],
    )
    def test_in_text(self, packed, line, words, refusal):
        content = (HEADER + "\n" + ROW * 5000 + line + ROW * 5000).encode()
        Path("f.csv").write_bytes(gzip.compress(content, mtime=0) if packed else content)
        assert words in refusal("folk", "--input", "f.csv", "--output", "out.csv")

    def test_in_columns(self, refusal):
        sizes = np.ones(200_000)
        sizes[150_000] = np.inf
        parquet.write_table(pa.table({"floor": [1] * 200_000, "size": sizes}), "f.parquet")
        assert "infinite in row 150001 of f.parquet" in refusal("flats", "--input", "f.parquet", "--output", "out.csv")

    def test_in_an_array(self, monkeypatch, refusal):
        monkeypatch.setattr("linnet.inference.rows.NUMBERS", 400)
        x = np.zeros((1000, 2, 2))
        x[777, 1, 0] = np.nan
        np.save("f.npy", x)
        assert "not finite in row 778 of f.npy" in refusal("pixels", "--input", "f.npy", "--output", "out.csv")


class TestOutput:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (["--output", "out.xlsx"], "expected a name that ends in .csv, .csv.gz, .parquet"),
            (["--output", "nowhere/out.csv"], "there is no directory nowhere"),
            (["--output", "out.npy", "--id", "id"], "an array holds numbers only"),
            (["--output", "folder.csv"], "is no file that could be replaced"),
            (["--output", "f.csv"], "--output=f.csv: is the input"),
            (["--output", "link.csv"], "is the input"),
            (["--output", "copy/history.csv"], "is the history of a run"),
            (["--id", "prediction"], "--id=prediction: the predictions have a column of this name"),
        ],
    )
    def test_that_cannot_be(self, given, words, home, refusal):
        shutil.copy(home / "folk.csv", "f.csv")
        shutil.copytree(home / "folk", "copy")
        Path("folder.csv").mkdir()
        Path("link.csv").symlink_to("f.csv")
        assert words in refusal("folk", "--input", "f.csv", *given)

    @pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet", "feather", "npy"])
    def test_is_the_old_file_after_a_failure(self, ending, monkeypatch, home, refusal):
        monkeypatch.setattr(text, "BLOCK", 1000)
        Path(f"out.{ending}").write_bytes(b"old")
        Path("f.csv").write_text(HEADER + ROW * 500 + "x\n")
        assert "line 502: 1 value" in refusal("folk", "--input", "f.csv", "--output", f"out.{ending}")

    @pytest.mark.parametrize(
        ("error", "code", "words"),
        [(OSError(28, "No space left on device"), 1, "No space left"), (Interrupted(signal.SIGINT), 130, "SIGINT")],
    )
    def test_is_absent_after_a_full_disk_or_an_interrupt(self, error, code, words, home, predict, monkeypatch):
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(Csv, "close", fail)
        found = predict("folk", "--input", home / "folk.csv", "--output", "out.csv")
        assert (found[0], found[1]) == (code, b"")
        assert words in found[2]
        assert list(Path.cwd().iterdir()) == []

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
    def test_to_a_full_standard_output_is_an_error(self, home, monkeypatch, capsys):
        with open("/dev/full", "w") as full:  # noqa: PTH123
            monkeypatch.setattr(sys, "stdout", full)
            assert cli.run(["predict", str(home / "folk"), "--input", str(home / "folk.csv")]) == 1
            monkeypatch.undo()
            with pytest.raises(OSError, match="No space left"):
                full.close()

    def test_has_the_permissions_of_any_new_file(self, home, predict):
        mask = os.umask(0o027)
        try:
            assert predict("folk", "--input", home / "folk.csv", "--output", "out.csv")[0] == 0
        finally:
            os.umask(mask)
        assert Path("out.csv").stat().st_mode & 0o777 == 0o640
