"""What small files and single numbers may make a process take of the machine, and what goes missing while it trains."""

import gzip
import hashlib
import io
import json
import resource
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

import linnet
from linnet.cli import main as cli
from linnet.config.groups import shipped
from linnet.solvers import cache
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.system.errors import InputError
from linnet.system.limits import gunzip
from linnet.system.reading import read_json
from linnet.tracking import checkpoint_file

ARRAYS = ("data=arrays", "data.x=x.npy", "data.y=y.npy", "trainer.max_epochs=1", "figures=false")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        np.save("x.npy", np.random.default_rng(0).normal(size=(40, 4)))
        np.save("y.npy", np.arange(40) % 2)
        linnet.train([*ARRAYS, "threads=1", "hydra.run.dir=run"])
    return folder


@pytest.fixture
def run(trained: Path, workplace: Path) -> Path:
    shutil.copytree(trained, workplace, dirs_exist_ok=True)
    return Path("run")


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which a command is refused."""
    assert cli.run(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("linnet: ") and said.count("\n") == 1
    return said


def peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class TestThreads:
    def test_of_a_thousand_million_are_refused(self, workplace, capsys):
        said = refusal(capsys, "train", "threads=1000000000")
        assert "threads=1000000000: expected a whole number in [1, 1024] or null" in said

    def test_of_a_saved_run_too(self, run, capsys):
        config = (run / ".hydra" / "config.yaml").read_text().replace("threads: 1", "threads: 1000000000")
        (run / ".hydra" / "config.yaml").write_text(config)
        for command in ("evaluate run", "reproduce run", "resume run trainer.max_epochs=2"):
            assert "threads=1000000000" in refusal(capsys, *command.split())

    def test_of_its_manifest_too(self, run, capsys):
        manifest = read_json(run / "manifest.json")
        (run / "manifest.json").write_text(json.dumps(manifest | {"threads": 10**9}))
        assert "manifest.json" in refusal(capsys, "resume", "run", "trainer.max_epochs=2")


@pytest.mark.parametrize("shape", [[1e9, 1e9], [10**9, 10**9], [-1, -4], [4, True], [2, 3], [4.0], ["4"]])
@pytest.mark.parametrize("command", ["inspect run", "export run --format json --output out.json"])
def test_a_shape_of_pictures_that_does_not_fit_is_refused(run, command, shape, capsys):
    node = read_json(run / "preprocessing.json")
    (run / "preprocessing.json").write_text(json.dumps(node | {"image_shape": shape}))
    before = peak()
    assert "preprocessing.json is damaged: image_shape is" in refusal(capsys, *command.split(), "--accept-changed")
    assert peak() - before < 2**27


@pytest.mark.parametrize("lines", [[f"data.x{i}={i}" for i in range(20_000)], ["seed=1"] * 20_000, ["a" * 1000] * 4000])
def test_thousands_of_overrides_are_read_at_once(run, lines, capsys):
    (run / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(lines))
    started = time.process_time()
    assert cli.run(["compare", "run"]) == 0
    assert time.process_time() - started < 10
    assert len(capsys.readouterr().out) < 100_000


class TestCheckpoint:
    """One whose checksum its author has made to fit."""

    @pytest.mark.parametrize("part", ["data.pkl", "0"])
    def test_that_unpacks_to_much_more_is_refused_unpacked(self, run, part, capsys):
        path = run / "checkpoints" / "last.ckpt"
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(name, bytes(2**28) if name.endswith(f"/{part}") else content)
        content = buffer.getvalue()[:-2]
        path.write_bytes(content + checkpoint_file.COMMENT + hashlib.sha256(content).hexdigest().encode())
        before = peak()  # which holds what was compressed
        with pytest.raises(InputError, match="is no checkpoint of linnet"):
            checkpoint_file.load(path)
        assert peak() - before < 2**27


class TestGzip:
    def test_that_unpacks_to_more_than_the_limit_is_refused(self):
        packed = gzip.compress(bytes(2**24), 1)
        assert gunzip(packed, 2**24) == bytes(2**24)
        with pytest.raises(ValueError, match="unpacks to more than 15 MiB"):
            gunzip(packed, 2**24 - 1)

    def test_of_a_table_is_refused_in_one_line(self, workplace, monkeypatch, capsys):
        Path("t.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 2**20))
        monkeypatch.setattr(gunzip, "__defaults__", (2**20,))
        said = refusal(capsys, "train", "data=table", "data.path=t.csv.gz", "data.target=b")
        assert "t.csv.gz: it unpacks to more than 1 MiB: unpack it yourself" in said


def test_a_full_disk_at_the_cache_of_optima_costs_the_search_only(run, monkeypatch, capsys):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("LINNET_DATA", str(Path("cache").absolute()))
    monkeypatch.setattr(cache, "write_atomic", full)
    assert cli.run(["train", *ARRAYS, "optimum=always", "hydra.run.dir=new"]) == 0
    assert read_json(Path("new/status.json"))["state"] == "completed"
    assert "optimum/loss" in read_json(Path("new/metrics.json"))


def test_a_damaged_cache_of_optima_is_replaced(run, monkeypatch):
    monkeypatch.setenv("LINNET_DATA", str(Path("cache").absolute()))
    for name in ("one", "two"):
        linnet.train([*ARRAYS, "optimum=always", f"hydra.run.dir={name}"])
        (kept,) = Path("cache/optimum").glob("*.safetensors")
        assert ProblemAnalysis.from_bytes(kept.read_bytes()).optimum.attained
        kept.write_bytes(b"damaged")


def test_a_run_directory_that_is_removed_ends_the_run_at_the_next_checkpoint(workplace, monkeypatch, capsys):
    from linnet.models import gradient_descent

    original, calls = gradient_descent.train_chunk, []

    def train_chunk(*arguments):
        calls.append(None)
        if len(calls) == 3:
            shutil.rmtree("run")
        return original(*arguments)

    monkeypatch.setattr(gradient_descent, "train_chunk", train_chunk)
    words = ["data=diabetes", "trainer.max_epochs=50", "figures=false", "hydra.run.dir=run"]
    assert cli.run(["train", *words]) == 1
    said = capsys.readouterr().err
    assert said.startswith("linnet: ") and said.count("\n") == 1 and "run" in said
    assert len(calls) < 10
    assert not Path("run").exists()


class TestImports:
    def test_of_a_module_do_not_hide_the_component_of_its_name(self, run):
        text = (
            "import linnet.data.sources.arrays, linnet.optimizers.exact, linnet.losses.huber, linnet\n"
            f"linnet.train([*{ARRAYS!r}, 'hydra.run.dir=other'])"
        )
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr

    def test_no_component_has_the_name_of_a_module_beside_it(self):
        root = Path(linnet.__file__).parent
        targets = {
            node["_target_"] for options in shipped().values() for node in options.values() if "_target_" in node
        }
        assert targets
        for target in targets:
            package, _, name = target.rpartition(".")
            folder = root.joinpath(*package.split(".")[1:])
            assert not (folder / f"{name}.py").exists() and not (folder / name).is_dir(), target
