"""Exact solutions of the convex problems, and certificates of the distance to them."""
