# %% [markdown]
# # A shift in real data
# Were the digits of scikit-learn written by the same people from the first to the last? A classifier is asked.

# %%
import numpy as np
from sklearn.datasets import load_digits

import linnet

pixels, digits = load_digits(return_X_y=True)
is_late = (np.arange(len(pixels)) >= len(pixels) // 2).astype(int)
options = {"optimizer": "exact", "penalty": "l2", "strength": 0.01, "tracked": False, "quiet": True}

# %% [markdown]
# If inputs of the first half cannot be distinguished from those of the second, the accuracy is 0.5 up to its interval.

# %%
for name, label in (("in the order of the file", is_late), ("shuffled", np.random.default_rng(0).permutation(is_late))):
    metrics = linnet.train(pixels, label, **options).metrics
    low, high = metrics["test/accuracy_ci95_low"], metrics["test/accuracy_ci95_high"]
    print(f"first or second half, {name}: {metrics['test/accuracy']:.3f} (95 %: {low:.2f} ... {high:.2f})")

# %% [markdown]
# What the shift costs: the digits of the second half, by a model of the first half, and of a half drawn at random.

# %%
for name, late in (("first", is_late), ("random", np.random.default_rng(0).permutation(is_late))):
    run = linnet.train(pixels[late == 0], digits[late == 0], test_fraction=0.0, val_fraction=0.0, **options)
    errors = (run.predict(pixels[late == 1]) != digits[late == 1]).mean()
    print(f"trained on the {name} half: {errors:.3f} of the other half wrong")
