# %% [markdown]
# # Concept shift
# The inputs stay as they are, the meaning of the labels turns slowly. Who notices, and who can follow?

# %%
import numpy as np

from linnet.sklearn import SoftmaxRegression

rng = np.random.default_rng(0)


def month(degrees, n):
    """Draw n inputs, and labels by the side of a line at that angle, one in twenty wrong."""
    x = rng.normal(size=(n, 2))
    angle = np.deg2rad(degrees)
    side = x @ [np.cos(angle), np.sin(angle)] > 0
    return x, (side ^ (rng.random(n) < 0.05)).astype(int)


# %% [markdown]
# A classifier of old and new inputs sees nothing, since the inputs have not moved; labels would tell.

# %%
past, later = month(0, 2000), month(60, 2000)
x, is_later = np.vstack([past[0], later[0]]), np.repeat([0, 1], 2000)
order = rng.permutation(4000)
train, test = order[:2000], order[2000:]
for name, inputs in (("inputs", x), ("inputs, labels and their products", None)):
    if inputs is None:
        sign = 2 * np.concatenate([past[1], later[1]])[:, None] - 1
        inputs = np.hstack([x, sign, sign * x])
    detector = SoftmaxRegression().fit(inputs[train], is_later[train])
    print(f"old or new by {name}: accuracy {detector.score(inputs[test], is_later[test]):.3f}")

# %% [markdown]
# 12 months of 5 degrees each, 50 labels a month: keep the first model, train a new one on each month's labels, on all
# labels so far, or go on from the last model with a few steps. Errors of the month after, of which 0.05 is noise.

# %%
first, going_on = SoftmaxRegression(), SoftmaxRegression(solver="sgd", lr=0.5, batch_size=10, penalty=None)
first.fit(*month(0, 1000))
going_on.partial_fit(*month(0, 1000), classes=[0, 1])
seen, errors = [], []
for m in range(12):
    seen.append(month(5 * m, 50))
    for _ in range(3):
        going_on.partial_fit(*seen[-1])
    new = SoftmaxRegression(strength=0.01).fit(*seen[-1])
    everything = SoftmaxRegression().fit(*(np.concatenate(part) for part in zip(*seen, strict=True)))
    x, y = month(5 * (m + 1), 20_000)
    errors.append([1 - model.score(x, y) for model in (first, new, everything, going_on)])
names = "first model", "this month's labels", "all labels", "a few steps on"
for name, row in zip(names, np.array(errors).T, strict=True):
    print(f"{name:20} month 1: {row[0]:.3f}, month 6: {row[5]:.3f}, month 12: {row[11]:.3f}, mean {row.mean():.3f}")
