"""Proofs of how near a solution is to the minimum, rounding included."""
