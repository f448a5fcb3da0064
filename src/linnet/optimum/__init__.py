"""Exact solutions of the convex problems, and certificates of the distance to them."""

from linnet.optimum.curvature import Curvature, curvature
from linnet.optimum.optimum import Optimum
from linnet.optimum.solve import solve

__all__ = ["Curvature", "Optimum", "curvature", "solve"]
