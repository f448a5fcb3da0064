"""Errors, files, terminal, threads, signals and random streams: independent of machine learning."""
