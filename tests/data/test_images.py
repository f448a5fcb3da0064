"""Image sets: read from wherever they lie, and refused with a remedy when they are absent, truncated or altered."""

import gzip
import hashlib
import socket
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from idx_files import idx

from linnet.data import image_classes
from linnet.data.sources import images
from linnet.system import files
from linnet.system.errors import InputError

SIZES = (6, 6, 4, 4)
IMAGES, LABELS = images.FILES[0], images.FILES[1]


def arrays() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = [(size, 28, 28) if "images" in file else (size,) for file, size in zip(images.FILES, SIZES, strict=True)]
    return [rng.integers(0, 256 if len(shape) > 1 else 10, shape, np.uint8) for shape in shapes]


CONTENTS = {file: idx(array) for file, array in zip(images.FILES, arrays(), strict=True)}


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """Fashion-MNIST of ten images, found in no other place than the test's own."""
    monkeypatch.setattr(images, "SIZES", SIZES)
    sums = {file: hashlib.sha256(content).hexdigest() for file, content in CONTENTS.items()}
    monkeypatch.setattr(images, "SHA256", {"FashionMNIST": sums})
    monkeypatch.setattr(images, "DISTRIBUTED", {"FashionMNIST": tmp_path / "distributed"})


@pytest.fixture
def raw(tmp_path) -> Path:
    """Where torchvision keeps the files: <root>/FashionMNIST/raw."""
    folder = tmp_path / "root" / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    return folder


def write(folder: Path, zipped: bool = False, **changed: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in {**CONTENTS, **changed}.items():
        if zipped:
            (folder / f"{file}.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / file).write_bytes(content)


def load(tmp_path: Path, download: bool = False, name: str = "FashionMNIST", dtype: str = "float32"):
    return image_classes(name, str(tmp_path / "root"), download, dtype, seed=0)


def refusal(tmp_path: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        load(tmp_path, **options)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


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


class TestDamage:
    """A file that is not what it should be is named, and the remedy with it."""

    def altered(self, file: str, content: bytes, raw: Path, tmp_path: Path) -> str:
        write(raw, **{file: content})
        message = refusal(tmp_path)
        assert str(raw / file) in message
        return message

    def test_truncated(self, raw, tmp_path):
        message = self.altered(IMAGES, CONTENTS[IMAGES][:-1], raw, tmp_path)
        assert "truncated or altered" in message
        assert "delete it and run again" in message

    def test_one_bit_altered(self, raw, tmp_path):
        content = bytearray(CONTENTS[LABELS])
        content[-1] ^= 1
        assert "sha256 is not that of FashionMNIST" in self.altered(LABELS, bytes(content), raw, tmp_path)

    @pytest.mark.parametrize(
        ("file", "content"),
        [
            (IMAGES, b""),
            (IMAGES, b"\0\0"),
            (IMAGES, CONTENTS[IMAGES][:-1]),
            (IMAGES, CONTENTS[IMAGES] + b"\0"),
            (IMAGES, b"\0\0\x0d" + CONTENTS[IMAGES][3:]),
            (IMAGES, b"\0\0\x08\xff"),
            (IMAGES, CONTENTS[LABELS]),
            (LABELS, CONTENTS[images.FILES[3]]),
        ],
        ids=["empty", "two bytes", "short", "long", "floats", "255 dimensions", "labels", "of the test part"],
    )
    def test_of_the_format_is_found_without_a_checksum(self, file, content, raw, tmp_path, monkeypatch):
        monkeypatch.setattr(images, "SHA256", {})
        message = self.altered(file, content, raw, tmp_path)
        assert "truncated or not an idx file of shape [6" in message

    @pytest.mark.parametrize("keep", [0, 5, 30, -4])
    def test_truncated_zipped_file(self, keep, raw, tmp_path):
        write(raw, zipped=True)
        path = raw / f"{IMAGES}.gz"
        path.write_bytes(path.read_bytes()[:keep])
        assert str(path) in refusal(tmp_path)

    def test_not_zipped_at_all(self, raw, tmp_path):
        write(raw, zipped=True)
        path = raw / f"{IMAGES}.gz"
        path.write_bytes(CONTENTS[IMAGES])
        assert f"{path} cannot be read" in refusal(tmp_path)


class TestAbsence:
    @pytest.mark.parametrize("missing", images.FILES)
    def test_of_one_file_names_the_ways_to_get_it(self, missing, raw, tmp_path):
        write(raw)
        (raw / missing).unlink()
        message = refusal(tmp_path)
        assert "FashionMNIST is not on this machine, data.download=false forbids to fetch it" in message
        assert "(1) apt-get install dataset-fashion-mnist" in message
        assert f"(2) put its four idx files into {raw}" in message
        assert "(3) run once with network access and data.download=true" in message

    def test_of_a_set_without_package_names_two_ways(self, tmp_path):
        message = refusal(tmp_path, name="KMNIST")
        assert "(1) put its four idx files" in message
        assert "(2) run once" in message
        assert "apt-get" not in message

    @pytest.mark.parametrize("error", [URLError("no network"), TimeoutError(), RuntimeError("Error downloading")])
    def test_with_a_download_that_fails_names_the_ways_too(self, error, raw, tmp_path, monkeypatch):
        def fails(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(torchvision.datasets, "FashionMNIST", fails)
        before = socket.getdefaulttimeout()
        message = refusal(tmp_path, download=True)
        assert "could not be downloaded" in message
        assert "apt-get install dataset-fashion-mnist" in message
        assert socket.getdefaulttimeout() == before

    def test_is_mended_by_a_download(self, raw, tmp_path, monkeypatch):
        def fetch(root: str, download: bool) -> None:
            assert download
            assert socket.getdefaulttimeout() is not None
            write(Path(root) / "FashionMNIST" / "raw")

        monkeypatch.setattr(torchvision.datasets, "FashionMNIST", fetch)
        assert len(load(tmp_path, download=True).train) == 6

    def test_only_leads_to_a_download_where_nothing_is_found(self, raw, tmp_path, monkeypatch):
        write(raw)
        monkeypatch.setattr(torchvision.datasets, "FashionMNIST", None)
        load(tmp_path, download=True)
