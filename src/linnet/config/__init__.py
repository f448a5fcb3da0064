"""Composing and checking a run's configuration. Nothing here imports torch, so mistakes are answered at once."""
