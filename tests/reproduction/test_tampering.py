"""Files of a run that are not what the run wrote: named, however little was changed."""

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from linnet.reproduction import run as again
from linnet.reproduction.run import reproduce_run
from linnet.reproduction.saved_files import SavedFiles
from linnet.system.reading import read_json


@pytest.fixture(scope="module")
def once(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What running `digits` again gives."""
    return reproduce_run(digits, place=tmp_path_factory.mktemp("once") / "fresh").directory


@pytest.fixture(autouse=True)
def _trained_only_once(once: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fresh run of this module is that one."""

    def copied(saved: Any, directory: Path) -> None:
        shutil.copytree(once, directory, dirs_exist_ok=True)

    monkeypatch.setattr(again, "run_again", copied)


def flip(path: Path, byte: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= 1 << bit
    path.write_bytes(content)


def header_size(path: Path) -> int:
    """Bytes before the numbers: eight of the header's length, and the header."""
    (length,) = struct.unpack("<Q", path.read_bytes()[:8])
    return 8 + length


class TestWeights:
    @pytest.mark.parametrize("place", ["last", "first", "name", "length", "shape"])
    def test_one_bit(self, place, run, answer):
        path = run / "weights.safetensors"
        start = header_size(path)
        shape = path.read_bytes().index(b"[10")
        byte = {"last": -1, "first": start, "name": path.read_bytes().index(b"weight"), "length": 0, "shape": shape + 2}
        flip(path, byte[place])
        code, output, _ = answer(run)
        assert code == 1
        assert "weights.safetensors was changed after the run ended" in output
        assert output.splitlines()[-1].startswith("different: weights.safetensors")

    def test_no_bit_of_the_header_is_too_much_for_the_reader(self, run):
        path = run / "weights.safetensors"
        content = path.read_bytes()
        unread = 0
        for byte in range(header_size(path)):
            for bit in (0, 5):
                flip(path, byte, bit)
                files = SavedFiles(run)
                unread += files.weights is None
                assert (files.weights is None) == ("weights.safetensors" in files.faults)
                path.write_bytes(content)
        assert unread > 50

    def test_of_not_a_number(self, run, edit):
        edit(run / "manifest.json", files_sha256=None, weights_sha256=None, cpu="another")
        path = run / "weights.safetensors"
        path.write_bytes(path.read_bytes()[:-4] + struct.pack("<f", float("nan")))
        assert reproduce_run(run).different == ["weights"]

    def test_in_a_file_of_other_bytes(self, run, edit):
        edit(run / "manifest.json", files_sha256=None)
        path = run / "weights.safetensors"
        save_file(load_file(path), path, metadata={"by": "someone else"})
        assert reproduce_run(run).different == ["weights"]
        edit(run / "manifest.json", cpu="another")
        assert reproduce_run(run).verdict == "identical"

    def test_that_are_missing(self, run, answer):
        (run / "weights.safetensors").unlink()
        code, output, _ = answer(run)
        assert code == 1
        assert "weights.safetensors is missing" in output

    def test_are_held_against_their_own_hash_where_the_file_s_is_not_recorded(self, run, edit):
        edit(run / "manifest.json", files_sha256=None, cpu="another")
        flip(run / "weights.safetensors", -4)  # the last bit of a mantissa: well within tolerance
        report = reproduce_run(run)
        assert report.different == ["weights.safetensors"]
        assert "do not have the hash in manifest.json" in report.faults["weights.safetensors"]


class TestMetrics:
    @pytest.mark.parametrize("factor", [1 + 2**-52, 1.1])
    @pytest.mark.parametrize("cpu", ["another", None])
    def test_edited_by_little_and_by_much(self, factor, cpu, run, edit, answer):
        edit(run / "manifest.json", cpu=cpu or read_json(run / "manifest.json")["cpu"])
        edit(run / "metrics.json", **{"test/nll": read_json(run / "metrics.json")["test/nll"] * factor})
        code, output, _ = answer(run)
        assert code == 1
        assert "metrics.json was changed after the run ended: " in output
        assert "test/nll" in output.split("changed after the run ended: ")[1].splitlines()[0]
        assert output.splitlines()[-1].startswith("different: metrics.json")

    def test_the_edited_figure_comes_first(self, run, edit):
        edit(run / "metrics.json", **{"test/accuracy": 0.99})
        report = reproduce_run(run)
        assert report.faults == {"metrics.json": "was changed after the run ended: test/accuracy"}
        assert report.different == ["metrics.json", "test/accuracy"]

    def test_spaces_are_a_change_too(self, run):
        path = run / "metrics.json"
        path.write_text(path.read_text() + " ")
        report = reproduce_run(run)
        assert report.verdict == "different"
        assert "but what it says is what came out here" in report.faults["metrics.json"]

    @pytest.mark.parametrize("value", [None, "0.9", True, [0.9], {}, 10**400])
    def test_that_are_no_numbers(self, value, run):
        path = run / "metrics.json"
        path.write_text(json.dumps({**read_json(path), "test/accuracy": value}))
        report = reproduce_run(run)
        assert {"metrics.json", "test/accuracy"} <= set(report.different)

    def test_that_no_run_has(self, run, edit):
        edit(run / "metrics.json", **{"test/luck": 1.0})
        assert "test/luck" in reproduce_run(run).different


class TestHistory:
    def test_edited(self, run, answer):
        path = run / "history.csv"
        lines = path.read_text().splitlines()
        name, step, value = lines[20].split(",")
        lines[20] = f"{name},{step},{float(value) * 2!r}"
        path.write_text("\n".join(lines) + "\n")
        code, output, _ = answer(run)
        assert code == 1
        assert "history.csv was changed after the run ended: 1 of" in output
        assert output.splitlines()[-1] == "different: history.csv, history"

    def test_with_a_point_less(self, run):
        path = run / "history.csv"
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines[:10], *lines[11:]]) + "\n")
        assert "other points" in reproduce_run(run).faults["history.csv"]

    @pytest.mark.parametrize(
        "content", [b"", b"\xff\xfe", b"metric,step,value\na,b,c\n", b"metric\nx\n", b"a\x00b\nc\n"]
    )
    def test_damaged(self, content, run):
        (run / "history.csv").write_bytes(content)
        assert {"history.csv", "history"} <= set(reproduce_run(run).different)


