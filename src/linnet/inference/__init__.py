"""`linnet predict`: a run's predictions for new examples, in memory that does not grow with their number.

`opening` finds out what an input is, `csv_table` and `columnar_table` read it some rows at a time, `rows` makes
predictions of these, `writers` write them, to an `output` that is whole or absent. Nothing here imports torch.
"""
