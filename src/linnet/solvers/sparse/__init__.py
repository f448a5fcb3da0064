"""Exact optima for sparse features, which are never made dense: products with the matrix are all that is needed."""
