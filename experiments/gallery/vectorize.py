# %% [markdown]
# # Loops and vectors
# The same numbers, computed one by one and all at once: a sum of two vectors, and the gradient of the squared error.

# %%
from time import perf_counter

import torch

from linnet.losses import SquaredError


def seconds(work):
    """Return the seconds that a function takes, and what it returns."""
    start = perf_counter()
    result = work()
    return perf_counter() - start, result


# %%
a, b = torch.ones(10_000), torch.ones(10_000)
in_a_loop, one_by_one = seconds(lambda: torch.tensor([float(a[i] + b[i]) for i in range(len(a))]))
at_once, together = seconds(lambda: a + b)
print(
    f"sum of two vectors: at once {in_a_loop / at_once:.0f} times as fast, equal: {torch.equal(one_by_one, together)}"
)

# %%
x, y, weight = torch.randn(2_000, 20), torch.randn(2_000, 1), torch.randn(1, 20)
loss = SquaredError()


def one_at_a_time():
    """Return the mean gradient `[1, 20]`, one example after the other."""
    rows = zip(x, y, strict=True)
    return (
        sum(loss.gradient((row @ weight.T)[None, None], target[None])[0].T @ row[None] for row, target in rows) / 2_000
    )


in_a_loop, one_by_one = seconds(one_at_a_time)
at_once, together = seconds(lambda: loss.gradient((x @ weight.T)[None], y)[0].T @ x / 2_000)
same = torch.allclose(one_by_one, together, atol=1e-4)
print(f"gradient: at once {in_a_loop / at_once:.0f} times as fast, equal: {same}")
