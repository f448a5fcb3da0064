"""Carry out one run in its directory: set up, fit, finalize."""

from linnet.system.interrupts import Interrupts
from linnet.training.context import RunRequest, record_status
from linnet.training.finalize import FinishedRun, finalize
from linnet.training.fit import fit
from linnet.training.setup import setup


def run_to_end(request: RunRequest) -> FinishedRun:
    """Train in a directory, and record there how the run ended, also if by an error. The directory is closed then."""
    with request.directory, Interrupts() as interrupts, record_status(request):
        interrupts.raise_if_any()
        context = setup(request, interrupts)
        try:
            with context.further_loggers:
                interrupts.raise_if_any()
                fit(context)
                run = finalize(context)
        finally:
            context.logger.close()
        request.directory.set("completed")
    return run
