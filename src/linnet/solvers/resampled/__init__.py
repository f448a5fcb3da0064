"""Exact optima of all folds of a cross-validation: closed forms, one decomposition per fold, warm-started solves."""
