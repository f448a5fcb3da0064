"""A configuration that a stranger wrote, by which code of his shall run."""

import re
import sys
from pathlib import Path

import pytest

from linnet.cli import main as cli

pytestmark = pytest.mark.usefixtures("workplace", "composed_by_hydra")

# A module that leaves a mark once anything imports it, and a class that a handler or callback could be.
EVIL = """\
import logging
import pathlib

pathlib.Path("executed").touch()
text = "ext://evil.text"


class Handler(logging.Handler):
    pass
"""


class TestPlantedTarget:
    """A configuration from a stranger runs nothing but linnet's own components, by whichever route it is planted."""

    @pytest.fixture(autouse=True)
    def evil(self, workplace, monkeypatch):
        (workplace / "evil.py").write_text(EVIL, encoding="utf-8")
        monkeypatch.syspath_prepend(workplace)
        monkeypatch.setenv("PLANTED", "evil.Handler")
        monkeypatch.setenv("PLANTED_STREAM", "ext://evil.text")
        yield
        assert "evil" not in sys.modules
        assert not (workplace / "executed").exists()

    def refused(self, capsys, *arguments: str) -> str:
        """The one line with which the command line is answered; nothing is left behind."""
        assert cli.run(["train", *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert len(captured.err.splitlines()) == 1
        assert re.match(r"linnet: .*(not on the list|not allowed here|may be|no such key)", captured.err)
        assert sorted(path.name for path in Path.cwd().iterdir() if path.name != "experiments") == ["evil.py"]
        return captured.err

    def experiment(self, name: str, text: str) -> None:
        folder = Path("experiments") / name
        folder.mkdir(parents=True)
        (folder / "experiment.yaml").write_text(text, encoding="utf-8")

    @pytest.mark.parametrize(
        "given",
        [
            ["optimizer._target_=evil.Handler"],
            ["optimizer._target_=os.system"],
            ["optimizer._target_=builtins.open"],
            ["optimizer._target_=linnet.losses.SquaredError"],
            ["data._target_=joblib.load"],
            ["model._target_=numpy.load"],
            ["logger._target_=pathlib.Path.write_text"],
            ["callbacks.checkpoint._target_=evil.Handler"],
            ["callbacks.early_stopping={_target_:evil.Handler}"],
            ["+callbacks.mine._target_=evil.Handler"],
            ["name={_target_:evil.Handler}"],
            ["+mine._target_=evil.Handler"],
        ],
    )
    def test_in_the_place_of_a_component(self, given, capsys):
        assert re.search(r"_target_=.*: (not on the list|a key that builds)", self.refused(capsys, *given))

    @pytest.mark.parametrize(
        "given",
        [
            ["data=synthetic_regression", "data.weight=[1,{_target_:evil.Handler}]"],
            ["+optimizer.lr.nested=[{_target_:evil.Handler}]"],
            ["+optimizer.inner._target_=evil.Handler"],
            ["objective.metric=[{_target_:evil.Handler}]"],
        ],
    )
    def test_nested(self, given, capsys):
        self.refused(capsys, *given)

    @pytest.mark.parametrize(
        "given",
        [
            ["optimizer._target_=${oc.env:PLANTED}"],
            ["optimizer._target_=${name}", "name=evil.Handler"],
            ["optimizer.lr=${mine}", "+mine._target_=evil.Handler"],
            ["name='${oc.create:{_target_:evil.Handler}}'"],
        ],
    )
    def test_behind_an_interpolation(self, given, capsys):
        self.refused(capsys, *given)

    @pytest.mark.parametrize(
        "given",
        [
            ["+optimizer._partial_=true"],
            ["+optimizer._args_=[1]"],
            ["+optimizer._convert_=all"],
            ["+optimizer._recursive_=true"],
            ["+_target_=evil.Handler"],
        ],
    )
    def test_by_another_key_of_instantiation(self, given, capsys):
        self.refused(capsys, *given)

    @pytest.mark.parametrize(
        "given",
        [
            ["hydra.launcher._target_=evil.Handler"],
            ["hydra.sweeper._target_=evil.Handler"],
            ["+hydra.callbacks.mine._target_=evil.Handler"],
            ["+hydra.callbacks.mine._target_=${oc.env:PLANTED}"],
            ["+hydra.callbacks.mine=${mine}", "+mine._target_=evil.Handler"],
            ["+hydra.callbacks.mine='${oc.create:{_target_:evil.Handler}}'"],
            ["+hydra.callbacks.mine='${first:{_target_:evil.Handler}}'"],
            ["+hydra.runtime.choices.x='${oc.create:{_target_:evil.Handler}}'",
             "+hydra.callbacks.mine=${hydra.runtime.choices.x}"],
            ["hydra.job_logging.handlers.console.class=evil.Handler"],
            ["hydra.job_logging.handlers.console.class=${oc.env:PLANTED}"],
            ["hydra.job_logging.handlers.console.stream=ext://evil.text"],
            ["hydra.job_logging.handlers.console.stream=ext://evil.sys.stdout"],
            ["hydra.job_logging.handlers.console.stream=${oc.env:PLANTED_STREAM}"],
            ["hydra.job_logging.handlers.file.filename=${oc.env:PLANTED_STREAM}"],
            ["+hydra.job.env_set.class=evil.Handler", "+hydra.job_logging.handlers.mine=${hydra.job.env_set}"],
            ["+hydra.job.env_set.class=evil.Handler", "hydra.job_logging=${hydra.job.env_set}"],
            ["hydra.hydra_logging.handlers.console.class=evil.Handler"],
            ["hydra.job_logging.handlers.file.filename=executed"],
            ["hydra.job_logging.handlers.file.filename='${hydra:runtime.output_dir}/../executed'"],
            ["hydra.job_logging.handlers.file.filename='${hydra:runtime.output_dir}/status.json'"],
            ["+hydra.job.env_set.GIT_EXTERNAL_DIFF='touch executed'"],
            ["+hydra.launcher.runtime_env.worker_process_setup_hook=evil.Handler"],
        ],
    )  # fmt: skip
    def test_under_hydra(self, given, capsys):
        self.refused(capsys, *given)

    def test_in_a_sweep(self, capsys):
        self.refused(capsys, "--multirun", "seed=0,1", "+hydra.callbacks.mine._target_=evil.Handler")

    def test_in_a_later_job_of_a_sweep(self, capsys):
        self.experiment("harmless", "seed: 1\n")
        self.experiment(
            "stranger", "hydra:\n  job_logging:\n    handlers:\n      console:\n        class: evil.Handler\n"
        )
        self.refused(capsys, "--multirun", "experiment=harmless,stranger")

    @pytest.mark.parametrize(
        "text",
        [
            "hydra:\n  job_logging:\n    handlers:\n      mine:\n        (): evil.Handler\n",
            "hydra:\n  job_logging:\n    formatters:\n      mine:\n        (): evil.Handler\n",
            "hydra:\n  job_logging:\n    filters:\n      mine: {'()': evil.Handler}\n",
            "hydra:\n  callbacks:\n    mine:\n      _target_: evil.Handler\n",
            "hydra:\n  job_logging:\n    handlers:\n      file:\n        .: {baseFilename: executed}\n",
            "optimizer:\n  lr:\n  - - _target_: evil.Handler\n",
            "optimizer: '${oc.create:{_target_: evil.Handler}}'\n",
            "optimizer: ${mine}\nmine:\n  _target_: evil.Handler\n",
        ],
    )
    def test_in_an_experiment(self, text, capsys):
        self.experiment("stranger", text)
        self.refused(capsys, "experiment=stranger")
