"""What changed files did to commands when `fuzz.py` came upon it first: each is refused, or noticed."""

import gzip
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from formats import edit_safetensors
from interrupted_run import interrupt
from safetensors.numpy import load_file, save_file
from subjects import HOUSES

import linnet
from linnet.cli import main as cli
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.system.errors import InputError
from linnet.system.files import write_json
from linnet.system.reading import read_json, read_texts, read_yaml, sha256
from linnet.tracking.history import read_history

LINE = ("data=synthetic_regression", "data.n_train=60", "data.n_val=20", "data.n_test=20", "threads=1")
SWEEP = ("train", "-m", *LINE, "trainer.max_epochs=1", "optimizer.lr=0.01,0.1", "hydra.sweep.dir=sweep")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A completed run, one that was interrupted, and a finished sweep."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        linnet.train([*LINE, "figures=false", "trainer.max_epochs=2", "optimum=always", "hydra.run.dir=run"])
        interrupt(Path("stopped"), 7, *LINE, "optimum=always")
        assert cli.run(SWEEP) == 0
    return folder


@pytest.fixture
def files(trained: Path, workplace: Path) -> Path:
    shutil.copytree(trained, workplace, dirs_exist_ok=True)
    return workplace


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which a command is refused."""
    capsys.readouterr()
    assert cli.run(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("linnet: ") and said.count("\n") == 1
    return said


class TestSweep:
    @pytest.mark.parametrize("text", ["[]", "{", '{"val/loss": "x"}', '{"val/loss": 0.0}', "[" * 1000 + "]" * 1000])
    def test_metrics_that_a_job_did_not_write_are_named_and_not_the_best(self, files, text, capsys):
        assert cli.run(SWEEP) == 0
        best = "best by val/loss: job 1"
        assert best in capsys.readouterr().out
        (files / "sweep/1/metrics.json").write_text(text)
        assert cli.run(SWEEP) == 0
        printed = " ".join(capsys.readouterr().out.split())
        assert "job 1 optimizer.lr=0.1: changed: metrics.json or manifest.json is not what the job wrote" in printed
        assert "best by val/loss: job 0" in printed

    def test_a_manifest_without_the_hash_does_not_make_other_metrics_the_best(self, files, capsys):
        (files / "sweep/1/metrics.json").write_text('{"val/loss": 0.0}')
        manifest = read_json(files / "sweep/1/manifest.json")
        (files / "sweep/1/manifest.json").write_text(json.dumps(manifest | {"files_sha256": {}}))
        assert cli.run(SWEEP) == 0
        assert "best by val/loss: job 0" in capsys.readouterr().out
        assert cli.run(["compare", "sweep", "--no-figures"]) == 0
        assert "changed" in capsys.readouterr().out

    @pytest.mark.parametrize("change", ["swapped", "gone"])
    def test_a_job_without_its_manifest_is_not_the_best(self, files, change, capsys):
        job = files / "sweep/1"
        if change == "swapped":
            (job / "manifest.json").rename(job / "other")
            (job / "metrics.json").rename(job / "manifest.json")
            (job / "other").rename(job / "metrics.json")
        else:
            (job / "manifest.json").unlink()
        assert cli.run(SWEEP) == 0
        assert "best by val/loss: job 0" in capsys.readouterr().out

    @pytest.mark.parametrize("text", ["[" * 1000 + "]" * 1000, '{"state": []}', "1" * 5000])
    def test_a_job_whose_status_is_damaged_is_run_again(self, files, text, capsys):
        (files / "sweep/0/status.json").write_text(text)
        assert cli.run(SWEEP) == 0
        assert "job 0" in capsys.readouterr().out
        assert read_json(files / "sweep/0/status.json")["state"] == "completed"

    def test_overrides_that_were_taken_out_of_the_registry_are_noticed(self, files, capsys):
        ledger = read_json(files / "sweep/ledger.json")
        ledger["jobs"][1]["overrides"].pop()
        (files / "sweep/ledger.json").write_text(json.dumps(ledger))
        assert "sweep/ledger.json is damaged" in refusal(capsys, *SWEEP)

    def test_a_registry_of_an_earlier_version_has_no_checksum(self, files, capsys):
        ledger = read_json(files / "sweep/ledger.json")
        (files / "sweep/ledger.json").write_text(json.dumps({"jobs": ledger["jobs"]}))
        assert cli.run(SWEEP) == 0
        assert "2 of them finished before" in capsys.readouterr().out

    @pytest.mark.parametrize("change", [{"number": "x"}, {"number": -1}, {"identity": 3}, {"overrides": [3]}, {"a": 1}])
    def test_an_entry_of_the_registry_that_is_none_is_refused(self, files, change, capsys):
        ledger = read_json(files / "sweep/ledger.json")
        ledger["jobs"][0] |= change
        (files / "sweep/ledger.json").write_text(json.dumps(ledger))
        assert "sweep/ledger.json is damaged" in refusal(capsys, *SWEEP)


class TestHistory:
    def test_that_is_damaged_leaves_its_curve_out_of_a_comparison(self, files, capsys):
        path = files / "sweep/0/history.csv"
        path.write_text(path.read_text().replace("\n", ",1\n"))
        assert cli.run(["compare", "sweep"]) == 0
        assert (files / "sweep/comparison/figures.json").is_file()

    @pytest.mark.parametrize("accept", [[], ["--accept-changed"]])
    def test_that_was_changed_is_not_drawn(self, files, accept, capsys):
        (files / "run/history.csv").write_text("metric,step,value\nval/loss,x,1\n")
        assert "run/history.csv" in refusal(capsys, "compare", "run", "--figures", *accept)

    def test_that_is_no_curve_is_unreadable_in_one_line(self, tmp_path):
        (tmp_path / "history.csv").write_text("metric,step,value\nval/loss,1,1,1\nval/loss,x\n")
        with pytest.raises(InputError, match="is damaged"):
            read_history(tmp_path / "history.csv")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on a table."""
    folder = tmp_path_factory.mktemp("table")
    shutil.copy(HOUSES, folder / "houses.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        linnet.train([
            "data=table", "data.path=houses.csv", "data.target=price", "figures=false", "threads=1",
            "trainer.max_epochs=1", "hydra.run.dir=run",
        ])  # fmt: skip
    return folder


