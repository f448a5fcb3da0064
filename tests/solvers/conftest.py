"""Training problems of any loss, small enough to solve many of them."""

from collections.abc import Callable

import pytest
import torch

from linnet.data import Examples
from linnet.losses import Loss, PoissonNLL

Draw = Callable[..., Examples]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """A function of (loss, seed, …) that draws N noisy examples of a linear model, in float64, that it cannot fit."""

    def examples(loss: Loss, seed: int = 0, n_examples: int = 60, n_features: int = 4, n_outputs: int = 3) -> Examples:
        stream = torch.Generator().manual_seed(seed)

        def normal(*shape: int) -> torch.Tensor:
            return torch.randn(*shape, generator=stream, dtype=torch.float64)

        x = normal(n_examples, n_features) * (1 + torch.arange(n_features)) + 0.5
        z = x @ normal(n_features, n_outputs) * 0.3 + 0.2
        if loss.task == "classification":
            y = torch.multinomial(torch.softmax(z, 1), 1, generator=stream)[:, 0]
            y[:n_outputs] = torch.arange(n_outputs)  # every class occurs
            return Examples(x, y)
        if isinstance(loss, PoissonNLL):
            return Examples(x, torch.poisson((0.3 * z).exp(), generator=stream))
        return Examples(x, z + normal(n_examples, n_outputs))

    return examples
