"""Errors, files, terminal, threads, signals and random streams: knows nothing of learning."""
