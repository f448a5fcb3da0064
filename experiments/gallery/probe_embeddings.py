# %% [markdown]
# # Probe embeddings
# How much of the classes can be read off linearly? Here of random convolutions of digits, in place of your network.

# %%
import torch
from sklearn.datasets import load_digits

import linnet

pictures, digits = load_digits(return_X_y=True)
torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Conv2d(1, 32, 3), torch.nn.ReLU(), torch.nn.AvgPool2d(2), torch.nn.Flatten())
with torch.no_grad():
    embeddings = network(torch.tensor(pictures, dtype=torch.float32).reshape(-1, 1, 8, 8))

# %% [markdown]
# The probe is solved exactly for each strength of the penalty, so nothing depends on learning rates:

# %%
for strength in (0.1, 0.01, 0.001):
    run = linnet.train(
        embeddings, digits, optimizer="exact", penalty="l2", strength=strength, tracked=False, quiet=True
    )
    print(strength, run.metrics["val/accuracy"], run.metrics["test/accuracy"])
