"""Who is trusted is said by the person who runs the command: nothing found in files or folders can say it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from linnet.config.trust import VARIABLE

TRUST = ("--trust", "./my_parts.py")
COMMANDS = ("evaluate run", "resume run trainer.max_epochs=3", "reproduce run", "compare run --figures")
PREDICTING = ("predict run --input x.npy --output out.csv", "inspect run", "export run --format json --output out.json")


@pytest.fixture
def run(train):
    """A run with a loss and a callback of others, in a process that trusts nothing."""
    run = train("data=diabetes", "loss=my_parts.Pinball", "+callbacks.count._target_=my_parts.Quiet")
    Path("imported").unlink()
    sys.modules.pop("my_parts", None)
    return run


@pytest.fixture(autouse=True)
def quiet_callback(parts):
    with Path("my_parts.py").open("a") as file:
        file.write('\n\nclass Quiet(pl.Callback):\n    """Does nothing."""\n')


class TestNamed:
    def test_a_file_the_environment_and_a_module(self, linnet, monkeypatch):
        for words in (TRUST, ("--trust=./my_parts.py",), ("--trust", str(Path("my_parts.py").absolute()))):
            assert linnet("train", *words, "data=diabetes", "loss=my_parts.Pinball", "--cfg", "job")[0] == 0
        assert linnet("train", "data=diabetes", "loss=my_parts.Pinball", "--cfg", "job")[0] == 2

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("./absent.py", "there is no such file"), ("no_such_module", "no such module is installed"),
            ("./my-parts.py", "is no name of a module"), ("./json.py", "a module json is installed"),
            ("./broken.py", "cannot be imported: SyntaxError"),
            ("./raises.py", "cannot be imported: ZeroDivisionError"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_refused_in_one_line(self, linnet, name, message):
        Path("my-parts.py").write_text("")
        Path("json.py").write_text("")
        Path("broken.py").write_text("def")
        Path("raises.py").write_text("1 / 0")
        code, _, errors = linnet("train", "--trust", name, f"loss={Path(name).stem.replace('-', '_')}.A")
        assert code == 2 and message in errors and errors.count("\n") == 1

    @pytest.mark.parametrize(
        "target", ["my_parts.NUMBER", "my_parts.absent", "my_parts.torch.load", "my_parts.Path", "my_parts._rings",
                   "my_parts.Pinball.__init__", "my_parts.np.load"],
    )  # fmt: skip
    def test_only_what_the_module_defines(self, linnet, target):
        code, _, errors = linnet("train", *TRUST, f"loss._target_={target}")
        assert code == 2 and errors.startswith("linnet: ") and errors.count("\n") == 1

    def test_only_in_the_group_that_it_fits(self, linnet):
        for words in (("loss=my_parts.Momentum",), ("optimizer=my_parts.Pinball",), ("data=my_parts.Pinball",),
                      ("loss=torch.optim.SGD",), ("+callbacks.mine._target_=my_parts.Pinball",)):  # fmt: skip
            code, _, errors = linnet("train", *TRUST, *words)
            assert code == 2 and " is a " in errors and errors.count("\n") == 1, (words, errors)


@pytest.mark.parametrize("given", [
    "data=torch.optim.adam.adam", "data=torch.optim.sgd.sgd", "loss=torch.optim.lr_scheduler.StepLR",
    "+callbacks.mine._target_=torch.optim.swa_utils.AveragedModel", "optimizer=torch.optim.Optimizer.zero_grad",
])  # fmt: skip
def test_of_torchs_optimizers_nothing_else_can_be_built(linnet, given):
    code, _, errors = linnet("train", given)
    assert code == 2 and " is a " in errors and errors.count("\n") == 1


class TestNotNamed:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_that_needs_the_part_refuses_and_executes_nothing(self, run, linnet, command):
        before = sorted(Path().rglob("*"))
        code, _, errors = linnet(*command.split())
        assert code == 2 and errors.count("\n") == 1, errors
        assert "the module my_parts is not trusted here" in errors and "--trust ./my_parts.py" in errors
        assert not Path("imported").exists()
        assert sorted(Path().rglob("*")) == before

    def test_what_needs_numbers_only_goes_on(self, run, linnet):
        import numpy as np

        np.save("x.npy", np.zeros((2, 10)))
        for command in PREDICTING[:1]:
            assert linnet(*command.split())[0] == 0
        assert not Path("imported").exists()


PLANTED = {
    "pyproject.toml": '[project.entry-points."linnet.components"]\nmine = "my_parts"\n[tool.linnet]\ntrust = 1\n',
    "setup.cfg": "[options.entry_points]\nlinnet.components =\n    mine = my_parts\n",
    ".env": f"{VARIABLE}=my_parts\n",
    "sitecustomize.py": f'import os\nos.environ["{VARIABLE}"] = "my_parts"\n',
    "usercustomize.py": f'import os\nos.environ["{VARIABLE}"] = "my_parts"\n',
    "conftest.py": f'import os\nos.environ["{VARIABLE}"] = "my_parts"\n',
    "conf/train.yaml": "trust: [my_parts]\n",
    "conf/loss/mine.yaml": "_target_: my_parts.Pinball\nq: 0.5\n",
    "run/.hydra/trust.yaml": "[my_parts]\n",
    "mine.egg-info/entry_points.txt": "[linnet.components]\nmine = my_parts\n",
    "mine-1.0.dist-info/entry_points.txt": "[linnet.components]\nmine = my_parts\n",
    "mine-1.0.dist-info/METADATA": "Name: mine\nVersion: 1.0\n",
    "torch.py": "from pathlib import Path\nPath('imported').touch()\n",
    "linnet.py": "from pathlib import Path\nPath('imported').touch()\n",
}


@pytest.mark.parametrize("module", [False, True])
def test_nothing_in_the_run_or_the_current_directory_grants_trust(run, module):
    for name, text in PLANTED.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
    program = [sys.executable, "-m", "linnet"] if module else [shutil.which("linnet", path=Path(sys.executable).parent)]
    if module:
        Path("linnet.py").unlink()  # Python itself runs that file then
    done = subprocess.run([*program, "evaluate", "run"], env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and "is not trusted here" in done.stderr, done.stderr
    assert not Path("imported").exists()


@pytest.mark.parametrize(
    "override",
    [
        "hydra.searchpath=[file://conf]", f"hydra.job.env_set.{VARIABLE}=my_parts", "+trust=my_parts",
        "hydra.job.env_set.PYTHONPATH=.", "+hydra.runtime.trust=[my_parts]",
    ],
)  # fmt: skip
def test_no_override_of_an_experiment_grants_trust(linnet, override):
    Path("conf/loss").mkdir(parents=True)
    Path("conf/loss/mine.yaml").write_text(PLANTED["conf/loss/mine.yaml"])
    code, _, _ = linnet("train", "data=diabetes", override, "loss._target_=my_parts.Pinball")
    assert code == 2 and not Path("imported").exists()
    code, _, _ = linnet("train", "data=diabetes", override, "loss=mine")
    assert code == 2 and not Path("imported").exists()


def test_a_relative_module_of_the_name_of_a_trusted_one_is_not_it(linnet, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "my_parts.py").write_text("from pathlib import Path\nPath('imported').touch()\n")
    code, _, errors = linnet("train", "--trust", str(other / "my_parts.py"), "data=diabetes", "loss=my_parts.Pinball")
    assert code == 2 and "my_parts has no class or function Pinball" in errors
