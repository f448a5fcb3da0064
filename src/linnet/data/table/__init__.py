"""Your own table as a source of examples: CSV, Parquet, Feather.

Files are read to columns (`read`), columns get roles and kinds (`roles`, `values`), rows get splits (`splits`);
a `Preprocessing` is fitted on the training rows and makes features of them, now and when predicting. Only `source` and
`split` import torch.
"""
