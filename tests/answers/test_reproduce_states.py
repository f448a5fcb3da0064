"""Every number that a finished run states is held against the run made again: a change of any is named."""

import shutil

import pytest
from safetensors import safe_open
from safetensors.torch import save_file

import linnet
from linnet.reproduction import run as again
from linnet.reproduction.run import reproduce_run
from linnet.system.files import write_json
from linnet.system.reading import read_json
from linnet.tracking import manifest


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run with standard errors, and the same run made again."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "git_state", lambda folder: None)
        words = ("data=diabetes", "optimizer=exact", "threads=1", "figures=false")
        linnet.train([f"hydra.run.dir={folder / 'run'}", *words])
        linnet.train([f"hydra.run.dir={folder / 'again'}", *words])
    return folder


@pytest.fixture
def run(runs, tmp_path, monkeypatch):
    """A copy to be changed; what is run again is the second of `runs`."""

    def copied(saved, directory):
        shutil.copytree(runs / "again", directory, dirs_exist_ok=True)

    monkeypatch.setattr(again, "run_again", copied)
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(runs / "run", tmp_path / "run")


def scale_std_errors(run):
    path = run / "optimum.safetensors"
    with safe_open(path, "pt") as file:
        tensors, words = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    save_file({**tensors, "std_errors": tensors["std_errors"] * 0.1}, path, metadata=words)


def test_untouched_is_identical(run):
    report = reproduce_run(run)
    assert (report.verdict, report.faults) == ("identical", {})


def test_standard_errors(run):
    scale_std_errors(run)
    report = reproduce_run(run)
    assert report.verdict == "different"
    assert {"optimum.safetensors", "optimum std_errors"} <= set(report.different)


def test_standard_errors_of_a_run_without_hashes(run):
    scale_std_errors(run)
    record = read_json(run / "manifest.json")
    del record["files_sha256"]
    write_json(run / "manifest.json", record)
    assert reproduce_run(run).different == ["optimum std_errors"]


@pytest.mark.parametrize("key", ["checksum", "setting", "seed"])
def test_manifest(key, run):
    record = read_json(run / "manifest.json")
    if key == "checksum":
        record["data_checksum"] = record["data_checksum"][:-1] + ("0" if record["data_checksum"][-1] != "0" else "1")
    elif key == "setting":
        record["config"]["penalty"] = {"_target_": "another"}
    else:
        record["seed"] += 1
    write_json(run / "manifest.json", record)
    report = reproduce_run(run)
    assert report.verdict == "different"
    assert "manifest.json" in report.faults
