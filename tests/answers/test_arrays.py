"""Weights and norms of the rows of arrays, through the command line."""

import numpy as np
import pytest
from array_runs import SOLVED, N, examples, read, refused, train, weights, write


class TestWeights:
    @pytest.mark.parametrize("kind", ["float16", "float64"])
    def test_of_two_equal_two_rows(self, kind, workplace):
        x, y = examples()
        x = x.astype(kind)
        w = np.arange(N) % 3  # 0, 1 and 2
        write(x=x, y=y, w=w)
        assert train("data.weight=w.npy", "data.val_fraction=0") == 0
        write(x=x.repeat(w, axis=0), y=y.repeat(w))
        assert train("data.val_fraction=0", run="repeated") == 0
        ours, theirs = read("metrics.json"), read("metrics.json", "repeated")
        assert ours["train/objective"] == pytest.approx(theirs["train/objective"], rel=1e-9)
        np.testing.assert_allclose(weights(), weights("repeated"), rtol=1e-6, atol=1e-8)

    def test_of_a_validation_part_go_with_its_rows(self, workplace):
        x, y = examples()
        write(x=x, y=y, w=np.full(N, 3.0))
        assert train("data.weight=w.npy") == 0
        assert train(run="without") == 0
        for key in ("train/loss", "val/loss"):
            assert read("metrics.json")[key] == pytest.approx(read("metrics.json", "without")[key], rel=1e-12)

    @pytest.mark.parametrize(("change", "words"), [
        (lambda w: -w, "the weight is negative in row 0, 1, 2, 3, 4 and 85 more"),
        (lambda w: w * np.inf, "not finite in row 0"),
        (lambda w: w * 0, "all weights are 0"),
        (lambda w: w[1:], "has 89 rows of width 1, expected one weight for each of the 90"),
    ])  # fmt: skip
    def test_that_are_none_are_refused(self, change, words, workplace, capsys):
        x, y = examples()
        write(x=x, y=y, w=change(np.ones(N)))
        assert words in refused(capsys, "data.weight=w.npy")

    def test_of_data_larger_than_memory_are_refused(self, workplace, capsys):
        write(x=np.zeros((40_000, 10)), y=np.arange(40_000) % 2, w=np.ones(40_000))
        assert "data.weight=w.npy: the examples take" in refused(capsys, "data.weight=w.npy", "data.max_memory_mb=1")


@pytest.mark.parametrize(("entry", "kind"), [(1e38, "float32"), (1e200, "float64"), (1e-40, "float32")])
def test_norms_of_rows_neither_overflow_nor_vanish(entry, kind, workplace):
    rng = np.random.default_rng(0)
    x = (rng.choice([-1, 1], (N, 9)) * np.float64(entry)).astype(kind)
    write(x=x, y=np.arange(N) % 2)
    import linnet

    options = ["data.normalize=rows", "data.standardize=false", "data.dtype=float64", "data.val_fraction=0"]
    run = linnet.train(["data=arrays", "data.x=x.npy", "data.y=y.npy", *SOLVED, *options, "hydra.run.dir=run"])
    np.testing.assert_allclose(run.data.train.x.double(), np.sign(x) / 3, rtol=1e-6)
