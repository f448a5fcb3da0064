"""Formats of `linnet export RUN`, which predict without linnet: ONNX, scikit-learn and JSON.

Each format is a pair of functions: from a `Predictor` to the bytes of a file, and from those bytes and inputs to
predictions, by which every file is checked before it is written.

What the files take:

- onnx, a graph of standard operators (opset 17) in double precision: of a table one input a column, `[N, 1]`, double
  (NaN where missing, booleans as 1 and 0), or string for categories (empty where missing); of arrays `x`, `[N, D]` or
  `[N, H, W]`, pictures as grey levels 0 … 1.
- sklearn, a fitted Pipeline for `joblib.load`: a pandas DataFrame with the training columns (read categories with
  `dtype=str`), or an array `[N, D]`. A joblib file can run code when it is loaded: take one from those you trust only.
- json, every coefficient, and in words how to predict from it: twenty lines in any language.
"""
