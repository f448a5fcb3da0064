"""Options in ./conf and in folders of the command line: data that adds to linnet's options, and does nothing else."""

import sys
from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore

from linnet.config import project_options
from linnet.config.project_options import searchpath_of, take_searchpath
from linnet.system.errors import InputError
from linnet.system.reading import read_json

LOSS = """class L:
    task = "regression"

    def __init__(self, q=0.9, p=1.0): ...

    def value(self, prediction, target):
        return (prediction - target).square().sum(-1)
"""
QUICK = ("trainer.max_epochs=1", "figures=false", "optimum=off")


def write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(autouse=True)
def conf(workplace):
    write("conf/optimizer/fast.yaml", "defaults: [momentum]\nlr: 0.5\n")
    write("conf/data/sick.yaml", "_target_: linnet.data.diabetes\nval_fraction: 0.3\noutlier_value: 1.0\n")
    write("conf/callbacks/often.yaml", "defaults: [default]\ncheckpoint: {every_n_steps: 7}\n")


class TestHere:
    def test_are_options_of_their_groups_over_what_the_group_has_in_common(self, answer):
        words = (
            "optimizer=fast",
            "data=sick",
            "callbacks=often",
            "optimizer.nesterov=true",
            "--cfg",
            "job",
            "--resolve",
        )
        code, printed, errors = answer("train", *words)
        assert code == 0
        assert errors == "note: options of ./conf: data=sick, optimizer=fast, callbacks=often\n"
        for line in ("_target_: linnet.optimizers.Momentum", "  lr: 0.5", "  nesterov: true", "  val_fraction: 0.3",
                     "  batch_size: 32", "    every_n_steps: 7", "    every_n_seconds: 10",
                     "_target_: linnet.models.LinearRegression"):  # fmt: skip
            assert line in printed

    def test_runs_and_sweeps_need_the_folder_no_more(self, answer):
        assert answer("train", "data=sick", *QUICK, "hydra.run.dir=run")[0] == 0
        words = ("optimizer=fast,sgd", "optimizer.lr=0.1,0.2", *QUICK, "hydra.sweep.dir=sweep")
        code, printed, _ = answer("train", "-m", *words)
        assert code == 0 and "4 jobs: 4 completed" in printed and "left out" not in printed
        Path("conf").rename("elsewhere")
        for command in ("evaluate run", "resume run trainer.max_epochs=2", "reproduce run", "reproduce sweep/0"):
            assert answer(*command.split())[0] == 0, command
        assert answer("train", "data=sick", *QUICK)[0] == 2

    def test_are_shown_and_completed_by_help(self, answer):
        code, printed, _ = answer("train", "optimizer=fast", "--help")
        assert code == 0 and "  optimizer.lr=0.5 " in printed
        assert " fast " in answer("train", "--help")[1].replace("\n", " ")
        assert "optimizer=fas: no such option, did you mean fast?" in answer("train", "optimizer=fas", "--help")[2]

    def test_experiments_and_other_options_of_the_project_name_them(self, answer):
        write("experiments/quick/experiment.yaml", "defaults: [override /optimizer: faster]\n")
        write("conf/optimizer/faster.yaml", "defaults: [fast]\nnesterov: true\n")
        code, printed, _ = answer("train", "experiment=quick", "--cfg", "job", "-p", "optimizer")
        assert code == 0 and "lr: 0.5\n" in printed and "nesterov: true\n" in printed

    def test_nothing_is_left_in_the_process(self, answer):
        assert answer("train", "optimizer=fast", "--cfg", "job")[0] == 0
        assert "fast.yaml" not in ConfigStore.instance().repo.get("optimizer", {})

    @pytest.mark.parametrize("place", [Path(project_options.__file__).parents[3], project_options.conf().parent])
    def test_linnets_own_are_no_project_of_a_user(self, place, answer, monkeypatch):
        monkeypatch.chdir(place)
        assert answer("train", "--cfg", "job")[::2] == (0, "")


REFUSED = {
    "optimizer/mine": [
        ("_target_: os.system\ncommand: touch executed\n", "not on the list of callables"),
        ("_target_: evil.Optimizer\n", "the module evil is not trusted here"),
        ("_target_: linnet.losses.Huber\ndelta: 1.0\n", "not on the list of callables"),
        ("defaults: [sgd]\nhydra: {run: {dir: elsewhere}}\n", "optimizer.hydra.run.dir: no such key"),
        ("defaults: [sgd]\ntrust: evil\n", "optimizer.trust: no such key"),
        ("defaults: [sgd, override /hydra/launcher: joblib]\n", "its defaults may name other options"),
        ("defaults: [sgd, /hydra/launcher@hydra.launcher: joblib]\n", "its defaults may name other options"),
        ("defaults: [../../elsewhere]\n", "its defaults may name other options"),
        ("defaults: [absent]\n", "its defaults name absent"),
        ("defaults: [mine]\n", "lead back to itself"),
        ("# @package _global_\nhydra: {run: {dir: elsewhere}}\n", "@package _global_: a file sets keys of its group"),
        ("# @package hydra.launcher\n_target_: evil.launch\n", "@package hydra.launcher"),
        ("defaults: [sgd]\nlr: ${oc.env:HOME}\n", "of interpolations only ${key} is allowed"),
        ("defaults: [sgd]\nlr: ${oc.decode:${seed}}\n", "of interpolations only ${key} is allowed"),
        ('defaults: [sgd]\nlr: "\\uD800"\n', "could not be recorded"),
        ("- a list\n", "expected keys and values"),
        ("lr: [\n", "is not readable YAML"),
        ("!!python/object/apply:os.system ['touch executed']\n", "is not readable YAML"),
        ("a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
            f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n" for a, b in ["ab", "bc", "cd", "de", "ef", "fg"]
         ), "once its aliases are written out"),
    ],
    "optimizer/adam": [("_target_: linnet.optimizers.SGD\nlr: 1.0\n", "linnet has an option optimizer=adam")],
}  # fmt: skip


