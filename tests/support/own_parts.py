"""Parts that somebody else wrote, none of which knows linnet."""

from pathlib import Path

from own_measures import TEXT as MEASURES

TEXT = '''"""Parts of a user."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pytorch_lightning as pl
import torch
from annotated_types import Gt, Lt

Path("imported").touch()


class Pinball:
    """Pinball loss of the quantile q."""

    task = "regression"

    def __init__(self, q: Annotated[float, Gt(0), Lt(1)] = 0.9):
        self.q = q

    def value(self, prediction, target):
        residual = target - prediction
        return torch.maximum(self.q * residual, (self.q - 1) * residual).sum(-1)


class Mapped(Pinball):
    """As Pinball, and side by side."""

    trains_many = True


class WithGradient:
    """Squared error, with its derivative written out."""

    task = "regression"
    shift_invariant = True

    def value(self, prediction, target):
        return 0.5 * (prediction - target).square().sum(-1)

    def gradient(self, prediction, target):
        return prediction - target


class CrossEntropy:
    """torch's, of one model at a time."""

    task = "classification"

    def value(self, prediction, target):
        return torch.nn.functional.cross_entropy(prediction, target, reduction="none")


class Triangle:
    """Up and down, every two epochs."""

    def __init__(self, low: Annotated[float, Gt(0)] = 0.1):
        self.low = low

    def factor(self, steps, steps_per_epoch, max_epochs):
        place = (steps / steps_per_epoch) % 2
        return self.low + (1 - self.low) * (1 - (1 - place).abs())


class Short:
    """Of a single step."""

    def factor(self, steps, steps_per_epoch, max_epochs):
        return torch.ones(1)


class Momentum(torch.optim.Optimizer):
    """Gradient descent with momentum."""

    def __init__(self, params, lr: float, beta: float = 0.9):
        super().__init__(params, {"lr": lr, "beta": beta})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                v = self.state[p].setdefault("v", torch.zeros_like(p))
                v.mul_(group["beta"]).add_(p.grad)
                p.sub_(group["lr"] * v)


class Counter(pl.Callback):
    """Counts minibatches, and keeps the number in checkpoints."""

    def __init__(self, file: str = "seen"):
        self.n, self.file = 0, file

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.n += 1
        assert trainer.global_step == self.n

    def on_validation_epoch_end(self, trainer, pl_module):
        Path(self.file).write_text(f"{self.n} {trainer.callback_metrics['val/accuracy'] >= 0}")

    def state_dict(self):
        return {"n": self.n}

    def load_state_dict(self, state):
        self.n = state["n"]


class Pairs(torch.utils.data.Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Module(pl.LightningDataModule):
    def __init__(self, n):
        super().__init__()
        self.n = n

    def setup(self, stage):
        x, y = _rings(self.n, 0)
        self.parts = {"train": Pairs(x, y), "test": Pairs(*_rings(20, 1))}

    def train_dataloader(self):
        return torch.utils.data.DataLoader(self.parts["train"], batch_size=7, shuffle=True)

    def test_dataloader(self):
        return torch.utils.data.DataLoader(self.parts["test"])


def _rings(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return rng.normal(size=(n, 2)) + 3 * y[:, None], y


def rings(n: Annotated[int, Gt(0)] = 60, seed: int = 0):
    """Two clusters, as arrays."""
    return _rings(n, seed)


def tensors(n: int = 60):
    """The same, as tensors with a test split."""
    x, y = map(torch.as_tensor, _rings(n, 0))
    return {"train": (x, y), "test": tuple(map(torch.as_tensor, _rings(20, 1)))}


def dataset(n: int = 60):
    """The same, as a Dataset."""
    return Pairs(*_rings(n, 0))


def module(n: int = 60):
    """The same, as a LightningDataModule."""
    return Module(n)


def line(n: int = 60):
    """Numbers to predict."""
    x, _ = _rings(n, 0)
    return x, x.sum(1)


line.task = "regression"


class Broken(Module):
    def test_dataloader(self):
        raise ZeroDivisionError("a mistake of the user")


def broken(n: int = 60):
    """A LightningDataModule whose test split cannot be had."""
    return Broken(n)


def faulty(kind: str = "shape"):
    """What is no source."""
    x, y = _rings(10, 0)
    return {
        "shape": (x, y[:3]), "one class": (x, 0 * y), "other": 5, "not finite": (x * np.nan, y),
        "splits": {"test": (x, y)}, "classes": {"train": (x, y), "val": (x, y + 1)},
    }[kind]


NUMBER = 5
'''


def write_parts(folder: Path, name: str = "my_parts") -> str:
    """Write the module into a file, and return how it is trusted: `./my_parts.py`."""
    (folder / f"{name}.py").write_text(TEXT + MEASURES, encoding="utf-8")
    return f"./{name}.py"
