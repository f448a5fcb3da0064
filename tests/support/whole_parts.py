"""Parts of a user for the whole path: each once, and none of them knows linnet."""

TEXT = '''
"""Parts of a user."""

import os
import signal

import pytorch_lightning as pl
import torch
from torchvision.datasets import FakeData
from torchvision.transforms.functional import pil_to_tensor


class Focal:
    """Focal loss, without a gradient."""

    task = "classification"

    def __init__(self, gamma: float = 2.0):
        self.gamma = gamma

    def value(self, prediction, target):
        log_p = prediction.log_softmax(1).gather(1, target[:, None])[:, 0]
        return -((1 - log_p.exp()) ** self.gamma) * log_p


def pictures(n: int = 120, size: int = 6):
    """A data set of torchvision, of generated pictures that a class makes lighter."""
    data = FakeData(n, (3, size, size), num_classes=3, transform=pil_to_tensor, random_offset=7)
    x = torch.stack([image for image, _ in data]).float()
    y = torch.tensor([int(label) for _, label in data])
    return x / 255 + y[:, None, None, None] / 4, y


class TopTwo:
    """Share of examples whose class is among the two best."""

    direction = "maximize"

    def value(self, prediction, target):
        return (prediction.topk(2).indices == target[:, None]).any(1)


class Dies(pl.Callback):
    """Counts minibatches; kills the process at one, if the environment says so."""

    def __init__(self):
        self.n = 0

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.n += 1
        if str(self.n) == os.environ.get("DIE_AT"):
            os.kill(os.getpid(), signal.SIGKILL)

    def state_dict(self):
        return {"n": self.n}

    def load_state_dict(self, state):
        self.n = state["n"]
'''
