"""Classes have the proportions asked for, and weights give those of training the proportions of the target."""

import math

import pytest
import torch

from linnet.data import Source, label_shift
from linnet.system.errors import InputError

OPTIONS = {
    "train_proportions": [0.8, 0.1, 0.1], "target_proportions": [1, 1, 8], "separation": 2.0, "noise": 1.0,
    "noise_kind": "gaussian", "weighting": "none", "n_train": 1000, "n_val": 1000, "n_test": 1000, "n_target": 1000,
    "dtype": "float64", "seed": 0,
}  # fmt: skip


def made(**options: object) -> Source:
    return label_shift(**{**OPTIONS, **options})


def test_classes_have_their_proportions():
    n = 40_000
    data = made(n_train=n, n_val=n, n_test=n)
    for part, shares in ((data.train, [0.8, 0.1, 0.1]), (data.val, [0.8, 0.1, 0.1]), (data.test, [0.1, 0.1, 0.8])):
        found = torch.bincount(part.y, minlength=3) / n
        for share, expected in zip(found.tolist(), shares, strict=True):
            assert abs(share - expected) < 5 * math.sqrt(expected * (1 - expected) / n)


def test_a_class_looks_the_same_in_training_and_target():
    data = made(n_train=30_000, n_test=30_000)
    for part in (data.train, data.test):
        for k in range(3):
            own = part.x[part.y == k] - 2 * torch.eye(3).double()[k]
            assert own.mean(dim=0).abs().max() < 5 / math.sqrt(len(own))
            assert (own.square().mean(dim=0) - 1).abs().max() < 5 * math.sqrt(2 / len(own))


def test_examples_are_the_same_however_they_are_weighted():
    parts = [made(weighting=weighting) for weighting in ("none", "estimated", "known")]
    assert len({data.checksum for data in parts}) == 1
    assert all(data.test.weight is None for data in parts)
    assert parts[0].train.weight is None and parts[0].val.weight is None and parts[0].summary == ()


@pytest.mark.parametrize(("weighting", "tolerance"), [("known", 0.0), ("estimated", 0.03)])
def test_weighted_classes_have_the_proportions_of_the_target(weighting, tolerance):
    n = 20_000
    train = made(weighting=weighting, n_train=n, n_val=n, n_target=n).train
    assert train.weight.mean().item() == pytest.approx(1)
    found = torch.bincount(train.y, train.weight) / n
    assert (found - torch.tensor([0.1, 0.1, 0.8]).double()).abs().max() < 5 * math.sqrt(0.8 * 8 / n) + tolerance


def test_examples_of_a_class_count_the_same():
    train = made(weighting="estimated").train
    assert all(len(train.weight[train.y == k].unique()) == 1 for k in range(3))


def test_estimate_sees_no_test_example():
    first, second = (made(weighting="estimated", n_test=n).train.weight for n in (7, 500))
    assert torch.equal(first, second)


def test_class_that_the_target_lacks_counts_nothing():
    train = made(weighting="known", target_proportions=[1, 1, 0]).train
    assert (train.weight[train.y == 2] == 0).all()


def test_says_what_the_weights_are_and_cost():
    (line,) = made(weighting="known").summary
    assert line.startswith("known class weights 0.125, 1, 8: 1000 training examples count like 1")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_proportions": [1, 2]}, r"data\.target_proportions=\[1, 2\]: expected one for each of the 3"),
        ({"weighting": "estimated", "n_val": 0}, r"data\.n_val=0: data\.weighting=estimated"),
        ({"weighting": "estimated", "n_val": 3}, r"data\.n_val=3: no validation example is of class"),
        ({"weighting": "estimated", "separation": 0.0}, "does not tell the classes apart"),
    ],
)
def test_what_cannot_be_had_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        made(**options)
