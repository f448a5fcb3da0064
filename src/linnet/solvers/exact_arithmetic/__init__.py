"""Questions that rounding must not decide: separation, dependence of columns, integer linear systems."""
