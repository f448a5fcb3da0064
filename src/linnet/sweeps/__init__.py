"""Many runs from one command: the grid or search, the registry of jobs, and the launchers."""
