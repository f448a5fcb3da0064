"""A completed run whose files are not what it wrote is refused, named, and only read if that is accepted."""

import json
import shutil
from pathlib import Path

import pytest

import linnet
from linnet.cli import main as cli
from linnet.system.errors import InputError
from linnet.system.reading import read_json
from linnet.tracking.manifest_file import changes_accepted, check_unchanged

FILES = ("weights.safetensors", "preprocessing.json", "optimum.safetensors")
COMMANDS = ("inspect run", "predict run --input x.npy --output out.csv", "evaluate run",
            "export run --format json --output out.json")  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    linnet.train(["data=diabetes", "optimizer=exact", "figures=false", f"hydra.run.dir={folder / 'run'}"])
    return folder / "run"


@pytest.fixture
def run(trained, workplace):
    shutil.copytree(trained, "run")
    return Path("run")


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-2 if path.suffix == ".json" else -1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_refused_by_every_command(run, name, command, capsys):
    flip_a_bit(run / name)
    before = sorted(Path().rglob("*"))
    assert cli.run(command.split()) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"linnet: run/{name} was changed since the run wrote it")
    assert message.count("\n") == 1 and "--accept-changed" in message
    assert sorted(Path().rglob("*")) == before


def test_it_is_accepted_on_request(run, capsys):
    flip_a_bit(run / "weights.safetensors")
    assert cli.run(["evaluate", "run", "--accept-changed"]) == 0
    capsys.readouterr()
    assert cli.run(["evaluate", "run"]) == 2  # the next command is not told so


def test_weights_that_are_another_file_of_the_run_are_refused(run, capsys):
    shutil.copy(run / "optimum.safetensors", run / "weights.safetensors")
    assert cli.run(["inspect", "run"]) == 2
    assert "weights.safetensors was changed" in capsys.readouterr().err


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_is_named(run, name):
    (run / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing: restore it"):
        check_unchanged(run, FILES)


def test_a_file_that_the_run_did_not_write_is_refused(run):
    shutil.copy(run / "weights.safetensors", run / "initial_weights.safetensors")
    with pytest.raises(InputError, match="is not listed in manifest"):
        check_unchanged(run, ["initial_weights.safetensors"])


class TestManifest:
    @pytest.mark.parametrize("change", [{"seed": 5}, {"files_sha256": {}}, {"more": None}])
    def test_that_was_edited_is_refused(self, run, change):
        content = read_json(run / "manifest.json")
        (run / "manifest.json").write_text(json.dumps(content | change))
        with pytest.raises(InputError, match=r"manifest.json was changed since the run wrote it"):
            check_unchanged(run, FILES)

    def test_whose_spaces_alone_differ_is_the_same(self, run):
        (run / "manifest.json").write_text(json.dumps(read_json(run / "manifest.json")))
        check_unchanged(run, FILES)

    @pytest.mark.parametrize(
        "text", ["", "[]", "{}", '{"files_sha256": 1}', '{"files_sha256": {}, "manifest_sha256": 1}']
    )
    def test_that_is_damaged_is_refused(self, run, text):
        (run / "manifest.json").write_text(text)
        with pytest.raises(InputError, match=r"manifest.json(: .+ is 1, expected| is damaged| was changed)"):
            check_unchanged(run, FILES)

    def test_that_is_gone_is_named(self, run):
        (run / "manifest.json").unlink()
        with pytest.raises(InputError, match=r"manifest.json is missing"):
            check_unchanged(run, FILES)
        with changes_accepted():
            check_unchanged(run, FILES)


def test_metrics_that_were_edited_are_not_ranked(run, capsys):
    metrics = read_json(run / "metrics.json")
    (run / "metrics.json").write_text(json.dumps(metrics | {"val/loss": 0.0}))
    cli.run(["compare", "run"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "changed: all runs: metrics.json or manifest.json was changed since the run wrote it" in printed
    assert "chosen by" not in printed