@pytest.mark.parametrize(("option", "text", "message"), [(o, *case) for o, cases in REFUSED.items() for case in cases])
def test_what_reaches_further_is_refused_in_one_line(option, text, message, refusal):
    write("evil.py", "from pathlib import Path\nPath('executed').touch()\n")
    write(f"conf/{option}.yaml", text)
    group, _, name = option.partition("/")
    assert message in refusal("train", f"{group}={name}")
    assert not Path("executed").exists() and "evil" not in sys.modules


def test_jobs_of_a_sweep_are_refused_alike(refusal):
    for text, message in REFUSED["optimizer/mine"][:2]:
        write("conf/optimizer/mine.yaml", text)
        assert message in refusal("train", "-m", "optimizer=fast,mine")


@pytest.mark.parametrize("name", ["train", "trust", "hydra/launcher/mine", "search/mine", "experiment/mine"])
def test_files_of_no_group_of_linnets_do_nothing(name, answer):
    write(f"conf/{name}.yaml", "# @package _global_\nhydra: {run: {dir: elsewhere}}\nseed: 7\n_target_: evil.launch\n")
    code, printed, _ = answer("train", "--cfg", "job")
    assert code == 0 and "\nseed: 0\n" in printed
    if "/" in name:
        assert "mine: " in answer("train", f"{name.rpartition('/')[0]}=mine")[2].replace("'", "")


def test_special_files_are_not_opened(refusal, tmp_path):
    import os

    os.mkfifo("conf/optimizer/pipe.yaml")
    (tmp_path / "outside.yaml").write_text("_target_: linnet.optimizers.SGD\nlr: 1.0\n")
    Path("conf/optimizer/link.yaml").symlink_to(tmp_path / "outside.yaml")
    assert "a pipe or a device" in refusal("train", "optimizer=pipe")
    assert "leads out of" in refusal("train", "optimizer=link")


class TestNamedFolders:
    @pytest.fixture(autouse=True)
    def folder(self, conf):
        Path("conf").rename("mine here")

    def test_by_config_dir_and_by_searchpath(self, answer):
        absolute = Path("mine here").absolute()
        for words in (["--config-dir", "mine here"], ["-cd", str(absolute)], [f'hydra.searchpath=["file://{absolute}"]'],
                      ['hydra.searchpath=["mine here"]'], [searchpath_of("mine here")]):  # fmt: skip
            code, printed, errors = answer("train", *words, "optimizer=fast", "--cfg", "all")
            assert (code, errors) == (0, "") and "lr: 0.5" in printed and "searchpath: []" in printed

    def test_of_an_installed_package_which_is_not_imported(self, answer, workplace, monkeypatch):
        Path("Package").mkdir()
        Path("mine here").rename("Package/conf")
        write("Package/__init__.py", "from pathlib import Path\nPath('executed').touch()\n")
        monkeypatch.syspath_prepend(workplace)
        code, printed, _ = answer("train", "hydra.searchpath=[pkg://Package.conf]", "optimizer=fast", "--cfg", "job")
        assert code == 0 and "lr: 0.5" in printed and not Path("executed").exists()

    @pytest.mark.parametrize(
        ("place", "message"),
        [("[nowhere]", "there is no such folder"), ("[pkg://nowhere]", "no such package is installed"),
         ("[.]", "has no options"), ("[http://mine]", "expected file://FOLDER or pkg://PACKAGE"),
         ("[a],[b]", "expected folders"), ("3", "expected folders")],
    )  # fmt: skip
    def test_others_are_refused(self, place, message):
        with pytest.raises(InputError, match=message):
            take_searchpath([f"hydra.searchpath={place}"])

    def test_a_trusted_part_is_completed_by_its_defaults(self, answer, monkeypatch):
        monkeypatch.setenv("LINNET_TRUST", "")
        write("its_parts.py", LOSS)
        write("conf/loss/quantile.yaml", "_target_: its_parts.L\nq: 0.3\n")
        words = ("train", "data=diabetes", "loss=quantile", "loss.p=2.0", *QUICK, "hydra.run.dir=run")
        assert answer(*words)[0] == 2
        assert answer(words[0], "--trust", "./its_parts.py", *words[1:])[0] == 0
        assert read_json(Path("run/manifest.json"))["config"]["loss"] == {"_target_": "its_parts.L", "q": 0.3, "p": 2.0}


def test_only_the_command_line_names_a_searchpath(answer):
    write("experiments/mine/experiment.yaml", "hydra: {searchpath: ['file://conf']}\n")
    code, _, errors = answer("train", "experiment=mine")
    assert code == 2 and "searchpath" in errors and errors.count("\n") == 1
    assert answer("train", *QUICK, "hydra.run.dir=run")[0] == 0
    recorded = Path("run/.hydra/hydra.yaml")
    recorded.write_text(recorded.read_text().replace("searchpath: []", "searchpath: ['file://conf']"))
    for command in ("evaluate run", "reproduce run", "resume run trainer.max_epochs=2"):
        code, _, errors = answer(*command.split(), "--accept-changed")
        assert code == 2 and "only the command line names folders of options" in errors, errors
