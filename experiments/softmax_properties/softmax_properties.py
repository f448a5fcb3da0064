# %% [markdown]
# # Properties of softmax
# What one proves of softmax and of its log-partition function log Σ exp, looked at in numbers.

# %%
import math

import torch
from torch.autograd.functional import hessian

from linnet.information import entropy
from linnet.losses import cross_entropy, cross_entropy_naive, softmax

torch.manual_seed(0)
logits = 3 * torch.randn(1000, 4, dtype=torch.float64)


def g(o):
    """Return the log-partition function, the cross-entropy of class 0 plus its logit."""
    return cross_entropy(o[None], torch.tensor([0])) + o[0]


# %% [markdown]
# The second derivative of the loss is the covariance of the label that softmax draws: so the loss is convex.

# %%
largest, least = 0.0, torch.inf
for o in logits[:100]:
    p, second = softmax(o), hessian(lambda o: cross_entropy(o[None], torch.tensor([1])), o)
    largest = max(largest, (second - (p.diag() - p.outer(p))).abs().max().item())
    least = min(least, torch.linalg.eigvalsh(second)[1].item())
print(f"Hessian of the loss = covariance: {largest < 1e-14}; smallest eigenvalue 0, the second one > 0: {least > 0}")
a, b = logits[:500], logits[500:]
chord = torch.stack([(g(x) + g(y)) / 2 - g((x + y) / 2) for x, y in zip(a, b, strict=True)])
print(f"least height of 500 chords over g: {chord.min():.3g}")
shift = torch.stack([g(x + 7) - g(x) for x in a])
print(f"g(x + 7) - g(x): {shift.min():.9f} ... {shift.max():.9f}")

# %% [markdown]
# A smooth maximum: λ⁻¹ log(exp(λa) + exp(λb)) lies above max(a, b), by log 2/λ at most.

# %%
for gap in (0, 1, 5, 30):
    above = [g(torch.tensor([gap * k, 0.0], dtype=torch.float64)) / k - gap for k in (1, 10)]
    print(f"a - b = {gap}: above the maximum by {above[0]:.2g} for λ = 1, {above[1]:.2g} for λ = 10")
numbers = torch.tensor([2.0, 3.0, 5.0], dtype=torch.float64)
print(f"of 2, 3, 5: softmax {g(numbers):.3f}, softmin {-g(-numbers):.3f}; at most log 3 = {math.log(3):.3f} off")

# %% [markdown]
# Temperature T: P^(1/T), normalised. T = 2 is α = 1/2. A cold distribution is its mode, a hot one says nothing.

# %%
p = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
for temperature in (0.05, 0.5, 1, 2, 100):
    q = softmax(p.log() / temperature)
    print(f"T = {temperature}: {[round(x, 3) for x in q.tolist()]}, entropy {entropy(q):.3f} nats")

# %% [markdown]
# Large logits: exp first and log after, against the maximum subtracted first, in float32.

# %%
for row in ([100, 0, 0], [-110, -111, -112], [2000, 1999, 0]):
    o, label = torch.tensor([row], dtype=torch.float32), torch.tensor([1])
    print(f"logits {row}: naive {cross_entropy_naive(o, label):.4g}, shifted {cross_entropy(o, label):.4g}")
