"""The triangular factor of a tall matrix, from blocks of its rows."""

from contextlib import AbstractContextManager
from functools import cache

import numpy as np
from scipy.linalg import lapack
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from linnet.solvers.extended_precision import Array

PANEL = 32
"""Columns that LAPACK eliminates at once."""

MIN_ROWS = 1024
"""Fewest rows worth a factorisation: tiny blocks are gathered."""


class Triangle:
    """R of the QR factorisation of all rows added, in memory O(columns²): R of [R; new rows] is the next R.

    Householder reflections all the way: as accurate as factorising everything at once, and faster, since a block
    stays in the cache. The triangular shape of R is used, so that small blocks cost no extra arithmetic.

    Source: Demmel, Grigori, Hoemmen and Langou, Communication-optimal parallel and sequential QR, 2012; LAPACK tpqrt.
    """

    def __init__(self, n_columns: int) -> None:
        self._n_columns = n_columns
        self._factor: Array | None = None
        self._pending: list[Array] = []

    def add(self, rows: Array) -> None:
        """Add `rows [n, columns]`."""
        self._pending.append(rows)
        if sum(map(len, self._pending)) >= max(self._n_columns, MIN_ROWS):
            self._eliminate()

    def factor(self) -> Array:
        """Return R, upper trapezoidal `[min(rows, columns), columns]`. More rows may be added afterwards."""
        if self._pending and (self._factor is not None or sum(map(len, self._pending)) >= self._n_columns):
            self._eliminate()
        if self._factor is None:
            return triangularised(np.concatenate([np.empty((0, self._n_columns)), *self._pending]))
        return self._factor

    def _eliminate(self) -> None:
        rows = np.asfortranarray(np.concatenate(self._pending))
        self._pending = []
        if self._factor is None:
            self._factor = triangularised(rows)
        else:
            panel = min(PANEL, self._n_columns)
            with single_threaded():
                self._factor = lapack.dtpqrt(0, panel, self._factor, rows, overwrite_b=1)[0]


def triangularised(rows: Array) -> Array:
    """Return R of one matrix `[n, columns]`, in column-major order for LAPACK."""
    size = min(rows.shape)
    if size == 0:
        return np.zeros((0, rows.shape[1]), order="F")
    workspace = lapack.dgeqrf_lwork(*rows.shape)[0]
    with single_threaded():
        return np.asfortranarray(np.triu(lapack.dgeqrf(rows, lwork=int(workspace))[0][:size]))


def single_threaded() -> AbstractContextManager[object]:
    """Limit BLAS to one thread, for LAPACK on narrow panels: several threads only wait for each other.

    On two cores that others used too, factorising 20000 x 795 took seven times as long on two threads as on one, and
    the largest eigenvalue of its triangle forty times.
    """
    return _controller().limit(limits=1, user_api="blas")


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
