# %% [markdown]
# # Your own loss
# A class with `value`; its gradient comes by autograd, its options become options of the run.

# %%
import torch
from sklearn.datasets import load_diabetes

import linnet


class Pinball:
    """Pinball loss, whose minimum is the quantile q."""

    task = "regression"

    def __init__(self, q: float = 0.9):
        self.q = q

    def value(self, prediction, target):
        residual = target - prediction
        return torch.maximum(self.q * residual, (self.q - 1) * residual).sum(-1)


# %%
X, y = load_diabetes(return_X_y=True)
for q in (0.1, 0.5, 0.9):
    run = linnet.train(X, y, loss=Pinball, overrides={"loss.q": q}, lr=5.0, max_epochs=100, tracked=False, quiet=True)
    below = (y < run.predict(X)).mean()
    print(f"q = {q}: {below:.0%} of the targets lie below their prediction")
