"""The check refuses whatever is not right, alone or together, before anything is built; one line each."""

import re
import sys
from pathlib import Path

import pytest
from hydra.utils import get_object
from pictures import write_pictures

from linnet import cli
from linnet.build import PREPARATION, make
from linnet.config.check import CLASSIFICATION
from linnet.config.groups import options, shipped
from linnet.errors import InputError

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.fixture
def refusal(checked):
    """A function of overrides that returns the one line with which the check refuses them."""

    def message_of(*overrides: str) -> str:
        with pytest.raises(InputError) as caught:
            checked(*overrides)
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        return message

    return message_of


class TestValue:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("optimizer.lr=-1", "a number in (0, inf), got -1"),
            ("optimizer.lr=0", "a number in (0, inf), got 0"),
            ("optimizer.lr=nan", "a number in (0, inf), got nan"),
            ("optimizer.lr=inf", "a number in (0, inf), got inf"),
            ("optimizer.lr=abc", "a number in (0, inf), got the text 'abc'"),
            ("optimizer.lr=null", "a number in (0, inf), got null"),
            ("optimizer.lr=[0.1]", "a number in (0, inf), got [0.1]"),
            ("data.batch_size=0", "a whole number in [1, inf), got 0"),
            ("data.batch_size=1.5", "a whole number in [1, inf), got 1.5"),
            ("data.batch_size=true", "a whole number in [1, inf), got True"),
            ("data.batch_size='8'", "a whole number in [1, inf), got the text '8'"),
            ("data.val_fraction=1.5", "a number in [0, 1) or null, got 1.5"),
            ("data.val_fraction=1", "a number in [0, 1) or null, got 1"),
            ("data.dtype=float16", "one of float32, float64, got the text 'float16'"),
            ("data.outliers=-1", "a whole number in [0, inf), got -1"),
            ("seed=-1", "a whole number in [0, 9223372036854775807], got -1"),
            ("seed=null", "a whole number in [0, 9223372036854775807], got null"),
            ("threads=0", "a whole number in [1, inf) or null, got 0"),
            ("figures=1", "true or false, got 1"),
            ("name=''", "a text or null, got the text ''"),
            ("objective.direction=down", "one of minimize, maximize, got the text 'down'"),
            ("model.gradient=numeric", "one of analytic, autograd, got the text 'numeric'"),
            ("loss.label_smoothing=1", "a number in [0, 1), got 1"),
            ("trainer.devices=0", "a whole number in [1, inf), got 0"),
            ("trainer.max_epochs=0", "a whole number in [1, inf), got 0"),
            ("callbacks.checkpoint.select=first", "one of best, last, got the text 'first'"),
        ],
    )
    def test_out_of_its_rule_is_refused(self, given, expected, refusal):
        key = given.partition("=")[0]
        message = refusal(given)
        assert message.startswith(f"{key}=")
        assert message.endswith(f": expected {expected}")

    @pytest.mark.parametrize("weight", ["[]", "2.0", "[1,a]", "[1,[2]]"])
    def test_in_a_list_counts_too(self, weight, refusal):
        assert ": expected a list of numbers, got " in refusal("data=synthetic_regression", f"data.weight={weight}")

    @pytest.mark.parametrize(
        "given",
        [
            "seed=0",
            "seed=9223372036854775807",
            "data.val_fraction=0",
            "optimizer.lr=1e-300",
            "callbacks=early_stopping",
        ],
    )
    def test_at_the_end_of_its_interval_passes(self, given, checked):
        checked(given)

    @pytest.mark.parametrize(
        "given",
        ["~optimizer.lr", "~data.batch_size", "~figures", "~objective", "objective=null", "~callbacks.checkpoint",
         "callbacks.checkpoint=null", "~seed", "~logger", "~data"],
    )  # fmt: skip
    def test_that_was_deleted_is_missed(self, given, refusal):
        assert given.strip("~").partition("=")[0].rpartition(".")[2] in refusal(given)


