"""Checksums of data: one of all bytes, of large data one of the checksums of pieces; earlier ones are recognised."""

import hashlib

import array_runs
import numpy as np
import pytest
import torch

from linnet.data.storage import checksum as module
from linnet.data.storage.checksum import checksum, serial_checksum
from linnet.data.storage.examples import Examples
from linnet.system.reading import read_json
from linnet.training.evaluate import evaluate


def examples(n: int = 1000) -> Examples:
    random = torch.Generator().manual_seed(0)
    return Examples(torch.randn(n, 3, generator=random), torch.randint(0, 2, (n,), generator=random))


def test_of_small_data_is_that_of_its_bytes():
    some = examples()
    expected = hashlib.sha256(some.x.numpy().tobytes() + some.y.numpy().tobytes()).hexdigest()
    assert checksum(some, None) == serial_checksum(some) == expected


def test_of_large_data_is_as_documented(monkeypatch):
    monkeypatch.setattr(module, "LARGE", 12_000)
    monkeypatch.setattr(module, "PIECE", 5000)
    some = examples()
    arrays = [some.x.numpy().tobytes(), some.y.numpy().tobytes()]
    expected = hashlib.sha256(b"12000 8000 ")
    for piece in (arrays[0][:5000], arrays[0][5000:10000], arrays[0][10000:], arrays[1][:5000], arrays[1][5000:]):
        expected.update(hashlib.sha256(piece).digest())
    assert checksum(some) == f"sha256-16MiB:{expected.hexdigest()}"


@pytest.mark.parametrize("where", ["x", "y"])
def test_sees_one_changed_number(where, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 1)
    some = examples()
    before = checksum(some)
    getattr(some, where)[-1] += 1
    assert checksum(some) != before


def test_earlier_checksum_is_recognised(workplace, monkeypatch):
    x, y = array_runs.examples()
    np.save("x.npy", x)
    np.save("y.npy", y)
    assert array_runs.train() == 0
    before = read_json(workplace / "run" / "manifest.json")["data_checksum"]
    monkeypatch.setattr(module, "LARGE", 1)
    assert evaluate(workplace / "run")[1]
    assert array_runs.train(run="again") == 0
    assert read_json(workplace / "again" / "manifest.json")["data_checksum"] != before
    x[0, 0] += 1
    np.save("x.npy", x)
    assert not evaluate(workplace / "run")[1]
