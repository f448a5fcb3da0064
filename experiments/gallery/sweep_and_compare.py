# %% [markdown]
# # Sweep and compare
# Nine runs of softmax regression, trained side by side as one matrix product.

# %%
import linnet

sweep = linnet.sweep(
    {"lr": [0.01, 0.1, 1.0], "seed": range(3)},
    "data=digits",
    max_epochs=5,
    launcher="vectorized",
    sweep_dir="runs/digits_lr",
)
sweep

# %% [markdown]
# One row a run; the best one, chosen by validation:

# %%
print(sweep.frame[["optimizer.lr", "seed", "val/loss"]])
print(sweep.best.metrics["test/accuracy"])

# %% [markdown]
# Any directories can be compared again, whenever and by whomever they were run:

# %%
linnet.compare("runs/digits_lr")
