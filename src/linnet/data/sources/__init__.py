"""Data sources: one function per option of the config group `data`, from its options to examples."""
