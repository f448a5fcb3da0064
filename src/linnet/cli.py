"""The `linnet` command. Each subcommand imports what it needs once it is asked for."""

import gc
import logging
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from linnet import __version__
from linnet.errors import Diverged, InputError, Interrupted, ProcessLost
from linnet.interrupts import Interrupts
from linnet.streams import BROKEN_PIPE, discard, replace_unprintable

HELP = """\
linnet: experiment-tracked linear and softmax regression

  linnet train [overrides]     train one run, or a sweep with --multirun
  linnet resume RUN            go on after an interruption, to the same final weights
  linnet resume RUN trainer.max_epochs=N   continue a run, completed or not, with more epochs
  linnet evaluate RUN          the saved run's own config and weights, on its test set
  linnet evaluate RUN --input F  the same weights on another labelled file
  linnet predict RUN --input F predictions for new examples, in a table or an array
  linnet inspect RUN           its coefficients by name, in the units of the data, with standard errors
  linnet export RUN            as ONNX, scikit-learn or JSON, preprocessing included
  linnet reproduce RUN|NAME    a run or an experiment again: identical, within tolerance, or different
  linnet compare DIR...        table, summary.csv and figures over many runs
  linnet board [DIR]           TensorBoard over the runs below DIR (default: runs)

  linnet train --help          the options of every config group, and the experiments
  linnet --version

Examples
  linnet train                                        softmax regression on digits
  linnet train data=diabetes optimizer=momentum       other data and optimizer
  linnet train experiment=softmax_scratch             a recorded experiment
  linnet train --multirun optimizer.lr=0.01,0.1,1     one run for each learning rate
"""


def main() -> None:
    """Entry point of the console script."""
    gc.disable()  # until a command has imported what it needs, see `keep_imports`
    logging.raiseExceptions = False  # a log that cannot be written to, as on a full disk, is not what has to be said
    replace_unprintable()
    try:
        code = run(sys.argv[1:])
        sys.stderr.flush()
    except BrokenPipeError:  # of stderr, which had to say why the command failed
        discard(sys.stderr)
        code = BROKEN_PIPE
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the work of the command is done even if its output is no longer read
        discard(sys.stdout)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code.

    0 done, 1 failed, 2 wrong input, 3 diverged, 130 after Ctrl-C, 141 if the output is not read to its end,
    143 after SIGTERM.
    """
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    if arguments[0] in ("-V", "--version"):
        print(f"linnet {__version__}")
        return 0
    commands: dict[str, Callable[[list[str]], int]] = {
        "train": _train,
        "resume": _of_module("linnet.resume"),
        "evaluate": _of_module("linnet.evaluate"),
        "predict": _of_module("linnet.prediction.command"),
        "inspect": _of_module("linnet.inspection.command"),
        "export": _of_module("linnet.export.command"),
        "reproduce": _of_module("linnet.reproduction.command"),
        "compare": _of_module("linnet.sweeps.compare"),
        "board": _of_module("linnet.board"),
    }
    name, rest = arguments[0], list(arguments[1:])
    try:
        if name not in commands:
            raise InputError(f"{name}: no such command, choose from: {', '.join(commands)}")
        with Interrupts():
            return commands[name](rest)
    except (InputError, Diverged, ProcessLost) as error:
        print(f"linnet: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        discard(sys.stdout)
        return BROKEN_PIPE
    except (OSError, MemoryError) as error:
        print(f"linnet: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print(f"linnet: {str(error) or 'stopped by SIGINT'}", file=sys.stderr)
        return error.exit_code if isinstance(error, Interrupted) else 130


def keep_imports() -> None:
    """Collect garbage from now on, but not among what there is by now, if `main` has turned that off.

    What torch, Lightning and their like leave in memory stays until the end. Looking through it for garbage, again and
    again while it grows and once more at the end, takes a quarter of the time that importing them does.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _train(arguments: list[str]) -> int:
    from linnet.config import arguments as train

    request = train.parse(arguments)
    if request.help:
        train.print_options()
    elif request.show:
        train.print_config(request)
    elif request.multirun:
        from linnet.sweeps.multirun import multirun

        keep_imports()
        return multirun(request.overrides)
    else:
        from linnet.run import train as train_one

        train_one(request.overrides, imported=keep_imports)
    return 0


def _of_module(name: str) -> Callable[[list[str]], int]:
    """The command that is the `main` of a module; its exit code is 0 unless it returns another."""

    def command(arguments: list[str]) -> int:
        module = import_module(name)
        keep_imports()
        return module.main(arguments) or 0

    return command
