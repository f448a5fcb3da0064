# %% [markdown]
# # Number formats
# Where exp overflows and underflows in each format, and what a byte can be made to hold.

# %%
import numpy as np
import torch

from linnet.losses import cross_entropy

for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
    limits = torch.finfo(dtype)
    largest = np.log(limits.max)
    normal, smallest = np.log(limits.tiny), np.log(limits.smallest_normal * limits.eps)
    at = torch.tensor([largest - 0.5, largest + 0.5, smallest - 1.5], dtype=dtype).exp()
    print(f"{str(dtype)[6:]:8} exp finite up to {largest:6.2f}, full precision down to {normal:7.2f}, above 0 down to "
          f"{smallest:7.2f}; steps of {limits.eps:.1g}; beyond: {at[1].item()}, {at[2].item()}")  # fmt: skip
    assert at[0].isfinite()

# %% [markdown]
# TF32 has the exponent of float32 and the steps of float16. A byte from 1 to 255 has logarithms from 0 to 5.54.
# Read as exponent of a base r it reaches r^254: rounding is then relative, products are sums of bytes, but sums are not
# what they were.

# %%
rng = np.random.default_rng(0)
x = rng.lognormal(0, 3, 10_000)
print(f"10,000 numbers, largest / smallest {x.max() / x.min():.1g}")
scale = x.max() / 255
linear = np.clip(np.round(x / scale), 1, 255) * scale
r = (x.max() / x.min()) ** (1 / 254)
codes = np.round(np.log(x / x.min()) / np.log(r)).astype(int) + 1
logarithmic = x.min() * r ** (codes - 1.0)
for name, held in (("linear", linear), ("logarithmic", logarithmic)):
    error = np.abs(held / x - 1)
    print(f"{name:11} relative error: median {np.median(error):.2g}, largest {error.max():.2g}")
a, b = codes[:5000] - 1, codes[5000:] - 1
exact = np.allclose(r ** (a + b), r**a * r**b, rtol=1e-9)
sums = np.allclose(r**a + r**b, r ** (a + b))
print(f"base {r:.3f}: code of a product = sum of codes: {exact}; r^a + r^b = r^(a+b): {sums}")
print(f"products beyond the range: {(a + b > 254).mean():.0%}; 1 + 1 is {r ** np.round(np.log(2) / np.log(r)):.3f}")

# %% [markdown]
# Half precision is enough for softmax where the maximum is subtracted first.

# %%
logits = torch.randn(1000, 10, generator=torch.Generator().manual_seed(0)) * 20
labels = torch.randint(10, (1000,), generator=torch.Generator().manual_seed(1))
exact = cross_entropy(logits.double(), labels).item()
for dtype in (torch.float32, torch.bfloat16, torch.float16):
    held = logits.to(dtype)
    naive = -(held.exp() / held.exp().sum(1, keepdim=True))[torch.arange(1000), labels].log()
    error = abs(cross_entropy(held, labels).item() / exact - 1)
    print(f"{str(dtype)[6:]:8} loss off by less than {10.0 ** np.ceil(np.log10(error + 1e-9)):.0e}; "
          f"by definition not finite for {(~naive.isfinite()).float().mean():.0%}")  # fmt: skip
