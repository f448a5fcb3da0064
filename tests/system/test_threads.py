"""The number of threads of a run that leaves it open."""

from pathlib import Path

import pytest
import torch

from linnet.cli import main as cli
from linnet.system import threads
from linnet.system.errors import InputError
from linnet.system.reading import read_json


def test_what_torch_found_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    assert threads.available() == threads.FOUND
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)  # as a run may have done
    try:
        assert threads.available() == threads.FOUND
    finally:
        torch.set_num_threads(before)
    monkeypatch.setenv(threads.VARIABLE, "3")
    assert threads.available() == 3


@pytest.mark.parametrize("text", ["", "0", "-1", "two", "1.5", "1000000000", "9" * 5000])
def test_what_is_no_number_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(threads.VARIABLE, text)
    with pytest.raises(InputError, match=f"LINNET_THREADS={text}: expected a whole number in"):
        threads.available()


def test_a_run_takes_it_and_says_so_in_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "data=synthetic_regression", "trainer.max_epochs=1", "figures=false"]
    monkeypatch.setenv(threads.VARIABLE, "3")
    assert cli.run([*words, f"hydra.run.dir={tmp_path / 'three'}"]) == 0
    assert read_json(tmp_path / "three/manifest.json")["threads"] == 3
    monkeypatch.setenv(threads.VARIABLE, "many")
    assert cli.run([*words, f"hydra.run.dir={tmp_path / 'many'}"]) == 2
    assert "LINNET_THREADS=many" in capsys.readouterr().err
    assert not (tmp_path / "many").exists()
