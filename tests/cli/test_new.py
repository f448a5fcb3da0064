"""`linnet new`: what it writes installs, trains, sweeps and passes its tests; what it cannot write it leaves alone."""

import json
import os
import re
import shlex
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from linnet.cli import new

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "src" / "linnet" / "cli" / "new_project"
LONG = "a_name_of_some_length_for_a_small_project_of_ours"

pytestmark = pytest.mark.usefixtures("workplace")


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestFiles:
    def test_are_those_of_the_template_under_the_new_name(self, answer):
        code, output, errors = answer("new", "flats")
        assert (code, errors) == (0, "")
        expected = {
            name.replace("my_project", "flats"): content.replace(b"my_project", b"flats")
            for name, content in files_of(TEMPLATE).items()
            if "__pycache__" not in name
        }
        assert files_of(Path("flats")) == expected and "src/flats/losses.py" in expected
        assert [path.name for path in Path().iterdir()] == ["flats"]
        assert output.splitlines() == [
            "project flats: a loss, a data source, a metric; see flats/README.md",
            "install pip install --no-deps --no-build-isolation -e flats",
            "train   cd flats && linnet train data=prices loss=pinball optimizer.lr=10",
            "sweep   linnet train -m experiment=learning_rate",
            "test    python -m pytest",
        ]

    @pytest.mark.parametrize("name", ["f", LONG])
    @pytest.mark.parametrize("command", ["check --no-cache", "format --check --no-cache"])
    def test_follow_linnets_rules_whatever_the_name(self, name, command, answer):
        answer("new", name)
        ruff = [sys.executable, "-m", "ruff", *command.split(), "--config", str(ROOT / "pyproject.toml"), "."]
        done = subprocess.run(ruff, cwd=name, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_the_readme_is_short_and_nothing_comes_from_an_index(self):
        assert len((TEMPLATE / "README.md").read_text().splitlines()) < 60
        assert "\ndependencies = []\n" in (TEMPLATE / "pyproject.toml").read_text()
        installing = re.findall("pip install.*", "".join(map(bytes.decode, files_of(TEMPLATE).values())))
        assert installing == ["pip install --no-deps --no-build-isolation -e my_project"]


class TestRefused:
    @pytest.mark.parametrize(
        "name", ["", "my-project", "2nd", "class", "a/b", "../b", ".", "ä", "a_", "a" * 61, "a\nb"]
    )
    def test_a_name_that_is_none_of_a_package(self, name, refusal):
        assert "expected the name of a Python package" in refusal("new", name)

    @pytest.mark.parametrize("name", ["linnet", "torch", "json", "winreg", "linear_networks", "scikit_learn"])
    def test_the_name_of_what_is_installed(self, name, refusal):
        assert refusal("new", name).endswith("of this name is installed: give another name")

    @pytest.mark.parametrize("name", new.FOLDERS)
    def test_the_name_of_a_folder_that_means_something(self, name, refusal):
        assert "projects have a folder of this name in them" in refusal("new", name)

    def test_a_name_that_is_taken(self, refusal):
        Path("folder").mkdir()
        Path("file").write_text("mine")
        Path("link").symlink_to("nowhere")
        for name in ("folder", "file", "link"):
            assert refusal("new", name) == f"linnet: new: {name} exists: remove it, or give another name"
        assert Path("file").read_text() == "mine" and Path("link").is_symlink()

    @pytest.mark.parametrize("words", [[], ["a", "b"], ["a", "--force"]])
    def test_other_arguments(self, words, refusal):
        assert "see `linnet new --help`" in refusal("new", *words)


def environment(folder: Path) -> dict[str, str]:
    """Make an environment that has the packages of this one and whose installations stay its own."""
    venv.create(folder, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    lines = [f"import site; site.addsitedir({place!r})\n" for place in site.getsitepackages()]
    (folder / "lib" / version / "site-packages" / "those.pth").write_text("".join(lines))
    for name, module in (("linnet", "linnet.cli.main"), ("pip", "pip._internal.cli.main")):
        program = folder / "bin" / name
        program.write_text(f"#!{folder}/bin/python\nimport sys\nfrom {module} import main\nsys.exit(main())\n")
        program.chmod(0o755)
    given = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "LINNET_TRUST")}
    offline = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return {**given, **offline, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.long
def test_it_installs_trains_sweeps_and_passes_its_tests(tmp_path, answer):
    """Every command of its README, as it stands there."""
    assert answer("new", "flats")[0] == 0
    text = Path("flats/README.md").read_text()
    commands = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    assert [command.split()[0] for command in commands] == ["pip", *["linnet"] * (len(commands) - 2), "python"]
    variables, printed = environment(tmp_path / "venv"), {}
    for command in commands:
        place = "." if command.startswith("pip") else "flats"
        program, *words = shlex.split(command)
        words = [str(tmp_path / "venv" / "bin" / program), *words]
        done = subprocess.run(words, cwd=place, env=variables, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        printed[command] = done.stdout
    assert " passed" in printed["python -m pytest"] and "skipped" not in printed["python -m pytest"]
    (run,) = Path("flats/runs/prices").iterdir()
    manifest, metrics = (json.loads((run / name).read_text()) for name in ("manifest.json", "metrics.json"))
    assert manifest["own_parts"]["flats.losses.Pinball"]["version"] == "0.1.0"
    assert manifest["own_parts"].keys() == {"flats.losses.Pinball", "flats.data.prices", "flats.metrics.MAPE"}
    assert metrics["test/mae"] < 10  # 8.0 of the noise itself
    assert metrics["test/loss"] == pytest.approx(metrics["test/mae"] / 2, rel=1e-5)  # of the median
    lowest, highest = 100, 600  # all prices lie between
    assert metrics["test/mae"] / highest < metrics["test/mape"] / 100 < metrics["test/mae"] / lowest
    jobs = [json.loads(path.read_text()) for path in Path("flats/runs/learning_rate").glob("*/metrics.json")]
    assert len(jobs) == 6 and all(job["val/mape"] > 0 for job in jobs)
