"""Composition: every option, what chooses what, user experiments, and one line for whatever cannot be composed."""

from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from linnet.config.compose import compose, compose_sweep, flat_keys, session
from linnet.config.groups import EXPERIMENT, GROUPS, SEARCH, options
from linnet.config.unknown_key import nearest
from linnet.system.errors import InputError

pytestmark = pytest.mark.usefixtures("workplace", "composed_by_hydra")


def write_experiment(name: str, text: str) -> Path:
    folder = Path("experiments") / name
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(text, encoding="utf-8")
    return folder


def refusal(*overrides: str) -> str:
    """The message with which these overrides are refused."""
    with pytest.raises(InputError) as caught, session():
        compose(overrides)
    message = str(caught.value)
    assert message.strip() == message != ""
    assert len(message.splitlines()) == 1
    return message


class TestOptions:
    """That each of a group composes and passes the check is in test_options.py, with the command its file shows."""

    def test_are_the_files_of_conf(self):
        conf = Path(__file__).parents[2] / "conf"
        assert {path.name for path in conf.iterdir() if path.is_dir() and path.name != "__pycache__"} == {
            *GROUPS,
            SEARCH,
            "hydra",
        }
        for group in (*GROUPS, SEARCH):
            assert options(group) == sorted(path.stem for path in (conf / group).glob("[!_]*.yaml"))

    @pytest.mark.parametrize("experiment", options(EXPERIMENT))
    def test_experiment_composes_and_passes_the_check(self, experiment, checked):
        checked(f"experiment={experiment}")


class TestDataOfNumbers:
    NUMBERS = ("covariate_shift", "diabetes", "high_dimensional", "polynomial", "synthetic_regression")

    @pytest.mark.parametrize(
        "data", [name for name in options("data") if name not in ("table", "arrays", "image_folder")]
    )
    def test_chooses_model_and_loss(self, data, checked):
        config = checked(f"data={data}")
        expected = (
            ("LinearRegression", "SquaredError") if data in self.NUMBERS else ("SoftmaxRegression", "CrossEntropy")
        )
        assert config["model"]["_target_"] == f"linnet.models.{expected[0]}"
        assert config["loss"]["_target_"] == f"linnet.losses.{expected[1]}"

    @pytest.mark.parametrize("given", [["data=diabetes", "loss=huber"], ["loss=huber", "data=diabetes"]])
    def test_does_not_override_the_command_line(self, given, checked):
        assert checked(*given)["loss"]["_target_"] == "linnet.losses.Huber"

    def test_leaves_an_explicit_model_to_the_check(self, checked):
        with pytest.raises(InputError, match="model=softmax_regression predicts classes"):
            checked("data=diabetes", "model=softmax_regression")


class TestSeed:
    def test_reaches_data_and_initial_weights(self, checked):
        config = checked("seed=7")
        assert config["seed"] == config["data"]["seed"] == config["model"]["init_seed"] == 7

    def test_of_the_data_can_stand_alone(self, checked):
        config = checked("seed=7", "data.seed=3")
        assert (config["data"]["seed"], config["model"]["init_seed"]) == (3, 7)


class TestRunDirectory:
    @pytest.mark.parametrize(
        ("given", "folder"),
        [
            ([], "digits"),
            (["data=diabetes"], "diabetes"),
            (["experiment=softmax_scratch"], "softmax_scratch"),
            (["experiment=softmax_scratch", "name=mine"], "mine"),
        ],
    )
    def test_is_named_by_name_else_experiment_else_data(self, given, folder):
        with session():
            directory = Path(compose(given).hydra.run.dir)
        assert directory.parent == Path("runs") / folder


