"""The runs whose files are changed, and the commands that read them."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from interrupted_run import interrupt
from pyarrow import csv, parquet

import linnet
from linnet.cli import main as cli

HOUSES = Path(__file__).parents[1] / "fixtures" / "format_1" / "houses.csv"
SHORT = ("figures=false", "threads=1", "trainer.max_epochs=2")
SWEEP = (
    "train -m hydra/launcher=vectorized data=synthetic_regression data.n_train=60 data.n_val=20 data.n_test=20 "
    "threads=1 trainer.max_epochs=2 optimizer.lr=0.01,0.1 hydra.sweep.dir=sweep"
)


class Command(NamedTuple):
    """A command on a subject.

    input: file that it is to read beside those of the run, and that is changed instead of these; None: none.
    """

    name: str
    subject: str
    words: str
    input: str | None = None


ON_RUNS = (
    Command("inspect", "table", "inspect run"),
    Command("inspect", "table", "inspect run --csv -"),
    Command("inspect", "classes", "inspect run"),
    Command("inspect", "sweep", "inspect sweep/0"),
    Command("predict", "table", "predict run --input new.csv --output -"),
    Command("predict", "classes", "predict run --input flowers.parquet --output out/p.csv"),
    Command("predict", "arrays", "predict run --input x.npy --output out/p.npy"),
    Command("export", "table", "export run --format json --output out/m.json"),
    Command("export", "classes", "export run --format json --output out/m.json"),
    Command("evaluate", "table", "evaluate run --json"),
    Command("evaluate", "classes", "evaluate run --json"),
    Command("evaluate", "arrays", "evaluate run --json"),
    Command("evaluate --input", "table", "evaluate run --input houses.csv --json"),
    Command("evaluate --input", "arrays", "evaluate run --input x.npy --target y.npy --json"),
    Command("compare", "table", "compare run"),
    Command("compare", "sweep", "compare sweep --no-figures"),
    Command("compare --figures", "table", "compare run --figures"),
    Command("compare --figures", "sweep", "compare sweep"),
    Command("report", "table", "report run --output out/page.html"),
    Command("report", "sweep", "report sweep --output out/page.html"),
    Command("resume", "interrupted", "resume run"),
    Command("resume trainer.max_epochs=3", "table", "resume run trainer.max_epochs=3"),
    Command("resume trainer.max_epochs=3", "arrays", "resume run trainer.max_epochs=3"),
    Command("reproduce", "table", "reproduce run --json --dir out/again"),
    Command("reproduce", "arrays", "reproduce run --json --dir out/again"),
    Command("train -m", "sweep", SWEEP),
    Command("inspect", "folds", "inspect run"),
    Command("inspect", "bootstrap", "inspect run"),
    Command("predict", "folds", "predict run --input new.csv --interval 0.6 --output -"),
    Command("evaluate", "folds", "evaluate run --json"),
    Command("compare", "folds", "compare run"),
    Command("report", "folds", "report run --output out/page.html"),
    Command("resume trainer.max_epochs=3", "folds", "resume run trainer.max_epochs=3"),
    Command("reproduce", "folds", "reproduce run --json --dir out/again"),
)
ON_INPUTS = (
    *(Command("predict", "table", f"predict run --input {name} --output -", name)
      for name in ("new.csv", "new.csv.gz", "new.parquet", "new.feather")),
    Command("evaluate", "table", "evaluate run --json", "houses.csv"),
    Command("evaluate", "classes", "evaluate run --json", "flowers.parquet"),
    Command("evaluate", "arrays", "evaluate run --json", "x.npy"),
    Command("evaluate --input", "table", "evaluate run --input other.csv --json", "other.csv"),
    *(Command("predict", "arrays", f"predict run --input {name} --output -", name)
      for name in ("new.npy", "new.npz", "new.safetensors")),
    Command("resume", "interrupted", "resume run", "y.npy"),
    Command("reproduce", "arrays", "reproduce run --json --dir out/again", "y.npy"),
)  # fmt: skip
SUBJECTS = ("table", "classes", "arrays", "interrupted", "sweep", "folds", "bootstrap")
OF_RESAMPLES = {
    "folds": ("resampling=kfold", "resampling.n_folds=3"),
    "bootstrap": ("resampling=bootstrap", "resampling.n_resamples=110", "optimizer=exact"),
}
OF_THE_RUN = ("evaluate", "resume", "reproduce")
"""Commands whose input is the data of the training, which the manifest has a checksum of."""


def root(subject: str) -> str:
    """Return the directory whose files are changed."""
    return "sweep" if subject == "sweep" else "run"


def make(folder: Path) -> None:
    """Train all subjects below a folder, each beside its data and decoys."""
    for subject in SUBJECTS:
        place = folder / subject
        (place / "decoys" / "more").mkdir(parents=True)
        (place / "decoys" / "precious").write_text("precious")
        (place / "decoys" / "more" / "bashrc").write_text("more")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(place)
            _train(subject)


def _train(subject: str) -> None:
    if subject == "table":
        shutil.copy(HOUSES, "houses.csv")
        shutil.copy(HOUSES, "other.csv")
        Path("new.csv").write_text("area,rooms\n50,2\n80,3\n71.5,2\n")
        table = csv.read_csv("new.csv")
        parquet.write_table(table, "new.parquet")
        with pa.OSFile("new.feather", "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        with pa.CompressedOutputStream("new.csv.gz", "gzip") as file:
            file.write(Path("new.csv").read_bytes())
        linnet.train(["data=table", "data.path=houses.csv", "data.target=price", *SHORT, "hydra.run.dir=run"])
    elif subject == "classes":
        rng, n = np.random.default_rng(0), 90
        columns = {
            "length": rng.normal(size=n), "petals": rng.integers(3, 9, n), "wild": rng.random(n) < 0.5,
            "colour": rng.choice(["red", "white", "blue"], n), "kind": rng.choice(["rose", "iris", "lily"], n),
        }  # fmt: skip
        parquet.write_table(pa.table(columns), "flowers.parquet")
        linnet.train(["data=table", "data.path=flowers.parquet", "data.target=kind", *SHORT, "hydra.run.dir=run"])
    elif subject in OF_RESAMPLES:
        shutil.copy(HOUSES, "houses.csv")
        Path("new.csv").write_text("area,rooms\n50,2\n80,3\n")
        words = ["data=table", "data.path=houses.csv", "data.target=price", *SHORT, "hydra.run.dir=run"]
        linnet.train([*words, *OF_RESAMPLES[subject]])
    elif subject == "sweep":
        assert cli.run(SWEEP.split()) == 0
    else:
        rng = np.random.default_rng(1)
        x, y = rng.normal(size=(60, 5)), rng.integers(0, 3, 60)
        np.save("x.npy", x)
        np.save("y.npy", y)
        np.save("new.npy", x[:7])
        np.savez("new.npz", x=x[:7])
        header = b'{"x":{"dtype":"F64","shape":[7,5],"data_offsets":[0,280]}}'
        Path("new.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + x[:7].tobytes())
        words = ("data=arrays", "data.x=x.npy", "data.y=y.npy", "data.batch_size=8")
        if subject == "arrays":
            linnet.train([*words, *SHORT, "hydra.run.dir=run"])
        else:
            interrupt(Path("run"), 9, *words)


class World:
    """Working copies of the subjects, which are put back after each command.

    Args:
        trained: the folder of `make`.
        folder: of the copies.
    """

    def __init__(self, trained: Path, folder: Path) -> None:
        self.trained, self.folder = trained, folder
        shutil.copytree(trained, folder, dirs_exist_ok=True)
        self.outside = {subject: self._outside(subject) for subject in SUBJECTS}

    @contextmanager
    def fresh(self, command: Command) -> Iterator[None]:
        """Put the files of the command's subject in place, with an empty folder out/, and enter it."""
        place, original = self.folder / command.subject, self.trained / command.subject
        for name in (root(command.subject), "out"):
            shutil.rmtree(place / name, ignore_errors=True)
        shutil.copytree(original / root(command.subject), place / root(command.subject))
        (place / "out").mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(place)
            try:
                yield
            finally:
                if command.input is not None:
                    given = place / command.input
                    shutil.rmtree(given) if given.is_dir() and not given.is_symlink() else given.unlink(missing_ok=True)
                    shutil.copy2(original / command.input, given)

    def restore(self, command: Command) -> None:
        """Put the whole folder of the command's subject back, after a command that did not end."""
        shutil.rmtree(self.folder / command.subject)
        shutil.copytree(self.trained / command.subject, self.folder / command.subject)

    def changed_outside(self, command: Command) -> list[str]:
        """Return what differs outside of what the command may write, in the subject's folder; put it back."""
        now, before = self._outside(command.subject), self.outside[command.subject]
        found = [name for name in {*now, *before} if now.get(name) != before.get(name) and name != command.input]
        if found:
            self.restore(command)
        return found

    def _outside(self, subject: str) -> dict[str, bytes]:
        place = self.folder / subject
        written = {root(subject), "out"}
        paths = [path for entry in place.iterdir() if entry.name not in written for path in (entry, *entry.rglob("*"))]
        return {path.relative_to(place).as_posix(): path.read_bytes() if path.is_file() else b"" for path in paths}


def signature(folder: Path) -> dict[str, tuple[int, ...]]:
    """Return what changes if anything in a folder is written to."""
    return {
        path.relative_to(folder).as_posix(): (about.st_mode, about.st_ino, about.st_size, about.st_mtime_ns)
        for path in folder.rglob("*")
        for about in [path.lstat()]
        if path.name != ".lock"
    }


def results(command: Command) -> str:
    """Return what a command has written that counts, as text."""
    if command.name.startswith("resume"):
        run = Path(command.words.split()[1])
        names = ("weights.safetensors", "metrics.json", "history.csv")
        return " ".join(_digest(run / name) for name in names)
    if command.name == "train -m":
        return ""  # a job that is finished is kept; one that is not is run again, and that is printed
    texts = {path.name: _digest(path) for path in sorted(Path("out").iterdir()) if path.is_file()}
    if command.name.startswith("compare") and Path("sweep/summary.csv").is_file():
        texts["summary.csv"] = Path("sweep/summary.csv").read_text()
    return str(texts)


def _digest(path: Path) -> str:
    if not path.is_file() or path.is_symlink():
        return "none"
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(2**20):  # not as a whole: it may have been made to grow
            digest.update(part)
    return digest.hexdigest()
