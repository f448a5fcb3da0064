"""Files that were made to grow to gigabytes take neither memory nor time."""

import gzip
import os
import shutil
from pathlib import Path

import pytest
from damaged import refusal
from verdicts import resident

from linnet.system.errors import InputError
from linnet.system.reading import sha256
from linnet.tracking.history import read_history


def test_a_file_that_has_grown_is_hashed_in_little_resident(tmp_path):
    (tmp_path / "a").touch()
    os.truncate(tmp_path / "a", 2**29)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    sha256(tmp_path / "a")
    assert resident("VmHWM") - before < 2**26


def test_tensors_and_checkpoints_that_have_grown_are_not_read(files, capsys):
    for name in ("run/weights.safetensors", "stopped/checkpoints/last.ckpt", "stopped/checkpoints/previous.ckpt"):
        os.truncate(files / name, 2**33)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    assert "by its header" in refusal(capsys, "predict", "run", "--input", "x.csv", "--accept-changed")
    assert "last.ckpt is damaged" in refusal(capsys, "resume", "stopped")
    assert resident("VmHWM") - before < 2**27


def test_zeros_after_a_compressed_table_are_refused_at_once(table, workplace, capsys):
    shutil.copytree(table, workplace, dirs_exist_ok=True)
    Path("a.csv.gz").write_bytes(gzip.compress(Path("houses.csv").read_bytes()))
    os.truncate("a.csv.gz", 2**32)
    assert "it ends in zeros" in refusal(capsys, "predict", "run", "--input", "a.csv.gz", "--output", "o.csv")


def test_a_history_that_has_grown_takes_little_resident(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("metric,step,value\nval/loss,1,2.0\nval/loss,2,1.0\nval/lo")
    assert read_history(path)["val/loss"] == ([1, 2], [2.0, 1.0])
    os.truncate(path, 2**30)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    with pytest.raises(InputError, match="a line of more than"):
        read_history(path)
    assert resident("VmHWM") - before < 2**26
