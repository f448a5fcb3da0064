"""Models of resamples side by side: equal to training on each resample alone, by the optimizers of torch."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from linnet.data import Data, Examples, Source, epoch_order, prepare
from linnet.data.own_features import own_features
from linnet.losses import CrossEntropy, PoissonNLL, SquaredError
from linnet.models import LinearNetwork, LinearRegression, SoftmaxRegression
from linnet.models.model_resamples import ModelResamples
from linnet.optimizers import SGD, Adagrad, Adam, AdamW, Momentum, Optimizer, RMSprop
from linnet.penalties import L1, L2
from linnet.training.stacking import stack

N, D, C, BATCH, SEED, EPOCHS = 41, 4, 3, 3, 7, 4
"""Minibatches of 3 examples: some have none of a fold's."""
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


class Silent:
    """A logger that keeps nothing."""

    histogram_every_n_epochs = 0

    def log_series(self, *_: Any) -> None: ...

    def log_histograms(self, *_: Any) -> None: ...


def examples(task: str = "classification", weight: Tensor | None = None) -> Source:
    random = torch.Generator().manual_seed(1)
    x = torch.randn(N, D, generator=random, dtype=torch.float64) * torch.tensor([1.0, 20.0, 0.1, 3.0]) + 5
    y = torch.randint(0, C, (N,), generator=random) if task == "classification" else x[:, :1].log1p()
    names = tuple("abc") if task == "classification" else ()
    return Source(task, Examples(x, y, weight), None, "", class_names=names)  # type: ignore[arg-type]


def folds(n_folds: int) -> tuple[Tensor, Tensor]:
    held_out = torch.arange(N) % n_folds == torch.arange(n_folds)[:, None]
    return (~held_out).to(torch.uint8), held_out


def side_by_side(model: LinearNetwork, data: Data, train: Tensor, held_out: Tensor) -> LinearNetwork:
    batched = stack([model] * (len(train) + 1))
    batched.resample(ModelResamples(train, held_out, data.train.weight), own_features(data, train))
    batched.recorder = Silent()
    return batched


def trained(batched: LinearNetwork, data: Data, epochs: int = EPOCHS) -> LinearNetwork:
    batched.begin(data)
    for epoch in range(epochs):
        batched.begin_epoch(epoch, epochs)
        for rows in data.order(lambda: batched.steps_done):
            batched.train_on(rows, log_every=10)
    return batched


def minibatches(counts: Tensor, epochs: int) -> Iterator[Tensor]:
    """Yield the rows of each minibatch that has any, as often as the resample has them."""
    for epoch in range(epochs):
        for rows in epoch_order(N, SEED, epoch).split(BATCH):
            found = rows.repeat_interleave(counts[rows].long())
            if len(found):
                yield found


def alone(source: Source, counts: Tensor, start: Tensor, make: Callable[..., torch.optim.Optimizer],
          dtype: torch.dtype, l2: float, epochs: int) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Train on a resample's examples, standardised by their own mean and deviation."""
    x, y = source.train.x, source.train.y
    of_resample = x.repeat_interleave(counts.long(), dim=0)
    x = ((x - of_resample.mean(0)) / of_resample.std(0, correction=0)).to(dtype)
    weight, bias = start.clone().requires_grad_(), torch.zeros(C, dtype=dtype, requires_grad=True)
    optimizer = make([weight, bias])
    for rows in minibatches(counts, epochs):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(x[rows] @ weight.T + bias, y[rows])
        (loss + l2 / 2 * weight.square().sum()).backward()
        optimizer.step()
    return weight.detach(), bias.detach()


