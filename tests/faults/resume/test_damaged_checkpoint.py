"""`linnet resume` from checkpoints and logs that are damaged or gone: from the one before, or refused."""

import os
import random
import shutil
import zipfile

import pytest
import torch
from interrupted_run import FAMILIES, INTERRUPTED, flipped, interrupt, one_line, resume, status

from linnet.tracking import checkpoint_file
from linnet.tracking.checkpoint_file import Damaged, load
from linnet.tracking.events import PATTERN


class TestDamagedCheckpoint:
    def test_of_any_cut_and_any_flipped_bit_is_noticed(self, run):
        path, rng = run / "checkpoints" / "last.ckpt", random.Random(0)
        content = path.read_bytes()
        cuts = [content[:length] for length in rng.sample(range(len(content)), 100)]
        flips = [flipped(content, place, rng.randrange(8)) for place in rng.sample(range(len(content)), 500)]
        for altered in (*cuts, *flips, content + b" ", b""):
            path.write_bytes(altered)
            with pytest.raises(Damaged):
                load(path)
        path.write_bytes(content)
        load(path)

    def test_can_be_read_by_others(self, run):
        path = run / "checkpoints" / "last.ckpt"
        assert torch.load(path, weights_only=True).keys() == load(path).keys()
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None

    @pytest.mark.parametrize("part", [0.0, 0.3, 0.8, 0.999])
    def test_cut_short_falls_back_to_the_previous(self, part, run, finished, compare, capsys):
        path = run / "checkpoints" / "last.ckpt"
        os.truncate(path, int(part * path.stat().st_size))
        assert resume(run) == 0
        printed = capsys.readouterr().out
        assert "last.ckpt is damaged" in printed
        assert "going on from previous.ckpt" in printed
        assert "going on after step 19" in printed
        compare(run, finished)

    def test_with_a_flipped_bit_falls_back_to_the_previous(self, run, finished, compare, capsys):
        path = run / "checkpoints" / "last.ckpt"
        content = path.read_bytes()
        weight = load(path)["state_dict"]["weight"].numpy().tobytes()
        path.write_bytes(flipped(content, content.index(weight) + 1, 3))
        assert resume(run) == 0
        assert "last.ckpt is damaged" in capsys.readouterr().out
        compare(run, finished)

    def test_missing_falls_back_to_the_previous(self, run, finished, compare):
        (run / "checkpoints" / "last.ckpt").unlink()
        assert resume(run) == 0
        compare(run, finished)

    def test_does_not_replace_the_previous_good_one(self, run, finished, compare, monkeypatch):
        # Killed between the two renames of the next checkpoint, the run must still have one to go on with.
        path = run / "checkpoints" / "last.ckpt"
        path.write_bytes(path.read_bytes()[:-9])

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(checkpoint_file, "save", killed)
            assert resume(run) == INTERRUPTED
        assert resume(run) == 0
        compare(run, finished)

    def test_and_previous_are_kept_where_there_are_no_links(self, finished, compare, tmp_path, monkeypatch):
        def refused(*_: object) -> None:
            raise PermissionError("no links on this file system")

        monkeypatch.setattr(os, "link", refused)
        interrupt(tmp_path / "run", 22, *FAMILIES["momentum"])
        folder = tmp_path / "run" / "checkpoints"
        assert load(folder / "previous.ckpt")["linnet"]["steps_done"] == 19
        (folder / "last.ckpt").write_bytes(b"")
        assert resume(tmp_path / "run") == 0
        compare(tmp_path / "run", finished)

    def test_without_a_previous_one_is_refused(self, run, capsys):
        before = status(run)
        for name in ("last", "previous"):
            (run / "checkpoints" / f"{name}.ckpt").write_bytes(b"PK\3\4 and no more")
        history = (run / "history.csv").read_bytes()
        assert resume(run) == 2
        line = one_line(capsys)
        assert "last.ckpt is damaged" in line
        assert "previous.ckpt is damaged" in line
        assert "to begin again" in line
        assert status(run)["state"] == before["state"]
        assert (run / "history.csv").read_bytes() == history

    def test_removed_begins_anew(self, run, finished, compare, capsys):
        shutil.rmtree(run / "checkpoints")
        assert resume(run) == 0
        assert "from the beginning" in capsys.readouterr().out
        compare(run, finished)

    @pytest.mark.parametrize("pattern", ["history.csv", PATTERN])
    def test_log_file_missing_is_refused(self, pattern, run, capsys):
        next(run.glob(pattern)).unlink()
        assert resume(run) == 2
        assert "is shorter than when the checkpoint was written" in one_line(capsys)

    def test_log_file_cut_falls_back_to_the_previous(self, run, finished, compare, capsys):
        # As a power failure may leave it on a file system that keeps no order.
        size = load(run / "checkpoints" / "previous.ckpt")["linnet"]["position"]["history.csv"]
        os.truncate(run / "history.csv", size + 3)
        assert resume(run) == 0
        assert "history.csv is shorter" in capsys.readouterr().out
        compare(run, finished)
