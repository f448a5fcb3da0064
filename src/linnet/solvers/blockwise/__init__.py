"""Softmax regression with an l2 penalty for many examples times classes, in blocks of rows on any device."""
