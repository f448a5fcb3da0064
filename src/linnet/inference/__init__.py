"""A trained run as a function: predictions for new examples, in memory that does not grow with their number.

`opening` detects the format of an input, `csv_table` and `columnar_table` read it in chunks of rows, `rows` predicts
them, `writers` write the predictions, to an `output` that is complete or absent. Nothing here imports torch.
"""
