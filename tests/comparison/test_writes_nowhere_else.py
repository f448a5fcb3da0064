"""`linnet compare` of directories that somebody else made changes nothing outside them."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from linnet.cli import main as cli
from linnet.comparison.board_folder import FORMER
from linnet.system.writing import safe_name


@pytest.fixture
def victim(workplace):
    """A directory of decoys, which must be as it was, byte by byte."""
    folder = Path("victim")
    (folder / "tensorboard" / "deep").mkdir(parents=True)
    for name in ("a.png", "learning_curves.png", "figures.json", "tensorboard/deep/x", "bashrc"):
        (folder / name).write_text(f"precious {name}")
    before = contents(folder)
    yield folder
    assert contents(folder) == before


def contents(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def make_run(folder: Path, loss: float, override: str = "optimizer.lr=0.1") -> None:
    (folder / ".hydra").mkdir(parents=True)
    (folder / "status.json").write_text(json.dumps({"state": "completed", "seconds": 1.0}))
    (folder / "metrics.json").write_text(json.dumps({"val/loss": loss, "train/loss": loss}))
    value = override.partition("=")[2]
    config = {"optimizer": {"lr": float(value)}, "objective": {"metric": "val/loss", "direction": None}}
    (folder / "manifest.json").write_text(json.dumps({"config": config, "choices": {}}))
    (folder / ".hydra" / "overrides.yaml").write_text(f"- {json.dumps(override)}\n")
    (folder / "history.csv").write_text("metric,step,value\nval/loss,1,2.0\nval/loss,2,1.0\n")


def make_sweep(override: str = "optimizer.lr={}") -> Path:
    for k, value in enumerate((0.1, 0.2)):
        make_run(Path("sweep") / str(k), 1.0 + k, override.format(value))
    return Path("sweep")


def test_a_link_in_the_place_of_its_folder_is_refused(victim, capsys):
    sweep = make_sweep()
    (sweep / "comparison").symlink_to("../victim")
    assert cli.run(["compare", "sweep"]) == 2
    assert "not a folder of linnet's own (a link or a file): remove it" in capsys.readouterr().err


def test_links_in_the_place_of_its_files_are_replaced_and_not_followed(victim):
    sweep = make_sweep()
    (sweep / "comparison").mkdir()
    for name in ("comparison/learning_curves.png", "comparison/val_loss_against_optimizer.lr.png", "summary.csv"):
        (sweep / name).symlink_to(os.path.relpath(victim / "bashrc", (sweep / name).parent))
    assert cli.run(["compare", "sweep"]) == 0
    assert not any(path.is_symlink() for path in (sweep / "comparison").glob("*.png"))


def test_a_link_in_the_place_of_its_lock_is_refused_and_not_followed(victim, capsys):
    sweep = make_sweep()
    assert cli.run(["compare", "sweep", "--no-figures"]) == 0
    path = sweep / "comparison" / ".lock"
    path.unlink()
    path.symlink_to("../../victim/bashrc")
    assert cli.run(["compare", "sweep", "--no-figures"]) == 2
    assert f"{path} is a link, and linnet writes into files of its own only: remove it" in capsys.readouterr().err


def test_a_key_that_is_a_path_stays_inside(victim):
    sweep = make_sweep("../../../victim/a={}")
    assert cli.run(["compare", "sweep"]) == 0
    assert all(path.resolve().is_relative_to(sweep.resolve()) for path in sweep.rglob("*"))


def test_a_list_of_former_figures_removes_nothing_else(victim):
    sweep = make_sweep()
    (sweep / "comparison").mkdir()
    (sweep / "comparison" / "figures.json").write_text(json.dumps(["../../victim/a.png", "/etc/hosts", "old.png", 5]))
    (sweep / "comparison" / "old.png").write_bytes(b"x")
    assert cli.run(["compare", "sweep"]) == 0
    assert not (sweep / "comparison" / "old.png").exists()


@pytest.mark.parametrize("content", ["", "{", "5", "null", '{"a": 1}', "[" * 100_000])
def test_a_list_of_former_figures_that_is_damaged_is_none(victim, content):
    sweep = make_sweep()
    (sweep / "comparison").mkdir()
    (sweep / "comparison" / "figures.json").write_text(content)
    assert cli.run(["compare", "sweep"]) == 0
    assert "learning_curves.png" in json.loads((sweep / "comparison" / "figures.json").read_text())


@pytest.mark.parametrize("mine", [True, False])
def test_of_a_former_overview_only_its_own_is_removed(victim, mine):
    """Earlier versions wrote the runs a second time, for TensorBoard."""
    sweep = make_sweep()
    overview = sweep / "comparison" / "tensorboard"
    (overview / "optimizer.lr=0.1").mkdir(parents=True)
    (overview / "optimizer.lr=0.1" / FORMER).write_bytes(b"")
    (overview / "optimizer.lr=0.1" / "linked").symlink_to("../../../../victim/bashrc")
    if mine:
        (overview / "mine").mkdir()
        (overview / "mine" / "notes").write_text("mine")
        (overview / "elsewhere").symlink_to("../../../victim")
    assert cli.run(["compare", "sweep"]) == 0
    assert sorted(path.name for path in overview.glob("*")) == (["elsewhere", "mine"] if mine else [])
    assert overview.exists() == mine


def test_an_overview_that_is_a_link_stays(victim):
    sweep = make_sweep()
    (sweep / "comparison").mkdir()
    (sweep / "comparison" / "tensorboard").symlink_to("../../victim")
    assert cli.run(["compare", "sweep"]) == 0


@pytest.mark.parametrize("name", ["../x", "/x", ".", "..", "", ".hidden", "a\x00b", "a/b", "\u202ex", "é" * 300])
def test_names_are_of_a_safe_alphabet(name):
    safe = safe_name(name)
    assert safe and "/" not in safe and not safe.startswith(".") and safe.isprintable() and len(safe.encode()) <= 200
