"""Embeddings as people store them, in columns of lists and in tensors, through the command line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from array_runs import SOLVED, N, examples, predicted, read, train, weights, write
from pyarrow import parquet

from linnet.cli import main as cli


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run on NumPy's files."""
    folder = tmp_path_factory.mktemp("reference")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        x, y = examples()
        write(x=x.astype(np.float32), y=np.array(["cat", "dog", "zebra"])[y])
        assert train() == 0
    return folder


class TestEmbeddings:
    @pytest.fixture(autouse=True)
    def reference(self, trained, workplace):
        shutil.copytree(trained, workplace, dirs_exist_ok=True)
        self.x, self.y = np.load("x.npy"), np.load("y.npy")

    def solved(self, x: str, y: str, *options: str) -> None:
        given = [f"data.x={x}", f"data.y={y}", "hydra.run.dir=other", *SOLVED, *options]
        assert cli.run(["train", "data=arrays", *given]) == 0
        assert read("preprocessing.json", "other")["class_names"] == read("preprocessing.json")["class_names"]
        np.testing.assert_array_equal(weights("other"), weights())

    @pytest.mark.parametrize("kind", [
        pa.list_(pa.float32()), pa.list_(pa.float32(), 4), pa.large_list(pa.float64()),
    ])  # fmt: skip
    def test_in_a_column_of_lists(self, kind):
        columns = {"embedding": pa.array(list(self.x), kind), "label": pa.array(self.y).dictionary_encode()}
        parquet.write_table(pa.table(columns), "e.parquet", row_group_size=7)
        self.solved("e.parquet:embedding", "e.parquet:label")
        assert predicted("e.parquet:embedding", "other") == predicted()
        given = ["--input", "e.parquet:embedding", "--target", "e.parquet:label", "--output", "m.json"]
        assert cli.run(["evaluate", "other", *given]) == 0
        found = np.mean(np.array(predicted()) == self.y)
        assert json.loads(Path("m.json").read_text())["test/accuracy"] == pytest.approx(found)

    def test_in_several_files(self):
        for i, rows in enumerate((slice(0, 40), slice(40, N))):
            columns = {"x": list(self.x[rows]), "y": self.y[rows]}
            parquet.write_table(pa.table(columns), f"part_{i}.parquet")
        self.solved("'part_*.parquet'", "'part_*.parquet'")

    @pytest.mark.parametrize("older", [False, True])
    def test_in_tensors(self, older):
        codes = torch.from_numpy(np.searchsorted(["cat", "dog", "zebra"], self.y))
        saved = {"features": torch.from_numpy(self.x), "labels": codes, "epoch": 3}
        torch.save(saved, "e.pt", _use_new_zipfile_serialization=not older)
        torch.save(saved["features"], "x.pt", _use_new_zipfile_serialization=not older)
        given = ["data.x=x.pt", "data.y=e.pt:labels", "data.task=classification", "hydra.run.dir=other", *SOLVED]
        assert cli.run(["train", "data=arrays", *given]) == 0
        np.testing.assert_array_equal(weights("other"), weights())
        assert predicted("e.pt:features", "other") == predicted("x.npy", "other")

    def test_of_a_type_that_torch_only_has(self):
        torch.save(torch.from_numpy(self.x).bfloat16(), "x.pt")
        np.save("rounded.npy", torch.from_numpy(self.x).bfloat16().float().numpy())
        for i, x in enumerate(("x.pt", "rounded.npy")):
            assert cli.run(["train", "data=arrays", f"data.x={x}", "data.y=y.npy", f"hydra.run.dir=r{i}", *SOLVED]) == 0
        np.testing.assert_array_equal(weights("r0"), weights("r1"))

    def says(self, capsys: pytest.CaptureFixture[str], words: str, *given: str) -> None:
        capsys.readouterr()
        assert cli.run(["train", "data=arrays", "data.y=y.npy", "hydra.run.dir=refused", *SOLVED, *given]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line
        assert not Path("refused").exists()

    def test_that_cannot_be_read_are_refused_in_one_line(self, capsys):
        rows = list(self.x)
        columns = {
            "short": [row[: 3 if i == 5 else 4] for i, row in enumerate(rows)],
            "gap": [None if i == 5 else row for i, row in enumerate(rows)],
            "hole": [[None, 1.0] if i == 5 else [0.0, 1.0] for i in range(N)],
            "text": ["a"] * N,
            "words": [["a"]] * N,
        }
        parquet.write_table(pa.table(columns), "e.parquet")
        for name, words in {
            "short": "e.parquet:short has 3 numbers in row 5 (counted from 0) and 4 in the first",
            "gap": "e.parquet:gap has no value in row 5",
            "hole": "e.parquet:hole has no value in row 5",
            "text": "e.parquet:text holds <U1: expected numbers",
            "words": "e.parquet:words holds string: expected numbers, lists of numbers",
            "other": "data.x=e.parquet: no array is named other, there are gap, hole, short, text, words",
        }.items():
            self.says(capsys, words, f"data.x=e.parquet:{name}")
        torch.save(Harmless(), "x.pt")
        self.says(capsys, "x.pt holds more than tensors and is not read", "data.x=x.pt")
        torch.save({"x": 1}, "x.pt")
        self.says(capsys, "data.x=x.pt: there are no arrays in this file", "data.x=x.pt")
        Path("x.pt").write_bytes(b"no tensor")
        self.says(capsys, "x.pt", "data.x=x.pt")
        torch.save(torch.zeros(40_000, 10), "x.pt")
        np.save("many.npy", np.arange(40_000) % 2)
        given = ("data.x=x.pt", "data.y=many.npy", "data.max_memory_mb=1")
        self.says(capsys, "x.pt can be read as a whole only, but the examples take 2 MiB", *given)
        torch.save(torch.zeros(N), "y.pt")
        self.says(capsys, "data.y=y.pt: whether it holds classes or numbers", "data.x=x.npy", "data.y=y.pt")


class Harmless:
    """Needs unpickling that runs code of the file."""
