"""Time cross-validation of a path of penalties on Fashion-MNIST: all models side by side, and one after the other.

    python tests/benchmarks/cross_validation.py [--strengths 20 --folds 10 --epochs 10]

Side by side is a sweep with resampling=kfold and hydra/launcher=vectorized: from process start to end, with all its
files. One after the other is, in one process, a plain loop per strength and fold over a copy of the fold's examples,
without any files, which validates on what the fold leaves out after every epoch, and another one on all examples.
"""

import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from side_by_side import Candidate, parser, seconds_of_process, table, take_turns

LIMIT = 0.25


def strengths(n: int) -> list[float]:
    return [float(f"{value:.4g}") for value in np.logspace(-6, -1, n)]


def words(folds: int, epochs: int) -> list[str]:
    return [
        "data=fashion_mnist", "penalty=l2", "resampling=kfold", f"resampling.n_folds={folds}",
        f"trainer.max_epochs={epochs}", "figures=false", "optimum=off",
    ]  # fmt: skip


def one_after_the_other(given: Sequence[str]) -> None:
    """Train as many models, each by itself."""
    from linnet.config.resolved import resolve
    from linnet.data import Data
    from linnet.training.components import build_data, build_model
    from linnet.training.loop import LoopOptions, train_loop

    n_strengths, folds, epochs = map(int, given)
    options = LoopOptions(max_epochs=epochs)
    data = build_data(resolve(words(folds, epochs)).config)
    for strength in strengths(n_strengths):
        config = resolve([*words(folds, epochs), f"penalty.strength={strength}"]).config
        for held_out in [*data.resamples.held_out, None]:
            train, val = data.train, None
            if held_out is not None:
                train, val = (data.train.take(rows.nonzero()[:, 0]) for rows in (~held_out, held_out))
            part = Data(data.source, train, val, data.test, data.batch_size, data.seed)
            train_loop(build_model(config, part), part, options)


def seconds(command: Sequence[str], *, cpu: bool) -> float:
    """Return the seconds from start to end of a process, or those of processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    took, _ = seconds_of_process(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime if cpu else took


def main() -> None:
    made = parser(__doc__, repeats=1)
    made.add_argument("--strengths", type=int, default=20)
    made.add_argument("--folds", type=int, default=10)
    made.add_argument("--epochs", type=int, default=10)
    made.add_argument("--cpu", action="store_true", help="compare time of processors, on a machine that others use")
    given = made.parse_args()
    size = [str(given.strengths), str(given.folds), str(given.epochs)]

    def side_by_side() -> float:
        swept = "penalty.strength=" + ",".join(map(str, strengths(given.strengths)))
        with tempfile.TemporaryDirectory() as folder:
            linnet = str(Path(sys.executable).with_name("linnet"))
            place = ["hydra/launcher=vectorized", f"hydra.sweep.dir={folder}/sweep"]
            return seconds([linnet, "train", "-m", *words(given.folds, given.epochs), swept, *place], cpu=given.cpu)

    def alone() -> float:
        return seconds([sys.executable, __file__, "--alone", *size], cpu=given.cpu)

    n_models = given.strengths * (given.folds + 1)
    candidates = [
        Candidate(f"{n_models} models side by side, a tracked sweep", side_by_side),
        Candidate("one after the other, plain loops in one process", alone, limit=LIMIT),
    ]
    unit = "processor seconds" if given.cpu else "seconds"
    title = f"{unit} of {given.folds} folds x {given.strengths} strengths x {given.epochs} epochs of Fashion-MNIST"
    print(table(title, candidates, take_turns(candidates, given.repeats)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        one_after_the_other(sys.argv[2:])
    else:
        main()
