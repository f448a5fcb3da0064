"""Huber's loss and absolute error: linear programme, exact vertex, and their bounds."""
