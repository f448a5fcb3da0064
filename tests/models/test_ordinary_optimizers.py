"""Optimizers, schedules and penalties of both modules in a plain Trainer."""

from functools import partial

import pytest
import torch
from plain_trainer import CLASSES, NUMBERS, C, D, N, X, loader, trainer
from torch.utils.data import DataLoader

from linnet import LinearRegression, SoftmaxRegression
from linnet.losses import CrossEntropy
from linnet.models.ordinary_optimizers import RuleOptimizer
from linnet.optimizers import Adam, Momentum, TorchLBFGS
from linnet.penalties import L1
from linnet.schedules import Cosine, Step
from linnet.system.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")


class TestOptimizers:
    @pytest.mark.parametrize("optimizer", [
        torch.optim.Adam, partial(torch.optim.Adam, lr=1e-3), lambda params: torch.optim.Adam(params, lr=1e-3),
    ], ids=["class", "partial", "function"])  # fmt: skip
    def test_of_torch(self, optimizer):
        module, twin = SoftmaxRegression(D, C, optimizer=optimizer), SoftmaxRegression(D, C, optimizer=Adam(lr=1e-3))
        for each in (module, twin):
            plain = trainer(2)
            plain.fit(each, loader(X, CLASSES))
        assert torch.allclose(module.weight, twin.weight, atol=1e-6)

    def test_refused(self):
        for wrong, words in (("adam", "is a str"), (torch.optim.LBFGS, "closure"), (lambda params: 3, "makes a int")):
            with pytest.raises(InputError, match=words):
                SoftmaxRegression(D, C, optimizer=wrong)
        module = SoftmaxRegression(D, C, optimizer=torch.optim.Adam, penalty=L1(0.1))
        with pytest.raises(InputError, match="proximal step"):
            trainer().fit(module, loader(X, CLASSES))

    def test_l1_leaves_zeros(self):
        module = SoftmaxRegression(D, C, penalty=L1(0.3))
        trainer(20).fit(module, loader(X, CLASSES))
        assert bool((module.weight == 0).any()) and not bool((module.bias == 0).all())

    def test_of_a_subclass(self):
        class Mine(SoftmaxRegression):
            def configure_optimizers(self):
                return torch.optim.SGD(self.parameters(), lr=0.1)

        mine, twin = Mine(D, C), SoftmaxRegression(D, C)
        for module in (mine, twin):
            trainer(2).fit(module, loader(X, CLASSES))
        assert torch.allclose(mine.weight, twin.weight, atol=1e-6)

    def test_by_closures(self):
        module = LinearRegression(D, 2, optimizer=TorchLBFGS())
        trainer(3).fit(module, loader(X, NUMBERS, size=N))
        assert float((module(X) - NUMBERS).abs().max()) < 1e-3  # the targets are linear

    def test_what_is_frozen_stays(self):
        module = SoftmaxRegression(D, C, penalty=L1(0.01))
        before = module.weight.detach().clone()
        module.bias.requires_grad_(False)
        trainer(1).fit(module, loader(X, CLASSES))
        assert not bool(module.bias.any()) and not torch.equal(module.weight, before)

    def test_under_a_gradient_scaler(self):
        """A scale that is a power of 2 rounds nothing."""
        weights = []
        for scaler in (torch.amp.GradScaler("cpu", init_scale=2.0**10), torch.amp.GradScaler("cpu", enabled=False)):
            module = SoftmaxRegression(D, C)
            optimizer = RuleOptimizer(module.params, Momentum(lr=0.1, momentum=0.9), module.penalty)
            for _ in range(3):
                optimizer.zero_grad()
                scaler.scale(CrossEntropy()(module(X), CLASSES)).backward()
                scaler.step(optimizer)
                scaler.update()
            weights.append(module.weight.detach())
        assert torch.equal(*weights)

    @pytest.mark.parametrize("optimizer", [Momentum(lr=0.1, momentum=0.9), Adam(lr=0.01)])
    def test_go_on_from_a_checkpoint(self, optimizer, tmp_path):
        """Two epochs, and two more from their checkpoint, are four, bit for bit."""
        parts = {"optimizer": optimizer, "schedule": Step(1, 0.5), "penalty": L1(0.01)}
        whole, first, second = (SoftmaxRegression(D, C, **parts) for _ in range(3))
        trainer(4).fit(whole, loader(X, CLASSES))
        plain = trainer(2)
        plain.fit(first, loader(X, CLASSES))
        plain.save_checkpoint(tmp_path / "two.ckpt")
        trainer(4).fit(second, loader(X, CLASSES), ckpt_path=tmp_path / "two.ckpt", weights_only=True)
        assert torch.equal(second.weight, whole.weight)
        loaded = SoftmaxRegression.load_from_checkpoint(tmp_path / "two.ckpt", weights_only=True, **parts)
        assert torch.equal(loaded.weight, first.weight) and torch.equal(loaded.bias, first.bias)

    def test_schedule_needs_a_length(self):
        stream = DataLoader(Stream(), batch_size=None)
        with pytest.raises(InputError, match="schedule Cosine: the loader does not know"):
            trainer().fit(SoftmaxRegression(D, C, schedule=Cosine()), stream)
        trainer().fit(SoftmaxRegression(D, C), stream)


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        yield X, CLASSES
