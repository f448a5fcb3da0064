"""`linnet resume` in a directory that a stranger has made: it runs none of his code and touches no other file."""

import hashlib
import io
import os
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from interrupted_run import flipped, one_line, resume, status
from omegaconf import OmegaConf

from linnet.system.errors import InputError
from linnet.tracking import checkpoint_file
from linnet.tracking.checkpoint_file import load, save
from linnet.tracking.events import PATTERN


class Planted:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def altered(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a checkpoint as its author could."""
    checkpoint = load(path)
    change(checkpoint)
    save(path, checkpoint)


class TestStrangers:
    @pytest.mark.parametrize("kind", ["by torch", "raw", "in the old format", "with a checksum", "beside the numbers"])
    def test_planted_pickle_is_refused(self, kind, run, tmp_path, capsys):
        planted, last = Planted(tmp_path / "executed"), run / "checkpoints" / "last.ckpt"
        write = {
            "by torch": lambda: torch.save(planted, last),
            "raw": lambda: last.write_bytes(pickle.dumps(planted)),
            "in the old format": lambda: torch.save(planted, last, _use_new_zipfile_serialization=False),
            "with a checksum": lambda: save(last, planted),
            "beside the numbers": lambda: save(last, {**load(last), "extra": planted}),
        }
        write[kind]()
        (run / "checkpoints" / "previous.ckpt").unlink()
        pickle.loads(pickle.dumps(Planted(tmp_path / "works")))
        assert (tmp_path / "works").exists()
        assert resume(run) == 2
        assert ("it holds more than numbers" if "check" in kind or "beside" in kind else "damaged") in one_line(capsys)
        assert not (tmp_path / "executed").exists()
        assert status(run)["state"] == "interrupted"

    def test_garbage_with_a_checksum_is_refused(self, run):
        # The pickle of a stranger's checkpoint, altered at random.
        path, rng = run / "checkpoints" / "last.ckpt", random.Random(0)
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        (name,) = [name for name in parts if name.endswith("data.pkl")]
        for _ in range(150):
            data = flipped(parts[name], rng.randrange(len(parts[name])), rng.randrange(8))
            data = data[: rng.randrange(len(data))] if rng.random() < 0.2 else data
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                for other, text in parts.items():
                    archive.writestr(other, data if other == name else text)
            content = buffer.getvalue()[:-2]
            path.write_bytes(content + checkpoint_file.COMMENT + hashlib.sha256(content).hexdigest().encode())
            with suppress(InputError):  # and nothing else
                load(path)

    @pytest.mark.parametrize(
        "change",
        [
            lambda saved: saved["linnet"].clear(),
            lambda saved: saved.update(linnet=3),
            lambda saved: saved.update(state_dict={}),
            lambda saved: saved["state_dict"].update(weight=torch.zeros(1, 7, 7)),
            lambda saved: saved["linnet"].update(steps_done="many"),
            lambda saved: saved["linnet"].update(steps_done=-3),
            lambda saved: saved["linnet"].update(steps_done=10**30),
            lambda saved: saved["linnet"].update(epoch_loss=None),
            lambda saved: saved["linnet"].update(optimizer=None),
            lambda saved: saved["linnet"].update(optimizer={"velocity": [torch.zeros(2)]}),
            lambda saved: saved["linnet"].update(position=None),
            lambda saved: saved["linnet"].update(position={"history.csv": -5}),
            lambda saved: saved["linnet"].update(position={"history.csv": "5"}),
            lambda saved: saved.update(callbacks={}),
            lambda saved: saved.update(callbacks=[1]),
            lambda saved: next(iter(saved["callbacks"].values())).clear(),
        ],
    )  # fmt: skip
    def test_other_content_is_refused_in_one_line(self, change, run, capsys):
        altered(run / "checkpoints" / "last.ckpt", change)
        assert resume(run) == 2
        assert "checkpoint" in one_line(capsys)
        assert status(run)["state"] == "interrupted"

    @pytest.mark.parametrize(
        "name", ["history.csv", "events", "checkpoints", "train.log", ".lock", "status.json", "manifest.json", "new"]
    )
    def test_link_out_of_the_directory_is_refused(self, name, run, tmp_path, capsys):
        path = next(run.glob(PATTERN)) if name == "events" else run / name
        outside = tmp_path / "outside"
        if path.exists():
            shutil.move(path, outside)
        else:
            outside.write_bytes(b"mine")
        path.symlink_to(outside)
        before = contents(outside)
        assert resume(run) == 2
        assert f"{path} leads out of the run directory" in one_line(capsys)
        assert contents(outside) == before

    @pytest.mark.parametrize("name", ["history.csv", ".hydra/config.yaml", "checkpoints/last.ckpt", "else"])
    def test_pipe_is_refused(self, name, run, capsys):
        (run / name).unlink(missing_ok=True)
        os.mkfifo(run / name)
        assert resume(run) == 2
        assert f"{run / name} is neither a file nor a directory" in one_line(capsys)

    @pytest.mark.parametrize("size", [0, -1, 2])
    def test_position_of_a_file_outside_leaves_it_alone(self, size, run, tmp_path, capsys):
        outside = tmp_path / "outside.csv"
        outside.write_bytes(b"mine")
        for name in ("last", "previous"):
            altered(
                run / "checkpoints" / f"{name}.ckpt",
                lambda saved: saved["linnet"]["position"].update({"../outside.csv": size, str(outside): size}),
            )
        assert resume(run) == 2
        assert "checkpoint" in one_line(capsys)
        assert outside.read_bytes() == b"mine"

    @pytest.mark.parametrize(
        "handler",
        [
            {"class": "logging.FileHandler", "filename": "OUTSIDE"},
            {"class": "logging.FileHandler", "filename": "${hydra:runtime.output_dir}/../outside"},
            {"class": "logging.FileHandler", "filename": "OUTSIDE", "mode": "w"},
            {"class": "logging.FileHandler", "filename": "${hydra:runtime.output_dir}/x.log", "delay": True,
             ".": {"baseFilename": "OUTSIDE"}},
        ],
    )  # fmt: skip
    def test_log_file_outside_is_left_alone(self, handler, run, tmp_path):
        outside = tmp_path / "outside"
        outside.write_bytes(b"mine")
        hydra = OmegaConf.load(run / ".hydra" / "hydra.yaml")
        planted = OmegaConf.create(str(handler).replace("OUTSIDE", str(outside)))
        hydra.hydra.job_logging.handlers.planted = planted
        hydra.hydra.job_logging.root.handlers = ["console", "planted"]
        OmegaConf.save(hydra, run / ".hydra" / "hydra.yaml")
        assert resume(run) == 2
        assert outside.read_bytes() == b"mine"


def contents(path: Path) -> dict[Path, bytes]:
    """Of a file, or of all files below a directory."""
    return {file: file.read_bytes() for file in (path, *path.rglob("*")) if file.is_file()}
