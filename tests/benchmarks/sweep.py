"""Seconds of a sweep: jobs trained side by side, against the same jobs one after the other in one process.

    python tests/benchmarks/sweep.py [--repeats 5] [--whole]

64 learning rates for 10 epochs of Fashion-MNIST, and 256 for the default 20 epochs of the synthetic regression, each
job with its own complete run directory. Side by side every job is trained; one after the other an eighth of them,
evenly spread, and their seconds times eight, unless `--whole` asks for all: they take as long as each other.
"""

import contextlib
import io
import tempfile
import time
from collections.abc import Sequence

from side_by_side import Candidate, parser, table, take_turns

from linnet.sweeps.multirun import multirun

VECTORIZED = "hydra/launcher=vectorized"
PART = 8


def rates(n: int, highest: float) -> list[str]:
    """n learning rates over three decades."""
    return [f"{highest * 1e-3 ** (1 - k / (n - 1)):.6g}" for k in range(n)]


def sweep(words: Sequence[str], lrs: Sequence[str], *others: str) -> float:
    """Seconds of a sweep, from its overrides to its summary."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as printed:
        start = time.perf_counter()
        code = multirun([*words, f"optimizer.lr={','.join(lrs)}", f"hydra.sweep.dir={folder}/sweep", *others])
        took = time.perf_counter() - start
    if code:
        raise RuntimeError(f"exit code {code}:\n{printed.getvalue()}")
    return took


def main() -> None:
    arguments = parser(__doc__, repeats=5)
    arguments.add_argument("--whole", action="store_true", help="train all jobs one after the other, too")
    given = arguments.parse_args()
    step = 1 if given.whole else PART
    fashion, line = ["data=fashion_mnist", "trainer.max_epochs=10"], ["data=synthetic_regression"]
    fashion_lrs, line_lrs = rates(64, highest=0.2), rates(256, highest=0.3)
    sweep(line, line_lrs[:2])  # imports, and caches of the system
    sweep([*fashion, "trainer.max_epochs=1"], fashion_lrs[:2], VECTORIZED)
    fashion_candidates = [
        Candidate("side by side", lambda: sweep(fashion, fashion_lrs, VECTORIZED)),
        Candidate("one after the other", lambda: step * sweep(fashion, fashion_lrs[::step]), limit=1 / 4),
    ]
    line_candidates = [
        Candidate("side by side", lambda: sweep(line, line_lrs, VECTORIZED)),
        Candidate("one after the other", lambda: step * sweep(line, line_lrs[::step]), limit=1 / 8),
    ]
    seconds = take_turns(fashion_candidates, given.repeats)
    print(table("seconds of 64 jobs on Fashion-MNIST, 10 epochs", fashion_candidates, seconds))
    seconds = take_turns(line_candidates, given.repeats)
    print(table("\nseconds of 256 jobs of the synthetic regression, 20 epochs", line_candidates, seconds))


if __name__ == "__main__":
    main()
