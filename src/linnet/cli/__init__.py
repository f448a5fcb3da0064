"""The command line: `main` and one module per command, which parses its arguments, calls down and prints."""
