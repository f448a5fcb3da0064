# %% [markdown]
# # Train on arrays
# A table in memory, a run directory, and how far the run is from the best possible.

# %%
from sklearn.datasets import load_diabetes

import linnet

frame, progression = load_diabetes(as_frame=True, return_X_y=True)
run = linnet.train(frame, progression, lr=0.1, seed=1, run_dir="runs/arrays")
run

# %% [markdown]
# Metrics with their intervals, the curve, and coefficients by the names of the columns:

# %%
print(run.metrics["test/r2"], run.metrics["test/r2_ci95_low"], run.metrics["test/r2_ci95_high"])
print(run.history.tail())
print(run.coefficients)

# %% [markdown]
# The run as a function of new rows, here and in another process:

# %%
print(run.predict(frame[:3]))
print(linnet.load("runs/arrays").predict(frame[:3]))
