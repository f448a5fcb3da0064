"""Objects given to `linnet.train` are trusted, by name and in this process."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated

import pytest
from annotated_types import Gt, Lt

import linnet as linnet_package
from linnet.config import own_parts, trust
from linnet.system.errors import InputError
from linnet.system.reading import read_json

QUICK = ("figures=false", "optimum=off", "trainer.max_epochs=1")


class TestFromPython:
    @pytest.fixture(autouse=True)
    def forgotten(self, monkeypatch):
        monkeypatch.setattr(trust, "_objects", {})

    def test_objects_are_trained_with_and_evaluated_again(self, linnet, monkeypatch):
        module = ModuleType("notebook")
        exec(Path("my_parts.py").read_text(), vars(module))
        monkeypatch.setitem(sys.modules, "notebook", module)
        words = ["loss.q=0.8", "+metric.squares._target_=notebook.Squares", "hydra.run.dir=run", *QUICK]
        parts = {"data": module.line, "loss": module.Pinball}
        with pytest.raises(InputError, match="the module notebook is not trusted here"):
            linnet_package.train(words, **parts)
        run = linnet_package.train([words[0], *words[2:]], **parts, metric={"squares": module.Squares})
        assert run.metrics["train/squares"] == pytest.approx(run.metrics["train/mse"], rel=1e-9)
        assert read_json(run.directory / "manifest.json")["own_parts"].keys() == {
            "notebook.line", "notebook.Pinball", "notebook.Squares"
        }  # fmt: skip
        assert linnet("evaluate", "run")[0] == 0
        trust._objects.clear()
        own_parts._declared.cache_clear()
        assert linnet("evaluate", "run")[0] == 2

    def test_a_class_that_is_defined_again_is_the_new_one(self):
        for limit in (0.3, 0.6):

            class Loss:
                task = "regression"

                def __init__(self, q: Annotated[float, Gt(0), Lt(limit)] = 0.1): ...

                def value(self, prediction, target):
                    return (prediction - target).square().sum(-1)

            Loss.__module__, Loss.__qualname__ = "__main__", "Loss"  # as in a script or a notebook
            words = ["data=diabetes", "loss.q=0.5", "hydra.run.dir=run", *QUICK]
            if limit < 0.5:
                with pytest.raises(InputError, match=r"loss.q=0.5: expected a number in \(0, 0.3\)"):
                    linnet_package.train(words, loss=Loss)
            else:
                linnet_package.train(words, loss=Loss)

    def test_a_script_from_standard_input_has_no_source_to_hash(self):
        script = f"""
import linnet

class Mean:
    direction = "minimize"

    def value(self, prediction, target):
        return prediction.mean()

linnet.train(["data=diabetes", "hydra.run.dir=run", *{QUICK!r}], metric={{"mean": Mean}})
"""
        subprocess.run([sys.executable, "-"], input=script, text=True, check=True, capture_output=True)
        assert read_json(Path("run/manifest.json"))["own_parts"]["__main__.Mean"]["sha256"] is None

    @pytest.mark.parametrize(
        ("parts", "said"),
        [
            ({"loss": 3}, "3: expected a class"), ({"losses": int}, "losses: no such option, did you mean loss?"),
            ({"metric": int}, "a dictionary metric={name: class}"), ({"loss": lambda: 0}, "stands inside a function"),
            ({"loss": dict}, "a loss is a class with value"),
        ],
    )  # fmt: skip
    def test_what_is_no_part_is_refused(self, parts, said):
        with pytest.raises(InputError, match=re.escape(said)):
            linnet_package.train(["hydra.run.dir=run", *QUICK], **parts)
        assert not Path("run").exists()
