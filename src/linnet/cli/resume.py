"""`linnet resume RUN`: go on after an interruption, or for more epochs."""

from collections.abc import Sequence
from pathlib import Path

from linnet.cli.parser import Parser
from linnet.system.errors import InputError
from linnet.system.garbage_collection import gc_paused
from linnet.system.terminal import Terminal, print_prose
from linnet.tracking.directory import read_status, require_run

KEY = "trainer.max_epochs"


def main(arguments: Sequence[str]) -> None:
    """Resume a run that is not completed, or continue one for more epochs."""
    parser = Parser(
        prog="linnet resume",
        description="Go on with a run after an interruption, to the same final weights, from its last checkpoint; or "
        "continue it with more epochs, to the final weights of a run that had them from the start.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run directory")
    parser.add_argument("more", nargs="?", metavar=f"{KEY}=N", help="how many epochs it is to have in all")
    given = parser.parse_args(arguments)
    max_epochs = None if given.more is None else _max_epochs(given.more)
    if max_epochs is None and read_status(given.run).get("state") == "completed":
        done = f"{given.run} is completed: nothing to do (for more epochs: linnet resume {given.run} {KEY}=N)"
        print_prose(Terminal(), done)
    else:
        require_run(given.run)
        with gc_paused():  # late: mistakes are answered before torch is imported
            from linnet.training.resume import resume
        resume(given.run, max_epochs)


def _max_epochs(text: str) -> int:
    """Return the number of epochs in `trainer.max_epochs=N`. Raises InputError for anything else."""
    key, _, value = text.partition("=")
    if key != KEY:
        raise InputError(
            f"{text}: resume can change {KEY} only, see `linnet resume --help`; for other settings start a new run, "
            f"if need be from these weights: linnet train ... init_from=RUN"
        )
    if not value.isdecimal() or int(value) < 1:
        raise InputError(f"{text}: expected a whole number in [1, inf)")
    return int(value)
