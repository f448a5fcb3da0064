"""Sparse features as compressed rows (CSR) that later code can rely on."""

from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor


def is_sparse(x: Any) -> bool:
    """Return whether x is a sparse matrix or array of scipy, or a sparse tensor of torch."""
    return scipy.sparse.issparse(x) or (isinstance(x, Tensor) and x.layout != torch.strided)


def compressed_rows(x: Any) -> scipy.sparse.csr_array:
    """Return sparse features `[N, D]` as CSR with sorted column indices that occur once per row.

    Entries of one position are added up, as scipy's `toarray` does; x itself is not changed, and its memory is shared
    where nothing has to be. Integers and float16 become float64.

    Args:
        x: any sparse format of scipy, or of torch.

    Raises:
        ValueError: x is not two-dimensional, holds no real numbers, NaN or infinity, or its indices are damaged.
    """
    if isinstance(x, Tensor):
        x = _of_torch(x.detach().cpu())
    if x.ndim != 2:
        raise ValueError(f"features are {tuple(x.shape)}: [N, D] is wanted")
    if x.dtype.kind not in "biuf" or x.dtype.itemsize > 8:
        raise ValueError(f"features are of {x.dtype}: real numbers of at most 64 bits are wanted")
    rows = scipy.sparse.csr_array(x)
    rows.check_format(full_check=True)  # an index out of range would be read from memory that is not ours
    if rows.dtype not in (np.float32, np.float64):
        rows = rows.astype(np.float64)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    if not np.isfinite(rows.data).all():
        raise ValueError("features hold NaN or infinite numbers")
    narrow = max(rows.nnz, *rows.shape) < np.iinfo(np.int32).max
    if narrow and rows.indices.dtype != np.int32:  # half of the memory that a product reads
        arrays = rows.data, rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
        rows = scipy.sparse.csr_array(arrays, shape=rows.shape)
    return rows


def _of_torch(x: Tensor) -> Any:
    if x.layout == torch.sparse_coo:
        x = x.coalesce()
        rows, columns = x.indices().numpy()
        return scipy.sparse.coo_array((x.values().numpy(), (rows, columns)), shape=tuple(x.shape))
    if x.layout == torch.sparse_csr:
        arrays = x.values().numpy(), x.col_indices().numpy(), x.crow_indices().numpy()
        return scipy.sparse.csr_array(arrays, shape=tuple(x.shape))
    raise ValueError(f"features are a tensor of layout {x.layout}: sparse_csr, sparse_coo or scipy's CSR is wanted")
