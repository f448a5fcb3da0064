"""The `linnet` command. The modules of a subcommand are imported when it is called."""

import gc
import logging
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from importlib import import_module

from linnet.cli.commands import COMMANDS, COMPLETION
from linnet.cli.help_text import fold_help
from linnet.system.errors import InputError, Interrupted, LinnetError
from linnet.system.garbage_collection import keep_imports
from linnet.system.interrupts import Interrupts
from linnet.system.sanitize import printable
from linnet.system.streams import BROKEN_PIPE, UNWRITTEN, discard, reopen_closed, replace_unprintable
from linnet.system.version import VERSION

HELP = """\
linnet: experiment-tracked linear and softmax regression

  linnet train [overrides]     train one run, or a sweep with --multirun
  linnet resume RUN            go on after an interruption, to the same final weights
  linnet resume RUN trainer.max_epochs=N   continue a run, completed or not, with more epochs
  linnet evaluate RUN          the saved run's own config and weights, on its test set
  linnet evaluate RUN --input F  the same weights on another labelled file
  linnet predict RUN --input F  predictions for new examples, in a table or an array
  linnet inspect RUN           its coefficients by name, in the units of the data, with standard errors
  linnet export RUN            as ONNX, scikit-learn or JSON, preprocessing included
  linnet reproduce RUN|NAME    a run or an experiment again: identical, within tolerance, or different
  linnet compare DIR...        table, summary.csv and figures over many runs
  linnet report RUN|DIR|NAME   one HTML page that needs no network, of runs, a sweep or an experiment
  linnet board [DIR]           TensorBoard over the runs below DIR (default: runs)
  linnet new NAME              a package of your own parts to begin with: loss, data, metric, their tests

  linnet train -sc install=bash  the lines that give bash tab completion: eval "$(linnet train -sc install=bash)"
  linnet train --help          the options of every config group, and the experiments
  linnet COMMAND RUN --accept-changed   go on with a run whose files were changed since it ended
  linnet --version

Examples
  linnet train                                        softmax regression on digits
  linnet train data=diabetes optimizer=momentum       other data and optimizer
  linnet train experiment=softmax_scratch             a recorded experiment
  linnet train --multirun optimizer.lr=0.01,0.1,1     one run for each learning rate
"""


def main() -> None:
    """Run the console script."""
    gc.disable()  # until a command has imported what it needs, see `keep_imports`
    logging.raiseExceptions = False  # a log that cannot be written to, as on a full disk, is not what has to be said
    reopen_closed()
    replace_unprintable()
    try:
        code = run(sys.argv[1:])
        sys.stderr.flush()
    except OSError as error:  # of stderr, which had to say why the command failed
        discard(sys.stderr)
        code = BROKEN_PIPE if isinstance(error, BrokenPipeError) else 1
    try:
        sys.stdout.flush()
    except OSError as error:  # the work of the command is done even if its output is no longer read
        discard(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            UNWRITTEN.append(error)
    if UNWRITTEN and code == 0:
        code = 1
        try:
            print(f"linnet: done, but standard output is incomplete: {UNWRITTEN[0]}", file=sys.stderr, flush=True)
        except OSError:
            discard(sys.stderr)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code.

    0 done, 1 failed, 2 wrong input, 3 diverged, 129 after SIGHUP, 130 after Ctrl-C, 141 if the output is not read to
    its end, 143 after SIGTERM.
    """
    name, rest = arguments[0] if arguments else "help", list(arguments[1:])
    interrupts = Interrupts()
    try:
        if name in ("-h", "--help", "help"):
            print(fold_help(HELP), end="", flush=True)
            return 0
        if name in ("-V", "--version"):
            print(f"linnet {VERSION}", flush=True)
            return 0
        if name in COMPLETION:
            from linnet.cli.completion import shell_completion

            return shell_completion(rest)
        if name not in COMMANDS:
            raise InputError(f"{name}: no such command, choose from: {', '.join(COMMANDS)}")
        if any("\0" in word for word in rest):
            raise InputError(f"{name}: an argument has a zero byte, which no name of a file has")
        from linnet.config.trust import take_trust  # late: help and version need no YAML
        from linnet.tracking.manifest_file import ACCEPT, changes_accepted

        with interrupts, changes_accepted() if ACCEPT in rest else nullcontext():
            rest = take_trust([word for word in rest if word != ACCEPT])
            command = import_module(f"linnet.cli.{name}")
            if name != "train":  # which first answers mistakes, and then imports what it needs
                keep_imports()
            return command.main(rest) or 0
    except LinnetError as error:
        # A library that is interrupted may put an error of its own in the place of the signal's exception.
        shown = error if interrupts.signum is None else Interrupted(interrupts.signum)
        print(f"linnet: {printable(' '.join(str(shown).splitlines()))}", file=sys.stderr)
        return shown.exit_code
    except BrokenPipeError:
        discard(sys.stdout)
        return BROKEN_PIPE
    except (OSError, MemoryError) as error:
        print(f"linnet: {type(error).__name__}: {printable(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print(f"linnet: {str(error) or 'stopped by SIGINT'}", file=sys.stderr)
        return error.exit_code if isinstance(error, Interrupted) else 130
    except Exception:
        if interrupts.signum is None:
            raise
        stopped = Interrupted(interrupts.signum)  # in whose place is an error of a library, argparse's for example
        print(f"linnet: {stopped}", file=sys.stderr)
        return stopped.exit_code
