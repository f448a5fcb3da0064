# %% [markdown]
# # Averages over minibatches
# The mean of the means of minibatches is not the mean over examples if the last one is smaller. How far off is it?

# %%
import numpy as np
from sklearn.datasets import load_digits

from linnet.sklearn import SoftmaxRegression

pixels, digits = load_digits(return_X_y=True)
model = SoftmaxRegression(penalty="l2", strength=0.01).fit(pixels / 16, digits)
losses = -np.log(model.predict_proba(pixels / 16)[np.arange(len(digits)), digits])
n = len(losses)


def quick(losses, size):
    """Return the mean of the means of minibatches in each rotated order, and the mean of the last minibatch: `[N]`."""
    sums = np.concatenate([[0], np.cumsum(np.tile(losses, 2))])
    starts = np.arange(len(losses))[:, None] + np.arange(0, len(losses), size)
    ends = np.minimum(starts + size, np.arange(len(losses))[:, None] + len(losses))
    means = (sums[ends] - sums[starts]) / (ends - starts)
    return means.mean(1), means[:, -1]


# %% [markdown]
# Solved for the mean over examples, with m minibatches of b examples of which the last one has r = n − (m − 1) b:
# L = (b (m L_quick − l_last) + r l_last) / n. Over all n rotations of one order each example is once in each place, so
# that the mean of L_quick over them is L: it is unbiased, but it scatters.

# %%
losses = np.random.default_rng(0).permutation(losses)
print(f"mean over {n} examples {losses.mean():.4f}")
for size in (32, 256, 1000, 1796):
    m = -(-n // size)
    rest = n - (m - 1) * size
    estimates, last = quick(losses, size)
    solved = (size * (m * estimates - last) + rest * last) / n
    print(f"minibatches of {size}, the last of {rest}: {estimates.min():.3f} ... {estimates.max():.3f}, "
          f"standard deviation {estimates.std():.4f}; mean {estimates.mean():.4f}, "
          f"solved {solved.min():.4f} ... {solved.max():.4f}")  # fmt: skip
