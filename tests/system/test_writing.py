"""Everything is written through the door, or stands on the list below with the reason."""

import ast
from pathlib import Path

import pytest

import linnet
from linnet.system.errors import InputError
from linnet.system.writing import open_own

SOURCES = Path(linnet.__file__).parent
DOOR = ("system/files.py", "system/writing.py")
WRITERS = {
    "mkdir", "makedirs", "rmdir", "rmtree", "unlink", "rename", "write_text", "write_bytes", "symlink", "symlink_to",
    "hardlink_to", "touch", "copy", "copyfile", "copytree", "copy2", "move",
}  # fmt: skip
ALLOWED = {
    "cli/compare.py": {"output.mkdir", "(folder / old).unlink"},  # as asked for; only what its own list names
    "comparison/board.py": {"folder.mkdir"},  # in a temporary directory of this process, as the next
    "comparison/board_folder.py": {
        "own.mkdir",
        "(own / ADDED).write_bytes",
        "(own / events).symlink_to",
        "file.unlink",
        "shutil.rmtree",
        "folder.rmdir",  # of what earlier versions wrote
    },
    "data/sources/images.py": {"destination.parent.mkdir"},  # of linnet's cache
    "data/sources/image_folder.py": {"cache.parent.mkdir"},  # likewise
    "reproduction/book.py": {"folder.mkdir"},  # as asked for
    "reproduction/rerun.py": {  # the new run's, made here
        "directory.mkdir",
        "(directory / '.hydra').mkdir",
        "shutil.rmtree",
        "folder.rmdir",
    },
    "solvers/cache.py": {"folder.mkdir"},  # of linnet's cache
    "sweeps/job_directory.py": {"(path / '.hydra').mkdir", "(path / '.hydra' / name).write_text"},  # new job
    "sweeps/job_registry.py": {"self.folder.mkdir", "shutil.rmtree"},  # the sweep's, and jobs that never began
    "tracking/checkpoint.py": {"self.folder.mkdir"},
    "tracking/checkpoint_file.py": {"spare.unlink"},
    "tracking/claim.py": {"folder.mkdir", "folder.rmdir", "shutil.rmtree", "path.unlink"},  # what this process made
    "tracking/directory.py": {"file.unlink"},  # temporary files of a killed process
    "tracking/events.py": {"(folder / f'events.out.tfevents.{name}').open"},  # "x": never an existing one
    "tracking/lock.py": {"self.path.unlink"},
    "tracking/loggers/csv_file.py": {"file.unlink"},  # in its own folder, of an earlier start of the run
    "tracking/loggers/wandb_run.py": {"shutil.rmtree"},  # wandb's files of an earlier start of the run
    "tracking/logger.py": {"path.unlink"},  # event files after the checkpoint
}


def test_nothing_else_writes():
    for path in SOURCES.rglob("*.py"):
        name = path.relative_to(SOURCES).as_posix()
        found = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and writes(node)
        }
        if name not in DOOR:
            assert found == ALLOWED.get(name, set()), name


def writes(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    words = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    opens = name == "open" and any(isinstance(word, str) and set(word) & set("wax+") == set(word) - set("rbt") != set()
                                   for word in words)  # fmt: skip
    return opens or (name in WRITERS and isinstance(call.func, ast.Attribute) and not is_data(call))


def is_data(call: ast.Call) -> bool:
    """Whether it copies a value in memory: `values.copy()`."""
    return ast.unparse(call.func).endswith(".copy") and not ast.unparse(call.func).startswith("shutil.")


@pytest.mark.parametrize("mode", ["w", "a", "r+b"])
def test_a_link_is_not_followed(tmp_path, mode):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "link").symlink_to("precious")
    with pytest.raises(InputError, match="is a link, and linnet writes into files of its own only: remove it"):
        open_own(tmp_path / "link", mode)
    assert (tmp_path / "precious").read_text() == "precious"


def test_other_files_are_opened_as_ever(tmp_path):
    with open_own(tmp_path / "new", "a", encoding="utf-8") as file:
        file.write("é")
    assert (tmp_path / "new").read_bytes() == "é".encode()
    with pytest.raises(FileNotFoundError):
        open_own(tmp_path / "no" / "new", "w")
