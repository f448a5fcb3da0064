"""A plain Trainer of Lightning, and a small problem for it."""

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

N, D, C = 80, 6, 3
GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(N, D, generator=GENERATOR)
CLASSES = (X @ torch.randn(D, C, generator=GENERATOR)).argmax(1)
NUMBERS = X @ torch.randn(D, 2, generator=GENERATOR)


def trainer(epochs: int = 3, **options) -> pl.Trainer:
    off = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    return pl.Trainer(accelerator="cpu", max_epochs=epochs, **{**dict.fromkeys(off, False), **options})


def loader(*tensors: torch.Tensor, size: int = 16) -> DataLoader:
    return DataLoader(TensorDataset(*tensors), batch_size=size)
