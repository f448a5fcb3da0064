"""Image sets that are absent, truncated or altered are refused with a remedy."""

import socket
from pathlib import Path
from urllib.error import URLError

import pytest
import torchvision
from small_images import CONTENTS, IMAGES, LABELS, load, refusal, write

from linnet.data.sources import images


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
