"""Expected errors with their exit codes.

From Python they are raised with the sentences that the command line prints. `LinnetError` is above all of them but
`Interrupted`, which is a `KeyboardInterrupt`, so that `except Exception` does not stop it.
"""

import signal


class LinnetError(Exception):
    """An expected error: a sentence that names the problem and, where there is one, the remedy."""

    exit_code = 1


class InputError(LinnetError):
    """Invalid input of the user: one line that names the problem and the remedy. Exit code 2."""

    exit_code = 2


class Diverged(LinnetError):
    """The loss became non-finite, or ended far above its initial value. Exit code 3.

    Args:
        step: the minibatch update, counted from 1, whose loss was non-finite; else the last one.
        lr: the learning rate of that update.
        value: the loss, infinite or NaN; else the mean of the last epoch.
        start: of a finite loss what it has outgrown: the loss of the initial weights, or of zeros.
        stable: a learning rate to try; None: a tenth.
        standardized: whether the features are, so that this is no advice.
    """

    exit_code = 3

    def __init__(
        self, step: int, lr: float, value: float, *, start: float | None = None, stable: float | None = None,
        standardized: bool = False,
    ) -> None:  # fmt: skip
        self.step, self.lr, self.value, self.start = step, lr, value, start
        rate = lr / 10 if stable is None else stable
        if start is not None:
            super().__init__(
                f"training diverges: the loss grew from {start:.3g} at the start to {value:.3g} after step {step} with "
                f"learning rate {lr:g}; try optimizer.lr={rate:.2g}"
            )
            return
        remedy = (
            "no step had been taken, so the initial weights are too large for this loss"
            if step == 1
            else f"try a smaller one, for example optimizer.lr={rate:.2g}"
            + ("" if standardized else ", or data.standardize=true")
        )
        super().__init__(f"the loss became {value} at step {step} with learning rate {lr:g}: {remedy}")


class ProcessLost(LinnetError):
    """One of the processes of a data-parallel run ended, or stopped answering. Exit code 1.

    Args:
        rank: of that process, from 0; None if it is not known which.
        size: the number of processes.
        reason: how it ended.
    """

    exit_code = 1

    def __init__(self, rank: int | None, size: int, reason: str) -> None:
        self.rank, self.size = rank, size
        which = "another process" if rank is None else f"process {rank + 1}"
        super().__init__(f"{which} of {size} was lost ({reason})")


class Interrupted(KeyboardInterrupt):
    """The process was asked to stop. Exit code 128 + the signal's number: 130 after SIGINT (Ctrl-C), 143 after SIGTERM.

    Args:
        signum: the signal's number.
    """

    def __init__(self, signum: int) -> None:
        self.signum, self.exit_code = signum, 128 + signum
        super().__init__(f"stopped by {signal.Signals(signum).name}")
