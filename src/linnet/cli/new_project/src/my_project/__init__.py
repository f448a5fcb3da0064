"""Losses, data and metrics of our own for linnet."""