def test_an_override_of_no_key_is_no_setting_to_compare_by(files, capsys):
    assert cli.run(["compare", "sweep", "--no-figures"]) == 0
    table = capsys.readouterr().out
    path = files / "sweep/0/.hydra/overrides.yaml"
    path.write_text(path.read_text().replace("data.n_train", "data.n_vrain"))
    assert cli.run(["compare", "sweep", "--no-figures"]) == 0
    assert capsys.readouterr().out == table


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


def test_a_file_that_has_grown_is_hashed_in_little_memory(tmp_path):
    (tmp_path / "a").touch()
    os.truncate(tmp_path / "a", 2**29)
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    sha256(tmp_path / "a")
    assert memory("VmHWM") - before < 2**26


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: (path.unlink(), path.symlink_to("status.json"))])
def test_a_run_without_its_status_is_no_sweep_to_write_into(files, damage):
    damage(files / "run/status.json")
    cli.run(["compare", "run"])
    assert not (files / "run/summary.csv").exists()


def test_tensors_and_checkpoints_that_have_grown_are_not_read(files, capsys):
    for name in ("run/weights.safetensors", "stopped/checkpoints/last.ckpt", "stopped/checkpoints/previous.ckpt"):
        os.truncate(files / name, 2**33)
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    assert "by its header" in refusal(capsys, "predict", "run", "--input", "x.csv", "--accept-changed")
    assert "last.ckpt is damaged" in refusal(capsys, "resume", "stopped")
    assert memory("VmHWM") - before < 2**27


def test_zeros_after_a_compressed_table_are_refused_at_once(table, workplace, capsys):
    shutil.copytree(table, workplace, dirs_exist_ok=True)
    Path("a.csv.gz").write_bytes(gzip.compress(Path("houses.csv").read_bytes()))
    os.truncate("a.csv.gz", 2**32)
    assert "it ends in zeros" in refusal(capsys, "predict", "run", "--input", "a.csv.gz", "--output", "o.csv")


def test_a_history_that_has_grown_takes_little_memory(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("metric,step,value\nval/loss,1,2.0\nval/loss,2,1.0\nval/lo")
    assert read_history(path)["val/loss"] == ([1, 2], [2.0, 1.0])
    os.truncate(path, 2**30)
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    with pytest.raises(InputError, match="a line of more than"):
        read_history(path)
    assert memory("VmHWM") - before < 2**26


def memory(key: str) -> int:
    return 1024 * int(Path("/proc/self/status").read_text().partition(f"{key}:")[2].split()[0])
