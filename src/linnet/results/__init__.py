"""Runs as objects of Python and of notebooks: one, many, a sweep."""