class TestManifest:
    def test_without_hashes_of_files_is_accepted(self, run, edit, answer):
        edit(run / "manifest.json", files_sha256=None)
        code, output, _ = answer(run)
        assert code == 0
        assert output.splitlines()[-1] == "identical"

    def test_without_hashes_still_promises_every_bit(self, run, edit):
        edit(run / "manifest.json", files_sha256=None)
        accuracy = read_json(run / "metrics.json")["test/accuracy"]
        edit(run / "metrics.json", **{"test/accuracy": accuracy * (1 + 1e-9)})
        assert reproduce_run(run).different == ["test/accuracy"]
        edit(run / "manifest.json", cpu="another")
        assert reproduce_run(run).different == []

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
    def test_damaged_is_named(self, content, run, answer):
        (run / "manifest.json").write_bytes(content)
        code, output, _ = answer(run)
        assert code == 1
        assert "manifest.json is damaged" in output
        assert output.splitlines()[-1] == "different: manifest.json"

    @pytest.mark.parametrize(
        "key", ["git", "packages", "files_sha256", "resumed", "config", "config_sha256", "threads"]
    )
    @pytest.mark.parametrize("value", [1.5, "text", [1, {}], {"a": [1]}])
    def test_of_other_types_is_no_traceback(self, key, value, run, edit):
        edit(run / "manifest.json", **{key: value})
        assert reproduce_run(run).verdict in ("identical", "different")

    def test_missing_is_named(self, run):
        (run / "manifest.json").unlink()
        report = reproduce_run(run)
        assert report.different == ["manifest.json"]
        assert list(report.environment) == ["manifest"]


class TestConfiguration:
    def test_changed_is_named_with_its_keys(self, run, answer):
        path = run / ".hydra/config.yaml"
        text = path.read_text()
        assert "lr: 0.1" in text
        path.write_text(text.replace("lr: 0.1", "lr: 0.2"))
        code, output, _ = answer(run)
        assert code == 1
        assert ".hydra/config.yaml is not what the run began with: optimizer.lr 0.1 → 0.2" in output
        assert output.splitlines()[-1].startswith("different: .hydra/config.yaml")

    def test_of_another_hash_is_named(self, run, edit):
        edit(run / "manifest.json", config_sha256="0" * 64)
        assert "the hash of it in manifest.json is another" in reproduce_run(run).faults[".hydra/config.yaml"]
