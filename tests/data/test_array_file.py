"""Arrays in .npy, .npz and .safetensors files: which one is meant, its numbers, and files that are none."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from shards import source

from linnet.data.storage.array_file import File, open_array
from linnet.data.storage.sharded_arrays import find_shards
from linnet.system.errors import InputError

X = np.random.default_rng(0).normal(size=(9_000, 36)).astype(np.float32)
Y = np.arange(9_000) % 3


def write(path: Path, **arrays: Any) -> Path:
    if path.suffix == ".safetensors":
        safetensors.numpy.save_file(arrays, path)
    else:
        (np.savez_compressed if "compressed" in path.name else np.savez)(path, **arrays)
    return path


def refusal(key: str, path: Path | str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        find_shards(key, str(path))
    assert len(str(caught.value).splitlines()) == 1
    assert all(word in str(caught.value) for word in words), str(caught.value)


class TestNumbers:
    @pytest.mark.parametrize("name", ["all.npz", "compressed.npz", "all.safetensors"])
    @pytest.mark.parametrize("kind", ["float16", "float32", "float64", "uint8", "int64", "bool"])
    def test_are_those_that_were_saved(self, name, kind, tmp_path):
        x = (X * 10).astype(kind)
        path = write(tmp_path / name, x=x, y=Y)
        train = source(path, path, dtype="float64").train
        np.testing.assert_array_equal(train.x.numpy(), x.astype(np.float64))
        assert train.y.tolist() == Y.tolist()

    @pytest.mark.parametrize("name", ["all.npz", "all.safetensors"])
    def test_are_mapped_where_they_are_not_compressed(self, name, tmp_path):
        path = write(tmp_path / name, x=X, y=Y)
        train = source(path, path, max_memory_mb=1).train
        assert train.streamed
        np.testing.assert_array_equal(np.concatenate([batch.x.numpy().copy() for batch in train.chunks(999)]), X)

    @pytest.mark.parametrize("memory", [1, 256])
    def test_of_bfloat16_are_those_of_torch(self, memory, tmp_path):
        x = torch.from_numpy(X).bfloat16()
        safetensors.torch.save_file({"x": x, "y": torch.from_numpy(Y)}, tmp_path / "all.safetensors")
        train = source(tmp_path / "all.safetensors", tmp_path / "all.safetensors", max_memory_mb=memory).train
        assert torch.equal(torch.cat([batch.x.clone() for batch in train.chunks(999)]), x.float())

    def test_in_fortran_order_are_read_by_rows(self, tmp_path):
        file = open_array("data.x", write(tmp_path / "all.npz", x=np.asfortranarray(X)), None)
        np.testing.assert_array_equal(file.rows(7, 20), X[7:20])


class TestChoice:
    @pytest.mark.parametrize("name", ["all.npz", "all.safetensors"])
    def test_is_by_key_then_by_letter_then_the_only_one(self, name, tmp_path):
        def chosen(key: str, path: Path | str) -> str | None:
            return find_shards(key, str(path)).files[0].name

        path = write(tmp_path / name, x=X, y=Y, x_test=X, other=X)
        assert chosen("data.x", path) == "x"
        assert chosen("data.x_test", path) == "x_test"
        assert chosen("data.x_val", path) == "x"
        assert chosen("data.x", f"{path}:other") == "other"
        assert chosen("data.x", write(tmp_path / f"one.{name}", embeddings=X)) == "embeddings"

    def test_goes_for_every_shard(self, tmp_path):
        for i in range(2):
            write(tmp_path / f"part_{i}.npz", features=X + i, labels=Y)
        shards = find_shards("data.x", f"{tmp_path}/part_*.npz:features")
        assert len(shards) == 2 * len(X)
        out = np.empty((2, 36), np.float32)
        shards.read(len(X) - 1, out)
        np.testing.assert_array_equal(out, [X[-1], X[0] + 1])

    def test_of_a_name_that_is_not_there_is_refused_with_those_that_are(self, tmp_path):
        path = write(tmp_path / "all.npz", a=X, b=Y)
        refusal("data.x", path, ["no array is named x", "there are a, b", f"data.x={path}:a"])
        refusal("data.y", f"{path}:c", ["no array is named c", "there are a, b"])

    def test_of_one_array_for_both_is_refused(self, tmp_path):
        path = write(tmp_path / "one.npz", a=X)
        with pytest.raises(InputError, match=r"data.x and data.y are one array"):
            source(path, path)


class TestRefused:
    def test_objects_are_not_unpickled(self, tmp_path):
        np.savez(tmp_path / "x.npz", x=np.array([{}, {}], dtype=object))
        refusal("data.x", tmp_path / "x.npz", ["x.npz:x holds Python objects", "array of numbers"])

    @pytest.mark.parametrize(("kind", "said"), [("complex64", "complex64"), ("<U3", "<U3")])
    def test_no_numbers(self, kind, said, tmp_path):
        np.savez(tmp_path / "x.npz", x=np.zeros(3, kind))
        refusal("data.x", tmp_path / "x.npz", [f"x.npz:x holds {said}", "expected numbers"])
        safetensors.torch.save_file({"x": torch.zeros(3).to(torch.float8_e4m3fn)}, tmp_path / "x.safetensors")
        refusal("data.x", tmp_path / "x.safetensors", ["x.safetensors:x holds F8_E4M3", "expected numbers"])

    @pytest.mark.parametrize("shape", [(0, 3), (3, 0), ()])
    def test_nothing(self, shape, tmp_path):
        for path in (tmp_path / "x.npz", tmp_path / "x.safetensors"):
            write(path, x=np.zeros(shape))
            refusal("data.x", path, [f"{path}:x holds an array of shape {list(shape)}", "at least one row"])

    def test_archives_without_arrays(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            archive.writestr("readme.txt", "none")
        refusal("data.x", tmp_path / "x.npz", ["there are no arrays in this file"])
        (tmp_path / "x.safetensors").write_bytes((5).to_bytes(8, "little") + b"no{}!")
        refusal("data.x", tmp_path / "x.safetensors", ["x.safetensors cannot be read", "save it again"])

    @pytest.mark.parametrize("name", ["x.npz", "compressed.npz", "x.safetensors"])
    @pytest.mark.parametrize("left", [0, 5, 100, -20])
    def test_truncated(self, name, left, tmp_path):
        path = write(tmp_path / name, x=X, y=Y)
        path.write_bytes(path.read_bytes()[:left])
        refusal("data.x", path, [f"{path} cannot be read", "save it again"])

    def test_damaged_where_the_header_does_not_tell(self, tmp_path):
        path = write(tmp_path / "compressed.npz", x=X, y=Y)
        content = bytearray(path.read_bytes())
        content[20_000:20_100] = bytes(100)
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"compressed.npz cannot be read .*damaged"):
            source(path, path)

    def test_compressed_and_larger_than_memory(self, tmp_path):
        path = write(tmp_path / "compressed.npz", x=X, y=Y)
        with pytest.raises(InputError, match=r"npz:x is compressed.* 2 MiB.*data.max_memory_mb=1: save it"):
            source(path, path, max_memory_mb=1)


@pytest.mark.parametrize("shape", ["(-1, 64)", "(7, -5)", "(-7, -5)", "(True, 5)", "(0, 5)", "()"])
def test_of_a_shape_that_no_array_has_is_refused(shape, tmp_path):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    path = tmp_path / "x.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(280))
    refusal("data.x", path, ["expected at least one row of numbers"])


def test_prints_as_it_is_named():
    file = File(Path("a/b.npz"), "x", np.dtype("f4"), (1, 2), "C", 0, 0, 0)
    assert f"{file}" == "a/b.npz:x"
    assert str(file._replace(path=Path("x.npy"), name=None)) == "x.npy"
