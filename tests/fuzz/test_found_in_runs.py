"""What damaged files did to commands on a run when `fuzz.py` came upon it first: each is refused, or noticed."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from damaged import refusal
from formats import edit_safetensors
from safetensors.numpy import load_file, save_file

from linnet.cli import main as cli
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.system.files import write_json
from linnet.system.reading import read_json, read_texts, read_yaml


class TestPreprocessing:
    @pytest.mark.parametrize(
        ("key", "value"),
        [("other", "yes"), ("indicator", {"a": 1}), ("indicator", True), ("date", 10**30), ("mean", "1"), ("levels", 3),
         ("name", "\ud800"), ("plain", None), ("kind", "category")],
    )  # fmt: skip
    @pytest.mark.parametrize(
        "command", [("export", "run", "--format", "json"), ("predict", "run", "--input", "houses.csv")]
    )
    def test_a_column_of_other_types_is_refused_although_changes_are_accepted(
        self, table, workplace, key, value, command, capsys
    ):
        shutil.copytree(table, workplace, dirs_exist_ok=True)
        path = workplace / "run/preprocessing.json"
        node = read_json(path)
        node["table"]["columns"][0][key] = value
        write_json(path, node)
        assert "preprocessing.json is damaged" in refusal(capsys, *command, "--output", "o", "--accept-changed")

    @pytest.mark.parametrize(
        ("key", "value"),
        [("byte_scale", "1"), ("byte_scale", 0), ("row_norm", 1), ("class_names", "ab"), ("feature_names", [1]),
         ("feature_names", ["\udc80", "b", "c"])],
    )  # fmt: skip
    def test_other_types_beside_the_columns_are_refused(self, table, workplace, key, value, capsys):
        shutil.copytree(table, workplace, dirs_exist_ok=True)
        path = workplace / "run/preprocessing.json"
        write_json(path, {**read_json(path), key: value})
        assert f"damaged: {key} is " in refusal(capsys, "inspect", "run", "--accept-changed")


def test_weights_of_other_shapes_are_refused(files, capsys):
    path = files / "run/weights.safetensors"
    weights = load_file(path)
    save_file({"weight": weights["bias"], "bias": weights["weight"]}, path)
    for command in (("inspect", "run"), ("evaluate", "run"), ("export", "run", "--format", "json", "--output", "o")):
        assert "weights.safetensors" in refusal(capsys, *command, "--accept-changed")


@pytest.mark.parametrize("kind", ["json", "sklearn"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_exported_to_no_file(files, capsys, kind, value):
    weights = load_file(files / "run/weights.safetensors")
    weights["weight"].flat[0] = value
    save_file(weights, files / "run/weights.safetensors")
    said = refusal(capsys, "export", "run", "--format", kind, "--output", "m", "--accept-changed")
    assert "the weights of run are no finite numbers" in said


def test_an_interpolation_at_the_top_that_leads_nowhere_is_refused(files, capsys):
    path = files / "run/.hydra/config.yaml"
    path.write_text(path.read_text().replace("seed: 0", "seed: ${a.b}", 1))
    for command in (("inspect", "run"), ("evaluate", "run")):
        assert "a.b" in refusal(capsys, *command)


class TestResume:
    def test_an_optimum_that_is_gone_or_changed_is_noticed(self, files, capsys):
        path = files / "stopped/optimum.safetensors"
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert "optimum.safetensors was changed" in refusal(capsys, "resume", "stopped")
        path.unlink()
        assert "optimum.safetensors is missing" in refusal(capsys, "resume", "stopped")

    def test_choices_are_those_of_the_manifest(self, files, capsys):
        path = files / "stopped/.hydra/hydra.yaml"
        path.write_text(path.read_text().partition("    optimizer:")[0])
        assert cli.run(["resume", "stopped"]) == 0
        assert "sgd lr=" in capsys.readouterr().out

    def test_choices_that_are_missing_before_there_is_a_manifest_are_named(self, files, capsys):
        path = files / "stopped/.hydra/hydra.yaml"
        path.write_text(path.read_text().partition("    optimizer:")[0])
        (files / "stopped/manifest.json").unlink()
        assert "hydra.yaml is damaged" in refusal(capsys, "resume", "stopped")

    def test_overrides_that_are_wrong_interpolations_are_kept(self, files):
        (files / "run/.hydra/overrides.yaml").write_text("- ${.}\n- seed=0\n- ö\n")
        assert cli.run(["resume", "run", "trainer.max_epochs=3"]) == 0
        assert read_texts(files / "run/.hydra/overrides.yaml") == ["${.}", "seed=0", "ö", "trainer.max_epochs=3"]

    def test_overrides_that_are_none_are_replaced(self, files):
        (files / "run/.hydra/overrides.yaml").write_text("- ???\n- seed=0\n- ${a.b}\n- 3\n")
        assert cli.run(["resume", "run", "trainer.max_epochs=3"]) == 0
        assert read_texts(files / "run/.hydra/overrides.yaml")[-1] == "trainer.max_epochs=3"

    def test_a_link_to_itself_is_refused(self, files, capsys):
        path = files / "stopped/.hydra/config.yaml"
        path.unlink()
        path.symlink_to("config.yaml")
        assert "config.yaml" in refusal(capsys, "resume", "stopped")

    @pytest.mark.parametrize(
        "change",
        [
            lambda words: words.update(statistics=None), lambda words: words.update(statistics={"optimum/r2": "x"}),
            lambda words: words.update(withheld=[]), lambda words: words["optimum"].update(objective=10**400),
            lambda words: words["optimum"].update(attained="yes"),
            lambda words: words["optimum"].update(iterations=True),
            lambda words: words.update(curvature={"largest": None, "smallest": 0, "exact": True}),
        ],
    )  # fmt: skip
    def test_words_of_an_optimum_of_other_types_are_refused(self, files, change, capsys):
        edit_words(files / "stopped/optimum.safetensors", change)
        assert "optimum.safetensors" in refusal(capsys, "resume", "stopped")

    @pytest.mark.parametrize("gone", ["std_errors", "coefficients"])
    def test_half_of_an_inference_is_refused(self, table, workplace, gone, capsys):
        shutil.copytree(table, workplace, dirs_exist_ok=True)
        path = workplace / "run/optimum.safetensors"
        content = path.read_bytes()
        assert content.count(gone.encode()) == 1, "the run has no inference"
        path.write_bytes(content.replace(gone.encode(), b"x" * len(gone)))
        assert "of coefficients and std_errors there is one only" in refusal(
            capsys, "inspect", "run", "--accept-changed"
        )

    def test_headers_of_an_optimum_that_lie_are_no_other_error(self, files):
        path = files / "stopped/optimum.safetensors"
        original, refused = path.read_bytes(), 0
        for seed in range(300):
            path.write_bytes(original)
            edit_safetensors(path, random.Random(seed))
            try:
                ProblemAnalysis.from_bytes(path.read_bytes())
            except ValueError:  # any other would be a traceback
                refused += 1
        assert refused > 150


def edit_words(path: Path, change: Callable[[dict], object]) -> None:
    """Change the words in the header of optimum.safetensors."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    words = json.loads(header["__metadata__"]["linnet"])
    change(words)
    header["__metadata__"]["linnet"] = json.dumps(words)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


class TestText:
    def test_half_a_pair_of_utf_16_is_written_as_its_escape(self, tmp_path):
        write_json(tmp_path / "a.json", {"a": "\ud800", "b": "é"})
        assert read_json(tmp_path / "a.json") == {"a": "\ud800", "b": "é"}
        (tmp_path / "a.json").read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        ("text", "expected"),
        [("- a\n- [b]\n- 3\n- ???\n- ${x}\n", ["a", "???", "${x}"]), ("- &a [*a]\n- b\n", ["b"]), ("a: b\n", []),
         ("", []), ("3", [])],
    )  # fmt: skip
    def test_texts_of_a_list_are_all_that_is_read_of_it(self, tmp_path, text, expected):
        (tmp_path / "o.yaml").write_text(text)
        assert read_texts(tmp_path / "o.yaml") == expected

    @pytest.mark.parametrize("text", ["3", "? [a]\n: b", "a: !!int x", "a: !!python/object/apply:os.getcwd []"])
    def test_yaml_that_its_readers_do_not_know_is_a_value_error_or_read(self, tmp_path, text):
        (tmp_path / "o.yaml").write_text(text)
        try:
            read_yaml(tmp_path / "o.yaml")
        except ValueError as error:
            assert "\n" not in str(error)
