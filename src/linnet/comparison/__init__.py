"""Many runs as one: ranking, table, summary.csv, figures, and a TensorBoard overview."""
