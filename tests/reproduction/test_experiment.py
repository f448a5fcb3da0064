"""Experiments reproduced and recorded: tiny ones of the user's own, and folders from strangers."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from recorded_files import recorded_arms

from linnet.reproduction import experiment
from linnet.reproduction.experiment import record_experiment, reproduce_experiment
from linnet.system.reading import read_json


def change(folder: Path, **changes: object) -> None:
    """Change the first metric of the first arm in results.json."""
    path = folder / "results.json"
    node = read_json(path)
    node["arms"][0]["metrics"]["val/loss"].update(changes)
    path.write_text(json.dumps(node))


def value(folder: Path) -> float:
    return read_json(folder / "results.json")["arms"][0]["metrics"]["val/loss"]["values"][0]


@pytest.fixture
def recorded(plant):
    """./experiments/tiny, as recorded just now."""
    folder = plant()
    record_experiment("tiny")
    return folder


class TestUpdate:
    def test_records_values_states_and_environment(self, plant, answer):
        folder = plant()
        with (folder / "experiment.yaml").open("a", encoding="utf-8") as file:
            file.write("about: {picture: [val/loss]}\n")
        code, output, _ = answer("tiny", "--update")
        assert code == 0
        assert (folder / "picture.svg").read_text(encoding="utf-8").count("<circle") == 2
        assert "recorded" in output and "again; the table" in output
        results = read_json(folder / "results.json")
        first, second = results["arms"]
        assert [figure["tolerance"] for figure in first["metrics"].values()] == [0.001, 0.01]
        assert all(len(figure["values"]) == 2 for figure in first["metrics"].values())
        assert first["metrics"]["val/loss"]["values"][0] != first["metrics"]["val/loss"]["values"][1]
        assert second == {"overrides": ["optimizer.lr=1e6"], "state": "diverged", "metrics": {}}
        assert results["environment"]["threads"] == 1
        assert results["environment"]["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
        assert results["environment"]["packages"]["torch"] == torch.__version__.partition("+")[0]
        assert {"linnet", "python"} <= set(results["environment"])

    def test_of_what_was_different_shows_it_and_keeps_all_else(self, recorded, answer):
        before = read_json(recorded / "results.json")
        change(recorded, values=[9.0, 9.0])
        code, output, _ = answer("tiny", "--update")
        assert code == 0
        assert "different: val/loss" in output
        assert read_json(recorded / "results.json") == before

    @pytest.mark.parametrize(
        ("arm", "words"),
        [
            ({"overrides": [], "metrics": {"val/luck": {"tolerance": 1}}}, "there is no metric val/luck"),
            ({"overrides": ["optimizer.lr=1e6"], "metrics": {"val/loss": {"tolerance": 1}}}, "it diverged"),
            ({"overrides": [], "metrics": {}}, "it completed, and has 0 metrics"),
        ],
    )
    def test_that_cannot_be_recorded_leaves_the_file(self, arm, words, plant, answer):
        folder = plant(arms=[arm])
        before = (folder / "results.json").read_bytes()
        code, _, errors = answer("tiny", "--update")
        assert code == 2
        assert words in errors and "nothing is recorded" in errors
        assert (folder / "results.json").read_bytes() == before

    def test_of_seeds_that_disagree_leaves_the_file(self, plant, answer, monkeypatch):
        folder = plant()
        before = (folder / "results.json").read_bytes()

        def measured(planned):
            return experiment.Measured("diverged" if planned.seed else "completed", {"val/loss": 1.0}, {})

        monkeypatch.setattr(experiment, "measure", measured)
        code, _, errors = answer("tiny", "--update")
        assert code == 2
        assert "completed, diverged with its seeds; nothing is recorded" in errors
        assert (folder / "results.json").read_bytes() == before


class TestReproduced:
    def test_is_identical(self, recorded, answer):
        code, output, _ = answer("tiny")
        assert code == 0
        assert output.splitlines()[-1] == "identical"
        assert "(n = 2)" in output
        assert "environment" not in output
        assert not Path("runs").exists()

    def test_by_its_folder(self, recorded):
        assert reproduce_experiment(recorded).verdict == "identical"
        assert reproduce_experiment(str(recorded)).name == "tiny"

    @pytest.mark.parametrize(("error", "code", "verdict"), [(0.0005, 0, "within tolerance"), (0.002, 1, "different")])
    def test_against_its_own_tolerance(self, error, code, verdict, recorded, answer):
        path = recorded / "results.json"
        values = read_json(path)["arms"][0]["metrics"]["val/loss"]["values"]
        change(recorded, values=[values[0], values[1] + error])
        found, output, _ = answer("tiny")
        assert found == code
        assert output.splitlines()[-1].startswith(verdict)
        assert ("val/loss" in output.splitlines()[-1]) == (code == 1)
        report = reproduce_experiment("tiny")
        assert report.counts == {"identical": 5, verdict: 1}
        assert reproduce_experiment("tiny", seeds=[0]).verdict == "identical"

    def test_state_that_is_another(self, recorded):
        path = recorded / "results.json"
        node = read_json(path)
        node["arms"][0].update(state="diverged", metrics={})
        path.write_text(json.dumps(node))
        assert reproduce_experiment("tiny").different == ["state"]
        node["arms"][1].update(state="completed", metrics={"val/loss": {"tolerance": 9, "values": [1, None]}})
        path.write_text(json.dumps(node))
        arm = "[optimizer.lr=1e6]"
        assert reproduce_experiment("tiny").different == ["state", f"state {arm}", f"val/loss {arm}"]

    def test_metric_that_no_run_has(self, recorded):
        path = recorded / "results.json"
        node = read_json(path)
        node["arms"][0]["metrics"]["val/luck"] = {"tolerance": 1.0, "values": [1.0, None]}
        path.write_text(json.dumps(node))
        report = reproduce_experiment("tiny")
        assert report.different == ["val/luck"]
        assert report.counts["different"] == 2

    def test_environment_is_named(self, recorded, answer, edit):
        environment = read_json(recorded / "results.json")["environment"]
        environment["packages"]["torch"] = "1.0"
        edit(recorded / "results.json", environment={**environment, "threads": 7})
        _, output, _ = answer("tiny")
        assert "threads: 7 recorded, 1 here" in output
        assert f"torch: 1.0 recorded, {torch.__version__.partition('+')[0]} here" in output

    def test_without_an_environment_names_nothing(self, recorded, edit):
        edit(recorded / "results.json", environment=None)
        assert reproduce_experiment("tiny").environment == {}

    def test_leaves_torch_s_threads(self, recorded):
        before = torch.get_num_threads()
        reproduce_experiment("tiny", seeds=[0], threads=before + 1)
        assert torch.get_num_threads() == before


class TestSeeds:
    @pytest.mark.parametrize(("given", "places"), [("first", [0]), ("1", [1]), ("1,0", [0, 1])])
    def test_may_be_fewer(self, given, places, recorded, answer):
        code, output, _ = answer("tiny", "--seeds", given, "--json")
        assert code == 0
        (report,) = json.loads(output)
        for figure in report["figures"]:
            assert [index for index, value in enumerate(figure["here"]) if value is not None] == places
            assert len(figure["recorded"]) == 2

    def test_that_are_not_recorded(self, recorded, refusal):
        assert "seed 7 is not recorded, choose from: 0, 1" in refusal("tiny", "--seeds", "7")


class TestAll:
    @pytest.fixture
    def several(self, only_ours, plant) -> None:
        """Two that can be run, of which one is different, and two that cannot."""
        for name in ("first", "second"):
            record_experiment(plant(name))
        change(Path("experiments/second"), values=[9.0, 9.0])
        plant("unreadable", "a: [")
        plant("without_data", arms=recorded_arms("data.batch_size=0"))

    def test_goes_on_and_tells_of_each(self, several, answer):
        code, output, errors = answer("--all")
        assert code == 1
        rows = {line.split("│")[1].strip(): line.split("│")[2:] for line in output.splitlines() if line.startswith("│")}
        found = {name: [cell.strip() for cell in cells] for name, cells in rows.items()}
        assert found["first"][:6] == ["2", "2", "6", "6", "0", "0"] and found["first"][7] == "identical"
        assert found["second"][:6] == ["2", "2", "6", "4", "0", "2"] and found["second"][7] == "different"
        assert found["unreadable"][7] == found["without_data"][7] == "not run"
        lines = [" ".join(line.split()) for line in output.splitlines()]
        assert "different second: val/loss" in lines
        assert any(line.startswith("not run without_data: ") and "data.batch_size=0" in line for line in lines)
        assert lines[-1] == "different"
        assert "first: identical" in errors

    def test_with_one_that_cannot_be_run_is_no_success(self, several, answer):
        shutil.rmtree("experiments/second")
        code, output, _ = answer("--all", "--json")
        assert code == 1
        verdicts = {report["experiment"]: report["verdict"] for report in json.loads(output)}
        assert verdicts == {"first": "identical", "unreadable": "not run", "without_data": "not run"}

    def test_of_which_all_are_right(self, several, answer):
        shutil.rmtree("experiments/second")
        for name in ("unreadable", "without_data"):
            shutil.rmtree(f"experiments/{name}")
        code, output, _ = answer("--all", "--seeds", "first")
        assert code == 0
        assert output.splitlines()[-1] == "identical"

    def test_update_records_those_that_can_be_run(self, several, answer):
        code, _, _ = answer("--all", "--update")
        assert code == 1
        assert value(Path("experiments/second")) == value(Path("experiments/first"))
        assert reproduce_experiment("second").verdict == "identical"
