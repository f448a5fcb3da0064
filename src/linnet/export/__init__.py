"""`linnet export RUN`: a run's predictions without linnet, as ONNX, scikit-learn or JSON.

Each format is a pair of functions: from a `Predictor` to the bytes of a file, and from those bytes and inputs to
predictions, by which every file is checked before it is written.
"""
