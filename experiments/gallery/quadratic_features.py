# %% [markdown]
# # Quadratic functions
# A quadratic function of x is a linear one of x and of the products of its entries: one layer on more features.

# %%
import numpy as np

import linnet

rng = np.random.default_rng(0)
x = rng.normal(size=(500, 3))
y = 1 + x @ [1.0, -2.0, 0.5] + 2 * x[:, 0] * x[:, 1] - x[:, 2] ** 2 + 0.1 * rng.normal(size=500)

# %%
pairs = [(i, j) for i in range(3) for j in range(i + 1)]
quadratic = np.column_stack([x, *(x[:, i] * x[:, j] for i, j in pairs)])

# %%
for name, features in (("linear", x), ("quadratic", quadratic)):
    run = linnet.train(features, y, optimizer="exact", tracked=False, quiet=True)
    print(f"{name}: test r2 {run.metrics['test/r2']:.3f}")
