"""The wheel holds everything: groups, experiments and code work from another folder, without the repository."""

import os
import re
import subprocess
import sys
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from pages import check

from linnet import __version__ as package_version

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with linnet installed from its wheel."""
    built, target = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", built, ROOT], check=True)
    (wheel,) = built.glob("linear_networks-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", target, wheel], check=True)
    return target


def read_metadata(path: Path) -> Message:
    return Parser().parsestr(path.read_text(encoding="utf-8"))


def linnet(installed: Path, folder: Path, *arguments: str) -> str:
    """Standard output of the command, run in `folder` by the code in `installed`."""
    code = (
        "import sys, linnet; assert linnet.__file__.startswith(sys.argv.pop(1)), linnet.__file__; "
        "from linnet.cli.main import main; main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", code, str(installed), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_distribution_has_a_free_name_and_the_version_of_the_package(installed: Path) -> None:
    """Another project has the name `linnet` on the public index."""
    (metadata,) = (read_metadata(path) for path in installed.glob("*.dist-info/METADATA"))
    assert metadata["Name"] != "linnet"
    assert metadata["Version"] == package_version
    assert {"sweeps", "export"} <= set(metadata.get_all("Provides-Extra") or ())


def test_no_text_sends_users_to_the_project_of_that_name() -> None:
    """Extras come from the clone or wheel."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
    texts = [ROOT / name for name in listed if name.endswith((".py", ".md", ".toml", ".yaml", ".txt", "Makefile"))]
    texts = [path for path in texts if path != Path(__file__) and path.is_file()] or [ROOT / "README.md"]
    pattern = re.compile(r"""pip install (-U |--upgrade )?['"]?linnet\b""")
    assert [path.name for path in texts if pattern.search(path.read_text(encoding="utf-8"))] == []


def test_every_option_and_experiment_is_listed(installed: Path, tmp_path: Path) -> None:
    listed = linnet(installed, tmp_path, "train", "--help").split()
    shipped = [path.stem for path in ROOT.glob("conf/*/[!_]*.yaml")]
    shipped += [path.parent.name for path in ROOT.glob("experiments/*/experiment.yaml")]
    assert len(shipped) > 50
    assert set(shipped) <= set(listed)


def test_a_project_of_ones_own_is_made(installed: Path, tmp_path: Path) -> None:
    linnet(installed, tmp_path, "new", "my_project")
    for path in (ROOT / "src/linnet/cli/new_project").rglob("*"):
        place = tmp_path / "my_project" / path.relative_to(ROOT / "src/linnet/cli/new_project")
        assert "__pycache__" in path.parts or path.is_dir() or place.read_bytes() == path.read_bytes()


def test_an_experiment_trains(installed: Path, tmp_path: Path) -> None:
    quick = ("trainer.max_epochs=1", "figures=false")
    linnet(installed, tmp_path, "train", "experiment=weight_decay", "hydra.run.dir=here", *quick)
    assert (tmp_path / "here" / "metrics.json").exists()
    linnet(installed, tmp_path, "report", "here", "weight_decay", "--output", "page.html")
    page = check((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert len(page.texts("script")) == 3 and "Weight decay" in page.texts("h2")