class TestKey:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ("+optimizer.leaning_rate=1", ["optimizer.leaning_rate: no such key"]),
            ("+data.batchsize=8", ["data.batchsize: no such key", "did you mean data.batch_size?"]),
            ("+optimizer.momentum=0.9", ["optimizer.momentum", "optimizer=momentum, torch_sgd"]),
            ("+sead=1", ["sead: no such key", "did you mean seed?"]),
            ("+a.b.c=1", ["a.b.c: no such key"]),
            ("+callbacks.checkpoint.every=1", ["callbacks.checkpoint.every: no such key"]),
            ("+callbacks.more=1", ["callbacks.more: no such key"]),
            ("+optimizer.lr.a=1", ["optimizer.lr"]),
        ],
    )
    def test_unknown_is_refused_although_added_on_purpose(self, given, words, refusal):
        message = refusal(given)
        assert all(word in message for word in words), message

    @pytest.mark.parametrize("given", ["optimizer.lr=${nope}", "optimizer.lr=${oc.env:LINNET_UNSET}", "seed=???"])
    def test_that_does_not_resolve_is_refused(self, given, refusal):
        assert given.partition("=")[0] in refusal(given)


class TestFit:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (["data=diabetes", "loss=cross_entropy"], ["loss=cross_entropy", "data=diabetes", "loss=squared_error"]),
            (["loss=squared_error"], ["loss=squared_error", "data=digits", "loss=cross_entropy"]),
            (["model=linear_regression"], ["model=linear_regression", "model=softmax_regression"]),
            (["data=diabetes", "model=softmax_regression"], ["model=softmax_regression", "model=linear_regression"]),
            (["data.val_fraction=null"], ["data.val_fraction", "data=digits", "give a number"]),
            (["penalty=l1", "optimizer=torch_sgd"], ["penalty=l1", "optimizer=torch_sgd", "optimizer=sgd"]),
            (["penalty=elastic_net", "optimizer=torch_lbfgs"], ["penalty=elastic_net", "optimizer=sgd"]),
            (["schedule=cosine", "schedule.warmup_epochs=20"], ["schedule.warmup_epochs=20", "trainer.max_epochs=20"]),
            (["optimizer=momentum", "optimizer.momentum=0", "optimizer.nesterov=true"], ["optimizer.momentum above 0"]),
        ],
    )
    def test_of_parts_that_do_not_go_together_is_refused(self, given, words, refusal):
        message = refusal(*given)
        assert all(word in message for word in words), message

    def test_of_the_source_s_own_validation_examples_passes(self, checked):
        assert checked("data=polynomial", "data.val_fraction=null")["data"]["val_fraction"] is None


class TestClassification:
    """CLASSIFICATION repeats, without torch, what the components say of themselves."""

    @pytest.mark.parametrize("option", options("loss"))
    def test_agrees_with_the_losses(self, option):
        target = shipped()["loss"][option]["_target_"]
        assert (target in CLASSIFICATION) == (get_object(target).task == "classification")

    @pytest.mark.parametrize("option", options("model"))
    def test_agrees_with_the_models_default_losses(self, option):
        target = shipped()["model"][option]["_target_"]
        assert (target in CLASSIFICATION) == (get_object(target)(1, 2).loss.task == "classification")

    # What a table or arrays are for is found in them, see test_inferred.py and tests/data/test_arrays.py.
    @pytest.mark.parametrize(
        "option", [name for name in options("data") if "mnist" not in name and name not in ("table", "arrays")]
    )
    def test_agrees_with_the_sources(self, option, tmp_path):
        node = {key: value for key, value in shipped()["data"][option].items() if key not in PREPARATION}
        if option == "image_folder":
            node["path"] = str(write_pictures(tmp_path / "pictures"))
        assert (node["_target_"] in CLASSIFICATION) == (make({**node, "seed": 0}).task == "classification")

    @pytest.mark.parametrize("option", [name for name in options("data") if "mnist" in name])
    def test_agrees_with_the_image_sets(self, option, fashion_mnist):
        # One function reads them all, so what it says of one holds for the others.
        assert shipped()["data"][option]["_target_"] == "linnet.data.image_classes"
        assert ("linnet.data.image_classes" in CLASSIFICATION) == (fashion_mnist.task == "classification")

    def test_names_nothing_else(self):
        targets = {node["_target_"] for group in ("data", "model", "loss") for node in shipped()[group].values()}
        assert targets >= CLASSIFICATION


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
