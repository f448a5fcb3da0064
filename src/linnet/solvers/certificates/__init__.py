"""Proven bounds on the suboptimality of a solution, rounding included."""
