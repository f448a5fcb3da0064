# %% [markdown]
# # Information theory
# Self-information, entropy, cross-entropy and KL divergence by `linnet.information`, where the answer is known.

# %%
import math

import numpy as np
import torch
from scipy.integrate import quad
from scipy.stats import norm

from linnet.information import binary_entropy, cross_entropy, entropy, kl_divergence, self_information

for p in (1, 1 / 2, 1 / 8, 1 / 52):
    print(f"an event of probability {p:.3g}: {self_information(p):.3f} nats = {self_information(p, 'bits'):.3f} bits")

# %% [markdown]
# Two outcomes: a coin of known bias takes less than a bit, and most at one half.

# %%
for p in (0, 0.01, 0.11, 0.5, 0.89):
    print(f"two outcomes, p = {p}: {binary_entropy(p, 'bits'):.3f} bits")

# %% [markdown]
# Any key of 44, any of 2000 words of 4.5 letters, words of perplexity 15: bits for each character.

# %%
print(f"44 keys: {entropy([1 / 44] * 44, 'bits'):.3f} bits")
print(f"2000 words of 4.5 letters: {entropy([1 / 2000] * 2000, 'bits') / 4.5:.3f} bits a letter")
print(f"perplexity 15 per word: {math.log2(15) / 4.5:.3f} bits a letter; per letter: {math.log2(15):.3f}")

# %% [markdown]
# What a wrong belief q costs. For one-hot p, as in training, cross-entropy and divergence are the same number.

# %%
q = [0.7, 0.2, 0.1]
for p in ([1, 0, 0], [0.7, 0.2, 0.1], [0.1, 0.2, 0.7]):
    parts = entropy(p), kl_divergence(p, q), cross_entropy(p, q)
    print(f"p = {p}, q = {q}: {parts[0]:.3f} + {parts[1]:.3f} = {parts[2]:.3f} nats; reverse {kl_divergence(q, p):.3f}")

# %% [markdown]
# Checks of three proofs: divergences are never negative, I(X; Y) = H(X) − H(X|Y), and the divergence of two normals.

# %%
rng = np.random.default_rng(0)
pairs = torch.from_numpy(rng.dirichlet(np.ones(5), size=(2, 100_000)))
print(f"least of 100,000 divergences: {kl_divergence(*pairs).min():.3g}")
joint = rng.dirichlet(np.ones(12)).reshape(3, 4)
x, y = joint.sum(1), joint.sum(0)
conditional = sum(y[j] * entropy(joint[:, j] / y[j]) for j in range(4))
information = kl_divergence(joint.ravel(), np.outer(x, y).ravel())
print(f"I(X; Y) = {information:.6f}, H(X) - H(X|Y) = {entropy(x) - conditional:.6f}")
one, two = norm(0, 1), norm(1, 2)
numeric = quad(lambda t: one.pdf(t) * (one.logpdf(t) - two.logpdf(t)), -20, 20)[0]
print(f"KL(N(0, 1) || N(1, 4)) = {math.log(2) + (1 + 1) / 8 - 1 / 2:.6f}, by quadrature {numeric:.6f}")
