"""Exact arithmetic: separation, linear dependence of columns, integer linear systems."""
