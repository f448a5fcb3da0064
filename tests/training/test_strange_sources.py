"""Files that the configuration of somebody else's run names: shown, read, and never made or fetched."""

import gzip
import hashlib
import shutil
from pathlib import Path

import pytest
from idx_files import write_random_images

import linnet
from linnet.cli import main as cli
from linnet.data.sources import images
from linnet.tracking.checkpoint_file import LAST

COMMANDS = ("evaluate run", "reproduce run", "resume run trainer.max_epochs=2", "compare run --figures")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    raw, packed = folder / "mine" / "MNIST" / "raw", folder / "packed" / "MNIST" / "raw"
    write_random_images(raw)
    packed.mkdir(parents=True)
    for path in raw.iterdir():
        (packed / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1, mtime=0))
    words = ["data=mnist", f"data.root={folder}/mine", "figures=false", "trainer.max_epochs=1", "optimum=off"]
    linnet.train([*words, "data.batch_size=6000", "model.n_outputs=10", f"hydra.run.dir={folder}/run"])
    assert (folder / "run" / "checkpoints" / LAST).exists()
    return folder


@pytest.fixture
def run(trained, workplace):
    """The run, whose configuration names the directory `victim` in the place of its own."""
    shutil.copytree(trained / "run", "run")
    config = Path("run/.hydra/config.yaml")
    config.write_text(config.read_text().replace(f"{trained}/mine", "victim"))
    assert "root: victim" in config.read_text()
    return Path("run")


@pytest.fixture
def downloads(monkeypatch):
    """The names of all sets that were to be downloaded."""
    asked = []
    monkeypatch.setattr(images, "_download", lambda name, folder: asked.append(name))
    return asked


def contents(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_directory_without_the_data_is_refused_and_not_filled(run, command, downloads, capsys):
    Path("victim").mkdir()
    Path("victim/precious").write_text("precious")
    assert cli.run(command.split()) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("linnet: MNIST is not on this machine")
    assert contents(Path("victim")) == {"victim/precious": hashlib.sha256(b"precious").hexdigest()}
    assert not downloads


@pytest.mark.parametrize("command", COMMANDS)
def test_packed_files_are_read_and_not_unpacked_beside(run, trained, command, downloads, capsys):
    shutil.copytree(trained / "packed", "victim")
    before = contents(Path("victim"))
    assert cli.run(command.split()) == 0
    output, errors = capsys.readouterr()
    assert contents(Path("victim")) == before
    assert not downloads
    if not command.startswith("compare"):
        assert "reads data.root=victim, as the configuration of the run says" in output + errors
