# %% [markdown]
# # Ranking by comparisons
# The model of Bradley and Terry is softmax regression on differences: scores of five tennis players from 87 matches.

# %%
import numpy as np

from linnet.sklearn import SoftmaxRegression

players = "Djokovic", "Federer", "Murray", "Nadal", "Wawrinka"
# Matches of 2014 to 2018 that the player of the row won against that of the column (Agresti, 2019).
wins = np.array([[0, 9, 14, 9, 4], [6, 0, 5, 5, 7], [3, 0, 0, 2, 2], [2, 1, 4, 0, 4], [3, 2, 2, 3, 0]])

# %% [markdown]
# A match is a row with 1 for the one player and -1 for the other, its label whether the first one won; no bias, since
# the order in which they are named means nothing. P(i wins) = softmax(score_i, score_j)_i.

# %%
first, second = np.triu_indices(5, 1)
X = np.eye(5)[first] - np.eye(5)[second]
rows, labels = np.vstack([X, X]), np.repeat([1, 0], len(X))
weights = np.concatenate([wins[first, second], wins[second, first]])
played = weights > 0
model = SoftmaxRegression(penalty=None, fit_intercept=False)
model.fit(rows[played], labels[played], sample_weight=weights[played])
scores = model.coef_[0] - model.coef_[0].mean()
for score, player in sorted(zip(scores, players, strict=True), reverse=True):
    print(f"{player:9} {score:7.4f}  above Wawrinka {score - scores[4]:7.4f}")

# %% [markdown]
# The iteration of Zermelo (1929) for the same likelihood: strength = wins / Σ matches / (own + other strength).

# %%
strength, matches = np.ones(5), wins + wins.T
for _ in range(2000):
    strength = wins.sum(1) / (matches / (strength[:, None] + strength)).sum(1)
    strength /= np.exp(np.log(strength).mean())
print(f"the same scores by Zermelo's iteration: {np.allclose(np.log(strength), scores, rtol=0, atol=1e-9)}")

# %% [markdown]
# The larger score is always the likelier winner, more so the larger the difference. With a third answer, "neither", of
# a score of its own, the odds of the first two remain what they are.

# %%
gap = np.linspace(-5, 5, 101)
win = 1 / (1 + np.exp(-gap))
likelier, rising = ((win > 0.5) == (gap > 0)).all(), (np.diff(win) > 0).all()
print(f"the larger score wins more often than not: {likelier}; rising: {rising}")
for neither in (-2.0, 0.0, 2.0):
    p = np.exp([scores[0], scores[3], neither])
    p /= p.sum()
    print(f"Djokovic, Nadal, neither of score {neither:4}: {np.round(p, 3).tolist()}, odds {p[0] / p[1]:.3f}")