OPTIMIZERS: list[tuple[Optimizer, Callable[..., torch.optim.Optimizer]]] = [
    (SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
    (Momentum(0.1, 0.9), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
    (Momentum(0.1, 0.5, nesterov=True), lambda p: torch.optim.SGD(p, 0.1, momentum=0.5, nesterov=True)),
    (Adagrad(0.1), lambda p: torch.optim.Adagrad(p, 0.1)),
    (RMSprop(0.01), lambda p: torch.optim.RMSprop(p, 0.01)),
    (Adam(0.02), lambda p: torch.optim.Adam(p, 0.02)),
    (AdamW(0.02, weight_decay=0.1),
     lambda p: torch.optim.AdamW([{"params": p[:1]}, {"params": p[1:], "weight_decay": 0.0}], 0.02, weight_decay=0.1)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("rule", "make"), OPTIMIZERS, ids=[repr(rule) for rule, _ in OPTIMIZERS])
def test_each_resample_is_trained_as_alone(
    rule: Optimizer, make: Callable[..., torch.optim.Optimizer], dtype: str
) -> None:
    source = examples()
    train, held_out = folds(2)  # of two folds, so that whole minibatches are held out
    train[0, ::4] *= 3  # as of a bootstrap sample
    data = prepare(source, BATCH, 0.0, True, 0, SEED, dtype=dtype)
    model = SoftmaxRegression(D, C, init_std=0.3, dtype=dtype, optimizer=rule, penalty=L2(0.05))
    epochs = 72 if isinstance(rule, SGD) else EPOCHS  # 1,008 updates
    batched = trained(side_by_side(model, data, train, held_out), data, epochs)
    everything = torch.ones_like(train[:1])
    kind = getattr(torch, dtype)
    for k, counts in enumerate(torch.cat([train, everything])):
        weight, bias = alone(source, counts, model.weight[0].detach(), make, kind, 0.05, epochs)
        for found, expected in ((batched.weight[k], weight), (batched.bias[k], bias)):  # type: ignore[index]
            assert (found - expected).norm() <= TOLERANCE[dtype] * weight.norm()


def test_gradients_by_autograd_and_l1_are_the_same() -> None:
    data = prepare(examples(), BATCH, 0.0, True, 0, SEED, dtype="float64")
    found = []
    for gradient in ("analytic", "autograd"):
        model = SoftmaxRegression(D, C, dtype="float64", gradient=gradient, optimizer=Adam(0.02), penalty=L1(0.1))
        found.append(trained(side_by_side(model, data, *folds(5)), data).weight.detach())
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-13)
    assert (found[0] == 0).any()


def test_a_minibatch_without_examples_of_a_resample_changes_nothing_of_it() -> None:
    data = prepare(examples(), BATCH, 0.0, True, 0, SEED)
    train, held_out = folds(2)
    model = SoftmaxRegression(D, C, dtype="float64", optimizer=Adam(0.1), penalty=L2(0.1))
    batched = side_by_side(model, data, train, held_out)
    batched.begin(data)
    batched.begin_epoch(0, 1)
    batched.train_on(torch.tensor([0, 1, 2]), 1)
    before = batched.training_state(0)["optimizer"], [p.detach().clone() for p in batched.parameters()]
    batched.train_on(held_out[1].nonzero()[:3, 0], 1)
    after = batched.training_state(0)["optimizer"], list(batched.parameters())
    assert before[0]["step"].tolist() == [1, 1, 1] and after[0]["step"].tolist() == [2, 1, 2]
    for name in ("first_moment", "second_moment"):
        for old, new in zip(before[0][name], after[0][name], strict=True):
            assert torch.equal(old[1], new[1]) and not torch.equal(old[0], new[0])
    for old, new in zip(before[1], after[1], strict=True):
        assert torch.equal(old[1], new[1]) and not torch.equal(old[0], new[0])


def test_weights_of_examples_count_by_their_share_in_the_resample() -> None:
    weight = torch.arange(1.0, N + 1, dtype=torch.float64)
    source = examples(weight=weight / weight.mean())
    data = prepare(source, N, 0.0, False, 0, SEED, dtype="float64")
    train, held_out = folds(3)
    batched = side_by_side(SoftmaxRegression(D, C, init_std=0.1, dtype="float64"), data, train, held_out)
    counted = train.double() * weight
    (batch,) = ModelResamples(train, held_out, data.train.weight).weighed(
        data.train.batches(torch.arange(N), [N]), torch.arange(N), [N], 4
    )
    values, _ = batched.objective_and_gradients(batch)
    logits = source.train.x @ batched.weight[0].T
    losses = torch.nn.functional.cross_entropy(logits, source.train.y, reduction="none")
    torch.testing.assert_close(values[:3], (counted @ losses) / counted.sum(1), rtol=1e-13, atol=0)
    torch.testing.assert_close(values[3], (weight @ losses) / weight.sum(), rtol=1e-13, atol=0)


def test_an_infinite_loss_of_a_held_out_example_is_nothing_to_the_resample() -> None:
    source = examples("regression")
    source.train.x[0] = 1e4
    data = prepare(source, N, 0.0, False, 0, SEED, dtype="float32")
    train = torch.ones(1, N, dtype=torch.uint8)
    train[0, 0] = 0
    model = LinearRegression(D, loss=PoissonNLL(), init_std=0.1, optimizer=SGD(1e-4))
    with torch.no_grad():
        model.weight.abs_()
    batched = side_by_side(model, data, torch.cat([train, train]), torch.cat([train == 0, train == 0]))
    batched.begin(data)
    batched.begin_epoch(0, 1)
    with pytest.raises(Exception, match="inf"):  # of the run itself
        batched.train_on(torch.arange(N), 1)
    assert batched.weight[:2].isfinite().all() and not batched.weight[2].isfinite().all()


@pytest.mark.parametrize("loss", [SquaredError(), CrossEntropy()], ids=["regression", "classification"])
def test_metrics_are_those_of_each_fold_by_itself(loss: Any) -> None:
    source = examples(loss.task)
    data = prepare(source, 8, 0.0, True, 0, SEED, dtype="float64")
    kind = SoftmaxRegression if loss.task == "classification" else LinearRegression
    model = kind(D, C if loss.task == "classification" else 1, dtype="float64", loss=loss)
    train, held_out = folds(4)
    batched = trained(side_by_side(model, data, train, held_out), data)
    kept: list[list[Tensor]] = []
    (found,) = batched.cross_validate(kept)
    maps = own_features(data, train)
    assert maps is not None
    for k, rows in enumerate(held_out):
        single = kind(D, model.weight.shape[1], dtype="float64", loss=loss)
        single.load_state_dict({name: p[k : k + 1] for name, p in batched.state_dict().items()})
        metrics, prediction = single.evaluate(Examples(maps.features_of(k, data.train.x)[rows], data.train.y[rows]))
        assert found[k] == pytest.approx(metrics, rel=1e-12)
        torch.testing.assert_close(kept[k][0][0], prediction, rtol=1e-12, atol=1e-12)
    (logged,) = batched.validate(None)
    losses = torch.tensor([metrics["loss"] for metrics in found], dtype=torch.float64)
    assert logged["cv/loss"] == pytest.approx(float(losses.mean()), rel=1e-14)
    assert logged["cv/loss_std"] == pytest.approx(float(losses.std(correction=1)), rel=1e-12)
