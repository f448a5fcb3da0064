"""Experiments from elsewhere take no other's place, and nothing that they name is executed."""

from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore
from recorded_files import recorded_arms

from linnet.config.groups import EXPERIMENT, experiments, options
from linnet.reproduction.experiment import record_experiment, reproduce_experiment
from linnet.reproduction.find_experiment import find_experiment

MARKER = "planted-was-here"


class TestFolderFromElsewhere:
    def test_takes_the_place_of_no_other_of_its_name(self, plant, tmp_path, capsys):
        folder = plant("weight_decay", root=tmp_path / "given")
        shipped = options(EXPERIMENT)
        record_experiment(folder)
        assert reproduce_experiment(folder).verdict == "identical"
        assert options(EXPERIMENT) == shipped
        assert not [name for name in ConfigStore.instance().repo[EXPERIMENT] if name.startswith("given_")]
        assert reproduce_experiment("weight_decay", seeds=[0]).rows[0].metric == "train/loss"

    def test_may_have_any_name(self, plant, tmp_path):
        folder = plant("a 'b', c=[1] $x", root=tmp_path)
        record_experiment(folder)
        assert reproduce_experiment(folder).verdict == "identical"

    def test_of_a_shipped_one_is_that(self):
        folder = experiments()["weight_decay"]
        assert find_experiment(folder).option == "weight_decay"

    def test_is_found_before_a_name(self, plant, tmp_path):
        plant("weight_decay", root=Path())
        assert find_experiment("weight_decay").option is None


class TestUntrusted:
    """What an experiment must not do, by its YAML or by the overrides of its arms."""

    TARGETS = (
        "os.system", "builtins.open", "joblib.load", "numpy.load", "pathlib.Path.write_text", "builtins.exec",
    )  # fmt: skip

    @pytest.mark.parametrize("target", TARGETS)
    @pytest.mark.parametrize("place", ["optimizer", "model", "callbacks.checkpoint"])
    def test_planted_callable_in_the_yaml(self, target, place, plant, tmp_path, refusal):
        head, *rest = place.split(".")
        planted = "".join(f"{'  ' * depth}{key}:\n" for depth, key in enumerate([head, *rest]))
        planted += f"{'  ' * (1 + len(rest))}_target_: {target}\n"
        yaml = f"# @package _global_\n{planted}"
        folder = plant("evil", yaml, root=tmp_path / "given", arms=recorded_arms())
        assert "not on the list of callables" in refusal(folder)

    @pytest.mark.parametrize(
        ("override", "words"),
        [
            ("optimizer._target_=os.system", "not on the list of callables"),
            ("+model.x={_target_: os.system, command: touch planted-was-here}", "model.x"),
            ("+x._target_=os.system", "builds objects is not allowed"),
            ("hydra.run.dir=elsewhere", "no override for an arm"),
            ("hydra/job_logging=none", "no override for an arm"),
            (" ++hydra.run.dir=elsewhere", "no override for an arm"),
            ("+hydra.job.env_set.PATH=x", "no override for an arm"),
            ("~hydra", "no override for an arm"),
            ("experiment=softmax_scratch", "no override for an arm"),
            ("+experiment@x=softmax_scratch", "no override for an arm"),
            ("seed=7", "no override for an arm"),
            ("figures=true", "no override for an arm"),
            ("optimizer.lr=1,2", "optimizer.lr=1,2"),
            ("optimizer.lr=-1", "expected a number in (0, inf)"),
            ("name=${oc.decode:1}${oc.create:{}}", "name="),
            ("not an override", "not an override"),
        ],
    )
    def test_override_of_an_arm(self, override, words, plant, tmp_path, refusal):
        folder = plant("evil", root=tmp_path / "given", arms=recorded_arms(override))
        assert words in refusal(folder)
        assert not Path(MARKER).exists() and not Path("elsewhere").exists()

    def test_place_of_data(self, plant, tmp_path, refusal):
        arms = recorded_arms("data=fashion_mnist", "model=softmax_regression", "loss=cross_entropy", "data.root=x")
        folder = plant("evil", "# @package _global_\nseed: 0\n", root=tmp_path / "given", arms=arms)
        assert "data.root=x: an experiment does not say where files lie" in refusal(folder)

    def test_place_of_runs_in_the_yaml_is_not_used(self, plant, tmp_path):
        yaml = "# @package _global_\nhydra:\n  run:\n    dir: elsewhere\n  job:\n    chdir: true\n"
        folder = plant("evil", yaml + "trainer:\n  max_epochs: 1\n", root=tmp_path / "given", arms=recorded_arms())
        record_experiment(folder)
        assert list(Path.cwd().iterdir()) == []

    @pytest.mark.parametrize("yaml", ["a: [", "- 1\n", "a: !!python/object/apply:os.system [touch planted-was-here]\n"])
    def test_unreadable_yaml(self, yaml, plant, tmp_path, refusal):
        refusal(plant("evil", yaml, root=tmp_path / "given", arms=recorded_arms()))
        plant("mine", yaml, arms=recorded_arms())
        refusal("mine")
        assert not Path(MARKER).exists()
