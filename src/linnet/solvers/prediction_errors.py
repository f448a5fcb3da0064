"""Errors of least squares predictions of new rows, from theory. Imports no torch."""

from dataclasses import dataclass

import numpy as np

from linnet.solvers.extended_precision import Array
from linnet.solvers.student_t import critical_t

ARRAYS = ("means", "inverse_factor", "residual_std_error")
"""Names of the arrays in a file."""


@dataclass(frozen=True)
class PredictionErrors:
    """Errors of the predictions of an unpenalised least squares fit, for independent normal errors of one variance.

    The error of the prediction at a new row x, of features as they were fitted, has variance σ² (1 + h) with the
    leverage h = aᵀ (AᵀA)⁻¹ a = ‖aᵀ G‖², where a = [1, x − means] and A has the rows a of the training examples. Means
    are subtracted so that h loses no digits to features far from 0.

    Source: Seber and Lee, Linear Regression Analysis, 2003, section 5.3.

    means: of the features `[D]`; 0 without a bias.
    inverse_factor: G `[1 + D, 1 + D]`, bias first; its first row is 0 without a bias.
    residual_std_error: estimate of σ per output `[C]`, in units of the target.
    df_residual: degrees of freedom of that estimate, at least 1.
    """

    means: Array
    inverse_factor: Array
    residual_std_error: Array
    df_residual: float

    def leverage(self, x: Array) -> Array:
        """Return the leverage h of features `[N, D]`, `[N]`; of each row the same, whichever others it comes with."""
        rows = np.column_stack([np.ones(len(x)), x - self.means])
        return np.square(np.vecdot(rows[:, None], np.ascontiguousarray(self.inverse_factor.T))).sum(axis=1)

    def margin(self, x: Array, confidence: float) -> Array:
        """Return half the widths `[N, C]` of the prediction intervals of features `[N, D]`.

        Args:
            x: features of new rows.
            confidence: probability that the interval of a new row holds its target, in (0, 1).
        """
        spread = np.sqrt(1 + self.leverage(x))
        return critical_t(self.df_residual, confidence) * spread[:, None] * self.residual_std_error
