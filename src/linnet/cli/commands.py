"""The commands of linnet."""

COMMANDS = (
    "train", "resume", "evaluate", "predict", "inspect", "export", "reproduce", "compare", "report", "board", "new",
)  # fmt: skip
"""Each is the `main` of the module of its name in this package; its exit code is 0 unless it returns another."""
COMPLETION = ("-sc", "--shell-completion")
"""The flag with which a shell asks for completions of a line, before it knows the command."""
