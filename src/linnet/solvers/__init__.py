"""Exact solutions of the convex problems, and certificates of the distance to them."""

from linnet.solvers.optimum import Optimum
from linnet.solvers.smoothness import Curvature, curvature
from linnet.solvers.solve import solve

__all__ = ["Curvature", "Optimum", "curvature", "solve"]
