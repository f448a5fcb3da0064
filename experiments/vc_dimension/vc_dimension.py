# %% [markdown]
# # VC dimension
# The largest number of points that a class of functions can label in every way, counted for two classes of functions.

# %%
import itertools
from math import comb

import numpy as np
import torch

from linnet.losses import CrossEntropy
from linnet.solvers.convex_losses import convex_loss_of
from linnet.solvers.exact_arithmetic.separation import recession
from linnet.solvers.problem import Problem

# %% [markdown]
# Polynomials of degree 5: labels are their signs. A linear classifier on x, x², …, x⁵, and whether it can separate the
# labels is decided in whole numbers. Cover (1965): of N points in general position, 2 Σ_k≤5 C(N − 1, k) labellings.

# %%
for n in (5, 6, 7, 8):
    x = torch.arange(n, dtype=torch.float64) - n // 2
    features, separable = x[:, None] ** torch.arange(1, 6), 0
    for labels in itertools.product([0, 1], repeat=n):
        y = torch.tensor(labels)
        found = recession(Problem(features, y, convex_loss_of(CrossEntropy()), n_outputs=2, l1=0, l2=0, bias=True))
        separable += len(set(labels)) == 1 or (found is not None and bool(found.grows.any(0).all()))
    theory = 2 * sum(comb(n - 1, k) for k in range(6))
    print(f"polynomials, {n} points: {separable} of {2**n} labellings, theory {theory}")

# %% [markdown]
# Rectangles with sides along the axes: some rectangle holds the points labelled 1 and no other exactly if the smallest
# one around them does. Only the order of coordinates matters, so all arrangements of distinct ones can be tried.


# %%
def labellings(points):
    """Count the labellings of points `[N, 2]` that rectangles can make."""
    count = 0
    for labels in itertools.product([False, True], repeat=len(points)):
        inside = points[list(labels)]
        if len(inside):
            held = ((points >= inside.min(0)) & (points <= inside.max(0))).all(1)
        count += not len(inside) or held.tolist() == list(labels)
    return count


for n in (2, 3, 4, 5):
    arrangements = [np.column_stack([np.arange(n), order]) for order in itertools.permutations(range(n))]
    counts = [labellings(points) for points in arrangements]
    print(f"rectangles, {n} points: at most {max(counts)} of {2**n} labellings, "
          f"by {counts.count(2**n)} of {len(counts)} arrangements")  # fmt: skip
