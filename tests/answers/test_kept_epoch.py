"""A run says which epoch it keeps, and why."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from linnet.system.reading import read_json

pytestmark = pytest.mark.usefixtures("workplace")
Answer = Callable[..., tuple[int, str, str]]


class TestWhichEpochIsKept:
    README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")

    def test_the_example_of_the_readme_stops_early(self, answer: Answer) -> None:
        (line,) = [line for line in self.README.splitlines() if "callbacks=early_stopping" in line]
        command = shlex.split(line, comments=True)[1:]
        code, printed, _ = answer(*command, "figures=false", "hydra.run.dir=run")
        status = read_json(Path("run/status.json"))
        assert code == 0 and status["epoch"] < 100
        assert f"stopped after epoch {status['epoch']} of 100: val/loss has not improved for 3 epochs" in printed
        assert re.search(rf"kept epoch {status['kept_epoch']} of {status['epoch']} \(\d+\.\d s\)", printed)
        assert status["epoch"] - status["kept_epoch"] == 3

    def test_the_sample_output_of_the_readme(self, answer: Answer) -> None:
        printed = answer("train", "figures=false", "hydra.run.dir=run")[1]
        (sample,) = re.findall(r"^kept epoch \d+ of \d+ \(", self.README, re.MULTILINE)
        assert sample in printed

    @pytest.mark.parametrize(("given", "lines"), [
        (("callbacks=early_stopping",),
         ["trained for all 2 epochs: val/loss last improved in epoch 2", "kept epoch 2 of 2 ("]),
        (("callbacks.checkpoint.select=last",), ["the last epoch is kept: callbacks.checkpoint.select=last"]),
        (("data.val_fraction=0",), ["the last epoch is kept: there are no validation examples to choose by"]),
    ])  # fmt: skip
    def test_it_says_why(self, given: tuple[str, ...], lines: list[str], answer: Answer) -> None:
        printed = answer("train", "figures=false", "optimum=off", "trainer.max_epochs=2", *given)[1]
        assert all(line in printed for line in lines)
