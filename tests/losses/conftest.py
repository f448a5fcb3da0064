"""Predictions and targets that any loss of a task can be tested on."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from linnet.losses import Loss

Examples = Callable[..., tuple[Tensor, Tensor]]


@pytest.fixture
def examples() -> Examples:
    """A function of (loss, n_models) that draws float64 predictions `[K, 7, 4]` and targets that fit the loss.

    Predictions are strided views, as a linear map over all models at once produces them. Continuous draws keep
    clear of the kinks, where two-sided differences and one-sided derivatives disagree.
    """

    def draw(loss: Loss, n_models: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
        stream = torch.Generator().manual_seed(seed)
        prediction = 1.5 * torch.randn(7, n_models, 4, dtype=torch.float64, generator=stream).permute(1, 0, 2)
        if loss.task == "classification":
            return prediction, torch.randint(0, 4, (7,), generator=stream)
        return prediction, 5 * torch.rand(7, 4, dtype=torch.float64, generator=stream)

    return draw
