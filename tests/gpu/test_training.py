"""Training on a GPU: recorded steps equal steps one by one, the CPU up to rounding, and themselves bit for bit."""

from pathlib import Path

import pytest
import torch

import linnet
from linnet.system.reading import read_json

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU on this machine")

BLOBS = ("data=gaussian_blobs", "data.n_train=3000", "data.n_val=300", "data.n_test=300", "data.batch_size=64")
DIABETES = ("data=diabetes", "data.batch_size=48")
CASES = [
    (*BLOBS, "schedule=cosine", "schedule.warmup_epochs=1"),
    (*BLOBS, "optimizer=adam", "penalty=l2", "penalty.strength=0.01", "trainer.gradient_clip_val=0.5"),
    (*BLOBS, "loss=cross_entropy_naive", "optimizer=momentum", "penalty=l1", "penalty.strength=0.01"),
    (*BLOBS, "optimizer=adamw", "optimizer.lr=0.01", "data.dtype=float64"),
    (*BLOBS, "optimizer=torch_adam", "optimizer.lr=0.01"),
    (*BLOBS, "loss=torch_cross_entropy"),
    (*DIABETES, "optimizer=rmsprop", "loss=huber", "optimizer.lr=0.01"),
    (*DIABETES, "optimizer=adagrad", "loss=log_cosh", "penalty=elastic_net", "penalty.strength=0.1"),
    (*DIABETES, "resampling=kfold", "optimizer.lr=0.05"),
]


def trained(folder: Path, *overrides: str) -> tuple[dict[str, float], str]:
    linnet.train(["figures=false", "optimum=off", "trainer.max_epochs=5", *overrides, f"hydra.run.dir={folder}"])
    return read_json(folder / "metrics.json"), read_json(folder / "manifest.json")["weights_sha256"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: ",".join(case[-2:]))
def test_equals_the_cpu(case, tmp_path):
    found, expected = trained(tmp_path / "gpu", *case, "trainer=gpu")[0], trained(tmp_path / "cpu", *case)[0]
    assert found.keys() == expected.keys()
    for key in (key for key in expected if key.endswith("/loss")):
        assert found[key] == pytest.approx(expected[key], rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case[-1])
def test_equals_itself_bit_for_bit(case, tmp_path):
    assert len({trained(tmp_path / str(run), *case, "trainer=gpu")[1] for run in range(2)}) == 1


def test_resumed_run_ends_with_the_same_weights(tmp_path):
    options = (*BLOBS, "optimizer=adam", "trainer=gpu")
    whole = trained(tmp_path / "whole", *options, "trainer.max_epochs=6")[1]
    trained(tmp_path / "part", *options, "trainer.max_epochs=3")
    linnet.resume(tmp_path / "part", max_epochs=6)
    assert read_json(tmp_path / "part" / "manifest.json")["weights_sha256"] == whole


def test_memory_is_given_back(tmp_path):
    trained(tmp_path / "first", *CASES[0], "trainer=gpu")
    before = torch.cuda.memory_allocated()
    trained(tmp_path / "second", *CASES[0], "trainer=gpu")
    assert torch.cuda.memory_allocated() <= before + 2**20
