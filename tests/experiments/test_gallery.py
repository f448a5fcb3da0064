"""The scripts of the gallery run, print what they promise, and open as notebooks."""

import re
import runpy
from pathlib import Path

import pytest

from linnet.config import trust

FOLDER = Path(__file__).resolve().parents[2] / "experiments" / "gallery"
PRINTED = {
    "train_on_arrays": "bmi", "sweep_and_compare": "optimizer.lr", "probe_embeddings": "0.001 0.9",
    "own_loss": "q = 0.9: ", "own_trainer": "tensor(0.9", "vectorize": "equal: True",
    "quadratic_features": "quadratic: test r2 0.99",
}  # fmt: skip
"""Script -> a part of what it prints last."""


@pytest.mark.parametrize("name", PRINTED)
def test_a_script_runs(name: str, workplace, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr(trust, "_objects", {})
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    assert PRINTED[name] in capsys.readouterr().out


def test_each_is_short_and_of_cells() -> None:
    scripts = sorted(FOLDER.glob("*.py"))
    assert {script.stem for script in scripts} == PRINTED.keys()
    for script in scripts:
        text = script.read_text()
        assert text.startswith("# %% [markdown]\n# # ") and len(text.splitlines()) < 45
        for head, cell in re.findall(r"^# %%(.*)\n((?:(?!# %%).*\n)*)", text, re.MULTILINE):
            assert head in ("", " [markdown]")
            compile(cell, str(script), "exec")
            assert head == "" or all(line.startswith("#") for line in cell.splitlines() if line)
