"""Products of a batch of sparse rows with the weight, and back: only features that occur in the batch are looked at.

x is a coalesced COO tensor `[B, D]`, as `SparseExamples` gives them. Of a batch with n entries, both products take R n
multiplications for R outputs of all models, where dense ones take R B D. Weight and gradient stay dense, so that
optimizers and penalties need not know.
"""

import torch
from torch import Tensor


def times(x: Tensor, weight: Tensor) -> Tensor:
    """Return weight xᵀ, `[R, B]`, for weight `[R, D]`; autograd may record it."""
    rows, columns = x.indices()
    starts = torch.searchsorted(rows, torch.arange(x.shape[0] + 1, device=rows.device))
    products = weight.index_select(1, columns) * x.values()
    # An empty segment has the sum 0. Ten times as fast as adding each product to its row by `index_add`.
    starts = starts.expand(len(weight), -1).contiguous()
    return torch.segment_reduce(products, "sum", offsets=starts, axis=1, unsafe=True)


def transpose_times(x: Tensor, gradient: Tensor) -> Tensor:
    """Return gradient x, `[R, D]`, for gradient `[R, B]`."""
    rows, columns = x.indices()
    products = gradient.index_select(1, rows).mul_(x.values())
    return gradient.new_zeros(len(gradient), x.shape[1]).scatter_add_(1, columns.expand(len(gradient), -1), products)
