"""Student's t distribution, for inference on coefficients. Imports no torch."""

from scipy.special import stdtrit


def critical_t(df_residual: float, confidence: float = 0.95) -> float:
    """Return half the width of a confidence interval in standard errors.

    Args:
        df_residual: degrees of freedom, above 0.
        confidence: of the interval, in (0, 1).
    """
    return float(stdtrit(df_residual, (1 + confidence) / 2))
