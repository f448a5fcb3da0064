"""What the door lets through, and that everything else ends in one line, at once."""

import ast
import os
import re
import time
from pathlib import Path

import pytest

import linnet
from linnet.system.reading import Unreadable, read_bytes, read_json, read_yaml, sha256

SOURCES = Path(linnet.__file__).parent
BOMB = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)


class TestFile:
    def test_is_read(self, tmp_path):
        (tmp_path / "f").write_bytes(b"abc")
        assert read_bytes(tmp_path / "f") == b"abc"
        assert sha256(tmp_path / "f").startswith("ba7816bf")

    def test_behind_a_link_inside_its_directory_is_read(self, tmp_path):
        (tmp_path / "f").write_bytes(b"abc")
        (tmp_path / "link").symlink_to("f")
        assert read_bytes(tmp_path / "link") == b"abc"

    def test_in_a_directory_that_is_itself_a_link_is_read(self, tmp_path):
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "f").write_bytes(b"abc")
        (tmp_path / "link").symlink_to("run")
        assert read_bytes(tmp_path / "link" / "f", tmp_path / "link") == b"abc"

    @pytest.mark.parametrize("target", ["../outside", "/etc/hostname"])
    def test_behind_a_link_that_leads_out_is_refused(self, tmp_path, target):
        (tmp_path / "outside").write_text("secret")
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "f").symlink_to(target)
        with pytest.raises(Unreadable, match="leads out of"):
            read_bytes(tmp_path / "run" / "f")

    def test_in_a_folder_that_leads_out_is_refused(self, tmp_path):
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "config.yaml").write_text("a: 1")
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / ".hydra").symlink_to("../other")
        with pytest.raises(Unreadable, match="leads out of"):
            read_yaml(tmp_path / "run" / ".hydra" / "config.yaml", tmp_path / "run")

    @pytest.mark.parametrize("read", [read_bytes, read_json, read_yaml, sha256])
    def test_that_is_a_pipe_is_refused_at_once(self, tmp_path, read):
        os.mkfifo(tmp_path / "f")
        begin = time.monotonic()
        with pytest.raises(Unreadable, match="is a pipe or a device, not a file: remove it"):
            read(tmp_path / "f")
        assert time.monotonic() - begin < 5  # and not for ever

    def test_that_is_a_device_is_refused(self, tmp_path):
        with pytest.raises(Unreadable, match="is a pipe or a device"):
            read_bytes(Path("/dev/zero"))

    def test_that_is_too_large_is_refused_unread(self, tmp_path):
        with (tmp_path / "f").open("wb") as file:
            file.truncate(2**40)  # takes no room on the disk
        with pytest.raises(Unreadable, match="has 1099511627776 bytes"):
            read_json(tmp_path / "f")

    def test_that_is_missing_raises_as_open_does(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            read_bytes(tmp_path / "f")

    def test_that_is_a_directory_is_refused(self, tmp_path):
        with pytest.raises(Unreadable, match="is a directory, not a file: remove it"):
            read_bytes(tmp_path)

    def test_leaves_no_descriptor_open_when_refused(self, tmp_path):
        os.mkfifo(tmp_path / "f")
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(3):
            with pytest.raises(Unreadable):
                read_bytes(tmp_path / "f")
        assert len(list(Path("/proc/self/fd").iterdir())) == before


class TestJson:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("[" * 100_000 + "]" * 100_000, "nested more than 64 deep"),
            ('{"a":' * 65 + "1" + "}" * 65, "nested more than 64 deep"),
            ("1" * 400, "400 digits"),
            ('{"a": NaN}', "NaN, which is not JSON"),
            ('{"a": -Infinity}', "-Infinity, which is not JSON"),
            ('{"a": 1', "Expecting"),
            ("", "Expecting value"),
        ],
    )
    def test_that_linnet_never_writes_is_a_value_error(self, tmp_path, text, words):
        (tmp_path / "f").write_text(text)
        with pytest.raises(ValueError, match=words):
            read_json(tmp_path / "f")

    def test_in_other_bytes_than_utf_8_is_a_value_error(self, tmp_path):
        (tmp_path / "f").write_bytes(b'{"a": "\xff"}')
        with pytest.raises(ValueError, match="utf-8"):
            read_json(tmp_path / "f")

    def test_of_64_bits_and_depth_64_is_read(self, tmp_path):
        (tmp_path / "f").write_text("[" * 64 + str(2**63) + "]" * 64)
        node = read_json(tmp_path / "f")
        for _ in range(64):
            (node,) = node
        assert node == 2**63


class TestYaml:
    def test_is_read_as_omegaconf_reads_it(self, tmp_path):
        (tmp_path / "f").write_text("a: 1e-3\nb: [x, &y 2, *y]\nc: ${a}\n")
        assert read_yaml(tmp_path / "f") == {"a": 0.001, "b": ["x", 2, 2], "c": 0.001}

    def test_whose_aliases_multiply_is_refused_at_once(self, tmp_path):
        assert len(BOMB) < 500
        (tmp_path / "f").write_text(BOMB)
        begin = time.monotonic()
        with pytest.raises(ValueError, match="more than 100000 values"):
            read_yaml(tmp_path / "f")
        assert time.monotonic() - begin < 5

    @pytest.mark.parametrize(
        "text", ["[" * 100 + "]" * 100, "[" * 100_000, "a: [1", "a: *b", "{a: 1}}", "a: !!python/x 1"]
    )
    def test_that_is_deep_or_no_yaml_is_a_value_error(self, tmp_path, text):
        (tmp_path / "f").write_text(text)
        with pytest.raises(ValueError):
            read_yaml(tmp_path / "f")


ALLOWED = {
    "cli/new.py": {"template.joinpath(place).read_bytes"},  # the package's own
    "comparison/report/page.py": {
        "(files('linnet.comparison.report') / 'assets' / name).read_text"
    },  # the package's own
    "config/groups.py": {"OmegaConf.load", "path.read_text"},  # the package's own options
    "config/skeleton.py": {"file.read_text"},  # the package's own components
    "config/trust.py": {"file.read_bytes"},  # a module that the user of the command trusts
    "solvers/cache.py": {"path.read_bytes"},  # this user's cache
    "sweeps/grouping.py": {"Path('/proc/meminfo').read_text"},
    "system/parent.py": {"path.read_text"},  # of /proc
    "system/reading.py": {"OmegaConf.load", "yaml.load"},
    "tracking/checkpoint_file.py": {"torch.load"},  # of what came through the door
    "tracking/manifest.py": {"Path('/proc/cpuinfo').read_text"},
    "training/distributed/worker_group.py": {"torch.load"},  # of a pipe between own processes
}
OF_THE_USER = ("data/", "inference/opening.py")
"""Tables, arrays and images, which the user of the command names."""


def test_nothing_else_opens_files_of_runs():
    readers = {"read_text", "read_bytes", "load_file", "safe_open"}
    for path in SOURCES.rglob("*.py"):
        name = path.relative_to(SOURCES).as_posix()
        calls = [
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        ]
        found = {
            call
            for call in calls
            if call.rpartition(".")[2] in readers or re.fullmatch(r"(OmegaConf|np|torch|yaml)\.(load|safe_load)", call)
        }
        if not name.startswith(OF_THE_USER):
            assert found == ALLOWED.get(name, set()), name
