"""Image sets: read from wherever they lie, once, and kept unpacked."""

import numpy as np
import pytest
import torch
from small_images import CONTENTS, IMAGES, arrays, load, refusal, write

from linnet.data import image_classes
from linnet.data.sources import images
from linnet.system import files


class TestSecondTime:
    """The jobs of a sweep in one process read the files once, but see when they change."""

    def test_reads_nothing_as_long_as_the_files_are_the_same(self, raw, tmp_path):
        write(raw)
        assert load(tmp_path) is load(tmp_path)

    def test_reads_files_that_were_altered(self, raw, tmp_path):
        write(raw)
        load(tmp_path)
        write(raw, **{IMAGES: CONTENTS[IMAGES][:-1] + b"\0\0"})
        assert "altered" in refusal(tmp_path)

    def test_does_not_take_one_dtype_or_place_for_another(self, raw, tmp_path):
        write(raw)
        assert load(tmp_path, dtype="float64").train.x.dtype != load(tmp_path).train.x.dtype
        write(tmp_path / "elsewhere" / "FashionMNIST" / "raw")
        assert image_classes("FashionMNIST", str(tmp_path / "elsewhere"), False, "float32", seed=0) is not load(
            tmp_path
        )


class TestContent:
    def test_is_that_of_the_files(self, raw, tmp_path):
        write(raw)
        source = load(tmp_path, dtype="float64")
        x_train, y_train, x_test, y_test = arrays()
        for part, x, y in ((source.train, x_train, y_train), (source.test, x_test, y_test)):
            np.testing.assert_allclose(part.x.numpy(), x.reshape(len(x), 784) / 255, rtol=1e-15)
            assert part.y.tolist() == y.tolist()
            assert part.y.dtype == torch.int64
        assert source.image_shape == (28, 28)
        assert len(source.class_names) == 10

    def test_of_float32_is_that_of_float64_rounded(self, raw, tmp_path):
        write(raw)
        single, double = load(tmp_path), load(tmp_path, dtype="float64")
        assert single.train.x.dtype == torch.float32
        torch.testing.assert_close(single.train.x, double.train.x.float(), rtol=1.2e-7, atol=0)

    def test_has_a_checksum_that_tells_sets_apart(self, raw, tmp_path, monkeypatch):
        write(raw)
        first = load(tmp_path).checksum
        assert load(tmp_path, dtype="float64").checksum == first
        monkeypatch.setattr(images, "SHA256", {})
        content = bytearray(CONTENTS[IMAGES])
        content[-1] ^= 1
        write(raw, **{IMAGES: bytes(content)})
        assert load(tmp_path).checksum != first

    @pytest.mark.parametrize("name", ["FashionMNIST", "MNIST", "KMNIST"])
    def test_of_each_set_lies_in_a_folder_of_its_name(self, name, tmp_path):
        write(tmp_path / "root" / name / "raw")
        assert len(load(tmp_path, name=name).train) == 6
        assert len(set(images.CLASS_NAMES[name])) == 10

    def test_of_the_real_set_has_its_sizes(self, fashion_mnist):
        assert (len(fashion_mnist.train), len(fashion_mnist.test)) == (60_000, 10_000)
        assert torch.bincount(fashion_mnist.train.y).tolist() == [6000] * 10
        assert torch.bincount(fashion_mnist.test.y).tolist() == [1000] * 10
        assert (fashion_mnist.train.x.min(), fashion_mnist.train.x.max()) == (0, 1)


class TestPlace:
    @pytest.fixture
    def cached(self, tmp_path, monkeypatch):
        """A function that loads through the cache, which is the same folder as the named one of the other tests."""
        monkeypatch.setenv("LINNET_DATA", str(tmp_path / "root"))
        return lambda: image_classes("FashionMNIST", None, False, "float32", 0)

    def test_may_be_the_environment_s(self, raw, tmp_path, monkeypatch):
        write(raw)
        monkeypatch.setenv("LINNET_DATA", str(tmp_path / "root"))
        assert len(image_classes("FashionMNIST", None, False, "float32", 0).train) == 6

    @pytest.mark.parametrize("place", ["root/FashionMNIST/raw", "distributed"])
    def test_may_hold_zipped_files(self, place, raw, tmp_path):
        write(tmp_path / place, zipped=True)
        assert load(tmp_path).train.y.tolist() == arrays()[1].tolist()

    def test_keeps_the_unpacked_files_for_the_next_time(self, raw, tmp_path, cached):
        write(tmp_path / "distributed", zipped=True)
        first = cached()
        assert {path.name: path.read_bytes() for path in raw.iterdir()} == CONTENTS
        for path in (tmp_path / "distributed").iterdir():
            path.unlink()
        assert cached().checksum == first.checksum

    def test_that_is_named_is_only_read(self, tmp_path):
        write(tmp_path / "distributed", zipped=True)
        load(tmp_path)
        assert not (tmp_path / "root").exists()

    def test_never_holds_half_an_unpacked_file(self, raw, tmp_path, monkeypatch, cached):
        write(tmp_path / "distributed", zipped=True)

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(files.os, "fsync", full)
        assert len(cached().train) == 6
        assert list(raw.iterdir()) == []

    def test_that_cannot_be_written_is_no_hindrance(self, raw, tmp_path, monkeypatch, cached):
        write(tmp_path / "distributed", zipped=True)

        def forbidden(*_: object) -> None:
            raise PermissionError

        monkeypatch.setattr(images, "write_atomic", forbidden)
        assert len(cached().train) == 6
        assert list(raw.iterdir()) == []
