# %% [markdown]
# # Test sets, and their reuse
# How many test examples does an error take, and what remains of a test set that many models have been chosen by?

# %%
import numpy as np
from scipy.stats import binom, norm

rng = np.random.default_rng(0)

# %% [markdown]
# To within t with probability 1 − δ: by the normal approximation (z/2t)², by Hoeffding's inequality log(2/δ)/2t².

# %%
for t, delta in ((0.01, 0.05), (0.0001, 0.001)):
    normal = (norm.isf(delta / 2) / (2 * t)) ** 2
    two, one = (np.log(sides / delta) / (2 * t**2) for sides in (2, 1))
    print(f"within {t} with probability {1 - delta}: {normal:,.0f} by the normal; Hoeffding {two:,.0f}, "
          f"of one side {one:,.0f}")  # fmt: skip
for error in (0.5, 0.1, 0.01):
    outside = [1 - np.diff(binom.cdf([np.ceil(n * (error - 0.01)) - 1, np.floor(n * (error + 0.01))], n, error))[0]
               for n in (2500, 9604, 18444)]  # fmt: skip
    print(f"true error {error}: off by more than 0.01 with probability {outside[0]:.3f} of 2500 examples, "
          f"{outside[1]:.3f} of 9604, {outside[2]:.4f} of 18,444")  # fmt: skip

# %% [markdown]
# Many models, one test set of 1000: labels are coin flips, so the true error of every model is 0.5.

# %%
n = 1000
for models in (1, 20, 1000):
    best = rng.binomial(n, 0.5, (200, models)).min(1) / n
    print(f"best of {models} models: error {best.mean():.3f} ± {best.std():.3f} on the test set")

# %% [markdown]
# Adaptively it is worse: of k random models keep those that were right more often than not, and let them vote. Every
# model is asked once, and only its error is given back.

# %%
labels, fresh = rng.integers(2, size=(2, n))
for models in (20, 100, 1000, 10000):
    answers = rng.integers(2, size=(models, n), dtype=np.int8)
    sign = np.where((answers == labels).mean(1) > 0.5, 1, -1)
    vote = (sign @ (2 * answers.astype(float) - 1)) > 0
    later = sign @ (2.0 * rng.integers(2, size=(models, n), dtype=np.int8) - 1) > 0
    errors = (vote != labels).mean(), (later != fresh).mean()
    print(f"vote of {models} models: error {errors[0]:.3f} on the test set, {errors[1]:.3f} on a fresh one")

# %% [markdown]
# All of it leaks to n questions: change one answer at a time, and see whether the error falls.

# %%
error, found = (np.zeros(n) != labels).sum(), []
for i in range(n - 1):
    changed = ((np.arange(n) == i) != labels).sum()
    found.append(int(changed < error))
found.append(int(error - sum(found)))
print(f"{n} questions: error {(np.array(found) != labels).mean()} on the test set")
