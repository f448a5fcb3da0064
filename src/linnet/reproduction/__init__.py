"""Re-run a recorded run or experiment, and judge whether the result is the same.

    >>> report = linnet.reproduction.reproduce_run("runs/digits/2026-01-31_12-00-00-000000")
    >>> report.verdict, report.different

Importing this package loads neither torch nor Lightning; its functions do.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linnet.reproduction.experiment import record_experiment, reproduce_experiment
    from linnet.reproduction.experiment_report import ExperimentReport
    from linnet.reproduction.run import reproduce_run
    from linnet.reproduction.run_report import RunReport

__all__ = ["ExperimentReport", "RunReport", "record_experiment", "reproduce_experiment", "reproduce_run"]

_MODULES = {
    "ExperimentReport": "experiment_report",
    "RunReport": "run_report",
    "record_experiment": "experiment",
    "reproduce_experiment": "experiment",
    "reproduce_run": "run",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, so that mistakes on the command line are answered without torch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
