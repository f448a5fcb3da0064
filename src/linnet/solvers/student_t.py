"""Student's t distribution, for inference on coefficients. Imports no torch."""

from scipy.special import stdtrit


def critical_t(df_residual: float) -> float:
    """Return half the width of a 95 % confidence interval in standard errors.

    Args:
        df_residual: degrees of freedom, above 0.
    """
    return float(stdtrit(df_residual, 0.975))