class TestUserExperiment:
    TEXT = """\
defaults:
  - override /data: diabetes
  - override /loss: huber
optimizer:
  lr: 0.5
trainer:
  max_epochs: 3
"""

    def test_overrides_defaults_and_the_data_it_chooses(self, checked):
        write_experiment("mine", self.TEXT)
        config = checked("experiment=mine")
        assert config["data"]["_target_"] == "linnet.data.diabetes"
        assert config["model"]["_target_"] == "linnet.models.LinearRegression"
        assert config["loss"]["_target_"] == "linnet.losses.Huber"
        assert (config["optimizer"]["lr"], config["trainer"]["max_epochs"]) == (0.5, 3)

    def test_is_overridden_by_the_command_line(self, checked):
        write_experiment("mine", self.TEXT)
        config = checked("loss=absolute_error", "optimizer.lr=0.7", "experiment=mine")
        assert config["loss"]["_target_"] == "linnet.losses.AbsoluteError"
        assert (config["optimizer"]["lr"], config["trainer"]["max_epochs"]) == (0.7, 3)

    def test_comes_before_a_shipped_one_of_its_name(self, checked):
        write_experiment("softmax_scratch", self.TEXT)
        assert checked("experiment=softmax_scratch")["data"]["_target_"] == "linnet.data.diabetes"

    def test_is_listed_with_the_shipped_ones(self):
        before = options(EXPERIMENT)
        write_experiment("mine", self.TEXT)
        assert options(EXPERIMENT) == sorted([*before, "mine"])

    def test_that_is_no_yaml_is_named(self):
        write_experiment("broken", "optimizer: [lr: 0.1\n")
        assert "experiments/broken/experiment.yaml is not readable YAML" in refusal("experiment=broken")

    def test_that_is_no_yaml_any_more_is_named_too(self, checked):
        write_experiment("mine", self.TEXT)
        checked("experiment=mine")
        Path("experiments/mine/experiment.yaml").write_text("optimizer: [lr: 0.1\n", encoding="utf-8")
        assert "is not readable YAML" in refusal("experiment=mine")

    def test_of_another_directory_is_no_option_here(self, checked):
        write_experiment("mine", self.TEXT)
        checked("experiment=mine")
        Path("experiments").rename("of_another_project")
        assert "experiment=mine: no such option" in refusal("experiment=mine")

    def test_says_of_itself_what_is_no_configuration(self, checked):
        write_experiment("mine", self.TEXT)
        before = checked("experiment=mine")
        write_experiment("sure", f"about:\n  book: [3.1 Linear Regression]\n{self.TEXT}")
        assert checked("experiment=sure") == before

    def test_names_a_table_in_its_folder(self, checked):
        folder = write_experiment(
            "mine", "data:\n  path: ${here}/my.csv\n  target: y\ndefaults: [override /data: table]\n"
        )
        (folder / "my.csv").write_text("x,y\n1,0.5\n2,1.5\n", encoding="utf-8")
        assert checked("experiment=mine")["data"]["path"] == str(folder.resolve() / "my.csv")

    def test_with_an_unknown_key_is_refused(self, checked):
        write_experiment("odd", "optimizer:\n  learning_rate: 0.1\n")
        with pytest.raises(InputError, match=r"optimizer\.learning_rate: no such key"):
            checked("experiment=odd")

    def test_of_an_unknown_option_is_refused(self):
        write_experiment("odd", "defaults:\n  - override /data: digitz\n")
        assert "data=digitz: no such option, did you mean digits?" in refusal("experiment=odd")


class TestRefusal:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ("data=nope", ["data=nope", "digits", "diabetes"]),
            ("optimizer=sdg", ["optimizer=sdg", "did you mean sgd?"]),
            ("experiment=softmax_scrach", ["did you mean softmax_scratch?"]),
            ("hydra/launcher=nope", ["hydra/launcher=nope", "basic"]),
            ("dat=digits", ["dat:", "did you mean data?"]),
            ("data.batchsize=3", ["data.batchsize", "did you mean data.batch_size?"]),
            ("batch_size=3", ["batch_size", "did you mean data.batch_size?"]),
            ("optimizer.learning_rate=1", ["optimizer.learning_rate", "did you mean"]),
            ("optimizer.momentum=0.9", ["optimizer.momentum", "optimizer=momentum, torch_sgd"]),
            ("data.degree=4", ["data.degree", "data=covariate_shift, polynomial"]),
            ("seed", ["seed", "key=value"]),
            ("seed=1=2", ["seed=1=2", "key=value"]),
            ("optimizer.lr=0.1,1", ["optimizer.lr", "--multirun"]),
            ("+optimizer.lr=1", ["optimizer.lr"]),
            ("data=null", ["data=null", "option"]),
            ("hydra.run.dir=${nope}", ["hydra.run.dir", "nope"]),
            ("hydra.nope=1", ["hydra.nope"]),
            (r'name="${oc.decode:\"{a:1}\"}"', ["mismatched input"]),
        ],
    )
    def test_is_one_line_that_names_key_and_remedy(self, given, words):
        message = refusal(given)
        assert all(word in message for word in words), message

    def test_names_the_one_at_fault_among_others(self):
        message = refusal("seed=1", "data.batchsize=3", "optimizer.lr=0.1")
        assert "data.batchsize" in message
        assert "optimizer.lr" not in message


class TestSession:
    def test_leaves_hydra_as_it_was(self):
        with session():
            compose([])
        assert not GlobalHydra.instance().is_initialized()

    def test_leaves_hydra_as_it_was_after_an_error(self):
        refusal("data=nope")
        assert not GlobalHydra.instance().is_initialized()


class TestNearest:
    def test_is_the_closest_name(self):
        assert nearest("batchsize", ["batch_size", "bias"]) == ", did you mean batch_size?"

    def test_is_nothing_where_no_name_is_close(self):
        assert nearest("zzz", ["batch_size", "bias"]) == ""


def test_flat_keys_names_every_value_unresolved():
    config = OmegaConf.create({"a": {"b": 1, "c": {"d": "${nowhere}"}}, "e": [1, {"f": 2}], "g": {}})
    assert isinstance(config, DictConfig)
    assert flat_keys(config) == ["a.b", "a.c.d", "e", "g"]


@pytest.mark.parametrize("group", ["data", "trainer", "model"])
def test_a_file_that_others_are_based_on_is_no_option(group):
    with session():
        for composed in (compose, compose_sweep):
            with pytest.raises(InputError, match=f"^{group}=_base: no such option; choose from: "):
                composed([f"{group}=_base"])
