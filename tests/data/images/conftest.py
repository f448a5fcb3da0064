"""What the tests of image sets share: a small set, in no other place than the test's own."""

import hashlib
from pathlib import Path

import pytest
from small_images import CONTENTS, SIZES

from linnet.data.sources import images


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
