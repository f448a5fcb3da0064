"""A linear probe of embeddings, eight strengths of an l2 penalty: one linnet command against scikit-learn, one by one.

    python tests/benchmarks/probe.py [--rows 200000] [--epochs 5] [--patience 400]

--rows embeddings of 384 numbers in float16, of 100 overlapping Gaussian classes: 90 % to train, 5 % to choose the
strength by, 5 % to test. linnet trains the eight side by side, with all that it records; its seconds are those of the
process. scikit-learn's LogisticRegression (lbfgs, max_iter 100, C = 1/(N strength)) gets the same rows, standardised,
in float32; its seconds are those of a process that reads the files and fits one strength after the other, nearest to
linnet's choice first, until --patience seconds are over: the table says how many it came to. Linux.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from side_by_side import machine

D, N_CLASSES, BATCH = 384, 100, 1024
STRENGTHS = (1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
SHARES = {"": 0.9, "_val": 0.05, "_test": 0.05}
RECIPE = ("penalty=l2", "optimizer=adam", "optimizer.lr=0.03", "schedule=cosine")
MEASURED = """
import pathlib
from linnet.cli.main import main
try:
    main()
finally:
    print(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


def write_embeddings(folder: Path, n: int) -> None:
    """x.npy, y.npy, x_val.npy …: means and noise alike are large along a few directions, as in real embeddings."""
    rng = np.random.default_rng(0)
    spectrum = np.arange(1, D + 1) ** -0.5
    basis = np.linalg.qr(rng.normal(size=(D, D)))[0] * spectrum[:, None]
    means = 0.19 * rng.normal(size=(N_CLASSES, D))
    for part, share in SHARES.items():
        y = rng.integers(0, N_CLASSES, round(n * share))
        x = np.empty((len(y), D), np.float16)
        for some in np.array_split(np.arange(len(y)), -(-len(y) // 10_000)):
            x[some] = (means[y[some]] + rng.normal(size=(len(some), D))) @ basis
        np.save(folder / f"x{part}.npy", x)
        np.save(folder / f"y{part}.npy", y.astype(np.uint8))


def ours(folder: Path, epochs: int) -> dict[str, float]:
    """Of the sweep: seconds, peak MiB, and the strength with the least validation loss, with its accuracies."""
    files = [f"data.{letter}{part}={folder / (letter + part)}.npy" for letter in "xy" for part in SHARES]
    command = [
        "train", "-m", "hydra/launcher=vectorized", "data=arrays", *files, f"data.batch_size={BATCH}", *RECIPE,
        f"penalty.strength={','.join(map(str, STRENGTHS))}", f"trainer.max_epochs={epochs}",
        f"hydra.sweep.dir={folder / 'sweep'}",
    ]  # fmt: skip
    start = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", MEASURED, *command], capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if ended.returncode:
        raise RuntimeError(f"linnet {' '.join(command)}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    found = [json.loads((folder / "sweep" / str(job) / "metrics.json").read_text()) for job in range(len(STRENGTHS))]
    best = min(range(len(found)), key=lambda job: found[job]["val/loss"])
    return {
        "values": len(found), "seconds": seconds, "peak": int(ended.stdout.split()[-1]) / 1024,
        "strength": STRENGTHS[best], "val_loss": found[best]["val/loss"], "accuracy": found[best]["test/accuracy"],
    }  # fmt: skip


def peer(folder: Path, first: float, patience: float) -> dict[str, float]:
    """The same of scikit-learn, in this process, which ought to be a new one."""
    start = time.perf_counter()
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.preprocessing import StandardScaler

    warnings.simplefilter("ignore", ConvergenceWarning)
    x, x_val, x_test = (np.load(folder / f"x{part}.npy").astype(np.float32) for part in SHARES)
    y, y_val, y_test = (np.load(folder / f"y{part}.npy") for part in SHARES)
    scaler = StandardScaler(copy=False).fit(x)
    x, x_val, x_test = map(scaler.transform, (x, x_val, x_test))
    fits = []
    for strength in sorted(STRENGTHS, key=lambda value: abs(math.log(value / first))):
        model = LogisticRegression(C=1 / (len(y) * strength), max_iter=100).fit(x, y)
        loss = log_loss(y_val, model.predict_proba(x_val))
        fits.append({"strength": strength, "val_loss": loss, "accuracy": model.score(x_test, y_test)})
        print(f"scikit-learn, {strength:g}: {model.n_iter_[0]} iterations, {fits[-1]}", file=sys.stderr, flush=True)
        if time.perf_counter() - start > patience:
            break
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    best = min(fits, key=lambda fit: fit["val_loss"])
    return {"values": len(fits), "seconds": time.perf_counter() - start, "peak": peak, **best}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000, help="of the training, validation and test parts together")
    parser.add_argument("--epochs", type=int, default=5, help="of linnet")
    parser.add_argument("--patience", type=float, default=400, help="seconds after which scikit-learn begins no fit")
    parser.add_argument("--peer", nargs=2, metavar=("FOLDER", "STRENGTH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        print(json.dumps(peer(Path(given.peer[0]), float(given.peer[1]), given.patience)))
        return

    with tempfile.TemporaryDirectory() as folder:
        write_embeddings(Path(folder), given.rows)
        rows = {"linnet": ours(Path(folder), given.epochs)}
        again = [sys.executable, __file__, "--peer", folder, str(rows["linnet"]["strength"])]
        ended = subprocess.run(
            [*again, "--patience", str(given.patience)], stdout=subprocess.PIPE, text=True, check=True
        )
        rows["scikit-learn"] = json.loads(ended.stdout)

    print(f"a linear probe: {given.rows:,} × {D} float16, {N_CLASSES} classes, {len(STRENGTHS)} strengths of l2")
    heads = ("", "strengths", "s", "s each", "peak MiB", "best", "val loss", "test accuracy")
    print("{:<13}{:>11}{:>8}{:>8}{:>10}{:>9}{:>10}{:>15}".format(*heads))
    for name, row in rows.items():
        values = f"{row['values']} of {len(STRENGTHS)}"
        print(
            f"{name:<13}{values:>11}{row['seconds']:>8.1f}{row['seconds'] / row['values']:>8.1f}{row['peak']:>10.0f}"
            f"{row['strength']:>9g}{row['val_loss']:>10.4f}{row['accuracy']:>15.4f}"
        )
    print(
        f"linnet {given.epochs} epochs; scikit-learn max_iter 100, no new fit after {given.patience:g} s. {machine()}"
    )


if __name__ == "__main__":
    main()
