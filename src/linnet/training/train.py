"""From a command line to a run: compose, check, claim a directory, and train.

`linnet.training.run` imports torch and Lightning, which takes seconds; mistakes are answered before that.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from linnet.config.check import check, refuse_chdir
from linnet.config.check_options import check_options
from linnet.config.compose import compose, session
from linnet.config.environment import with_environment
from linnet.config.loggers import with_loggers
from linnet.config.project_options import announce, take_searchpath
from linnet.config.resolved import resolve
from linnet.system.sanitize import print_note
from linnet.system.terminal import Terminal
from linnet.tracking.claim import claimed
from linnet.tracking.directory import RunDirectory, refuse_claimed
from linnet.tracking.lock import Lock
from linnet.training.job import begin_in, run_in

if TYPE_CHECKING:
    from linnet.training.finalize import FinishedRun


def train(
    overrides: Sequence[str] = (),
    *,
    quiet: bool = False,
    in_python: bool = False,
    imported: Callable[[], None] | None = None,
) -> "FinishedRun":
    """Train one run in its directory; see `linnet.train`.

    Args:
        overrides: as on the command line.
        quiet: print nothing.
        in_python: whether it is a call of `linnet.train`, perhaps one of many.
        imported: called once everything that a run needs is imported.
    """
    overrides, folders = take_searchpath(with_environment(overrides))
    found = None if folders else resolve(overrides)
    if found is not None:
        directory = found.run_dir()
        with _claimed(directory, imported) as lock:
            begin_in(directory, found)
            if quiet:
                _leave_the_terminal_alone()
            return _run(directory, found.config, found.choices, lock, quiet=quiet, one_of_many=in_python)
    with session(folders):
        config = compose(overrides)
        check(config)
        refuse_chdir(config)
        _announce(config, quiet)
        directory = Path(config.hydra.run.dir).absolute()
        with _claimed(directory, imported) as lock:

            def task(job: DictConfig) -> "FinishedRun":
                if quiet:
                    _leave_the_terminal_alone()
                return execute(job, quiet=quiet, lock=lock, one_of_many=in_python)

            return run_in(directory, config, task)


@contextmanager
def _claimed(directory: Path, imported: Callable[[], None] | None) -> Iterator[Lock]:
    """Own the directory of a new run, once all is imported that a run needs: see `train`."""
    refuse_claimed(directory)
    import linnet.training.run  # noqa: F401  # first: interrupted in the directory, it would leave that empty

    if imported is not None:
        imported()
    with claimed(directory) as lock:
        yield lock


def train_untracked(overrides: Sequence[str] = (), *, quiet: bool = False) -> "FinishedRun":
    """Train one run in memory, and write no file. Arguments as for `train`."""
    overrides, folders = take_searchpath(with_environment(overrides))
    found = None if folders else resolve(overrides)
    if found is not None:
        config, choices = found.config, found.choices
    else:
        with session(folders):
            composed = compose(overrides)
            config, choices = check(composed), dict(composed.hydra.runtime.choices)
            _announce(composed, quiet)
    from linnet.training.untracked import run_untracked  # late, as in `train`

    return run_untracked(config, choices, quiet=quiet)


def _announce(config: DictConfig, quiet: bool) -> None:
    """Say on stderr what is particular about a run: options of a project, an experiment that is a sweep."""
    if quiet:
        return
    announce()
    swept = config.hydra.sweeper.get("params")
    if swept:
        print_note(f"this is one run; the experiment is a sweep over {', '.join(swept)}: add --multirun for all of it")


def _leave_the_terminal_alone() -> None:
    """Log into files only, once Hydra has set up logging."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, logging.StreamHandler)]:
        if not isinstance(handler, logging.FileHandler):
            root.removeHandler(handler)


def execute(
    config: DictConfig, *, quiet: bool = False, lock: Lock | None = None, one_of_many: bool = False
) -> "FinishedRun":
    """Run a job inside its Hydra output directory, and record how it ends.

    Args:
        config: the job's; Hydra's own, which has passed `check`, is looked up.
        quiet: print nothing, as in a sweep, where each job gets one line.
        lock: of the directory, if this process holds it already.
        one_of_many: see `RunRequest`.
    """
    hydra = HydraConfig.get()
    resolved = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
    check_options(resolved)  # again, since an interpolation may have another value by now
    directory, choices = Path(hydra.runtime.output_dir), dict(hydra.runtime.choices)
    return _run(directory, resolved, choices, lock, quiet=quiet, one_of_many=one_of_many)


def _run(
    directory: Path, config: dict[str, Any], choices: dict[str, Any], lock: Lock | None, *, quiet: bool,
    one_of_many: bool,
) -> "FinishedRun":  # fmt: skip
    from linnet.training.context import RunRequest
    from linnet.training.run import run_to_end

    request = RunRequest(
        RunDirectory(directory, lock=lock), config, with_loggers(choices, config), Terminal(quiet=quiet),
        one_of_many=one_of_many,
    )  # fmt: skip
    return run_to_end(request)
