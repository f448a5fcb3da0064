"""Linear least squares and ridge regression by QR in extended precision, with numerical rank and a bound."""
