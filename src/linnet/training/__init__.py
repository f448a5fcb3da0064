"""One run from its configuration to its directory: set up, fit, finalize; resume and evaluate; many models at once."""
