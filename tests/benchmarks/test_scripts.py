"""Every benchmark can be started; what it measures is for `make bench`."""

import runpy
import sys
from pathlib import Path

import pytest

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
