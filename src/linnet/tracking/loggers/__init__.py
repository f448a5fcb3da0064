"""Loggers besides TensorBoard, each over one of Lightning's: `logger=csv`."""
