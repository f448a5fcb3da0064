"""Every benchmark can be started; what it measures is for `make bench`."""

import runpy
import sys
from pathlib import Path

import pytest

import linnet

SHARED = "side_by_side"
FILES = sorted(Path(__file__).parent.glob("*.py"))
SCRIPTS = [path for path in FILES if path.stem != SHARED and not path.name.startswith("test_")]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_answers_help(script, monkeypatch, capsys):
    monkeypatch.syspath_prepend(script.parent)
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage:")


def test_named_sections_are_written_anew_and_others_kept(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    names = runpy.run_path(str(Path(__file__).parent / "run_all.py"))
    monkeypatch.setitem(names["main"].__globals__, "run", lambda name: (0, f"## {name}\n\nnew\n"))
    results = tmp_path / "RESULTS.md"
    results.write_text("# Benchmarks\n\n## epoch\n\nold\n\n## sweep\n\nold\n")
    monkeypatch.setattr(sys, "argv", ["run_all.py", "sweep", "scale", "--output", str(results)])
    with pytest.raises(SystemExit) as ended:
        names["main"]()
    assert ended.value.code == 0
    assert results.read_text().split("## ")[1:] == ["epoch\n\nold\n\n", "scale\n\nnew\n\n", "sweep\n\nnew\n"]


def test_resilience_can_be_left_out(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    names = runpy.run_path(str(Path(__file__).parent / "resilience.py"))
    words = ["data=gaussian_blobs", "trainer.max_epochs=1", "figures=false", f"hydra.run.dir={tmp_path / 'run'}"]
    with names["without"]():
        run = linnet.train(words)
    assert "test/accuracy" in run.metrics
    assert not list(tmp_path.rglob("*.ckpt"))
