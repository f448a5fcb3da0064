"""Many runs from one command: the grid or search, the ledger of jobs, the launchers, and the comparison."""
