"""Exact linear probes on a GPU: seconds of solving and proven bounds, against scikit-learn on the processor.

    python tests/benchmarks/gpu_exact.py [--rows 1280000] [--strengths 45] [--seconds 200] [--peer-rows 100000]

Rows: Fashion-MNIST with l2 1e-4 to 1e-6; --rows embeddings of 768 numbers in float16, 1,000 overlapping classes, made
on the GPU, with l2 1e-5 to 1e-5; a path of --strengths over twelve decades on them, each to 1e-5 from the last one's
optimum (as many as --seconds allow; the rest is extrapolated and said so); --peer-rows embeddings of 256 numbers and
100 classes, and scikit-learn's LogisticRegression (lbfgs) on the same. Seconds are of solving, with the way to the GPU.
With no GPU, the same on the processor: give fewer rows.
"""

import argparse
import gzip
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from side_by_side import machine

from linnet.solvers.blockwise.newton import Found, minimise
from linnet.solvers.blockwise.rows import SoftmaxRows
from linnet.solvers.relative import Rows

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
FASHION = Path("/usr/share/datasets/fashion-mnist")
DECADES, STRONGEST = 12, 0.78
"""From 1/(N C) for CLIP's weakest C of 1e-6 at 1.28 million examples, downwards."""


def embeddings(n: int, d: int, c: int, separation: float) -> Rows:
    """Means and noise alike are large along a few directions, as in real embeddings."""
    generator = torch.Generator(DEVICE).manual_seed(0)
    spectrum = torch.arange(1, d + 1, device=DEVICE) ** -0.5
    basis = torch.linalg.qr(torch.randn(d, d, generator=generator, device=DEVICE))[0] * spectrum[:, None]
    means = separation * torch.randn(c, d, generator=generator, device=DEVICE)
    y = torch.randint(c, (n,), generator=generator, device=DEVICE)
    x = torch.empty(n, d, dtype=torch.float16, device=DEVICE)
    for some in torch.arange(n, device=DEVICE).split(65_536):
        x[some] = ((means[y[some]] + torch.randn(len(some), d, generator=generator, device=DEVICE)) @ basis).half()
    return Rows(x, y)


def solved(
    rows: SoftmaxRows, l2: float, start: tuple[torch.Tensor, torch.Tensor], tolerance: float
) -> tuple[float, Found]:
    begin = time.perf_counter()
    found = minimise(rows, l2, *start, tolerance)
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin, found


def line(name: str, seconds: float, found: Found, limit: str) -> None:
    certificate = found.certificate
    words = f"F {certificate.objective:.9f}  proven to {certificate.bound:.1e}  {found.steps} Newton steps"
    print(f"{name:<52}{seconds:>8.2f} s  {words}  limit {limit}", flush=True)


def fashion() -> None:
    if not FASHION.is_dir():
        print(f"Fashion-MNIST: not in {FASHION}")
        return
    x = np.frombuffer(gzip.decompress((FASHION / "train-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    y = np.frombuffer(gzip.decompress((FASHION / "train-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    given = Rows(torch.from_numpy(x.reshape(-1, 784) / np.float32(255)), torch.from_numpy(y.astype(np.int64)))
    for turn in ("first call", "second"):
        begin = time.perf_counter()
        rows = SoftmaxRows(given, 10, bias=True, device=DEVICE)
        _, found = solved(rows, 1e-4, rows.zeros(), 1e-6)
        line(f"Fashion-MNIST, l2 1e-4, to 1e-6, {turn}", time.perf_counter() - begin, found, "1.5 s")


def probe(n: int, n_strengths: int, patience: float) -> None:
    given = embeddings(n, 768, 1000, 0.175)
    begin = time.perf_counter()
    rows = SoftmaxRows(given, 1000, bias=True, device=DEVICE)
    _, found = solved(rows, 1e-5, rows.zeros(), 1e-5)
    line(f"{n:,} x 768 float16, 1,000 classes, l2 1e-5, to 1e-5", time.perf_counter() - begin, found, "60 s")
    start, seconds, bounds, begin = rows.zeros(), [], [], time.perf_counter()
    for i in range(n_strengths):
        if time.perf_counter() - begin > patience:
            break
        l2 = STRONGEST * 10 ** (-DECADES * i / (n_strengths - 1))
        took, found = solved(rows, l2, start, 1e-5)
        start = found.weight, found.bias
        seconds.append(took)
        bounds.append(found.certificate.bound)
        line(f"  strength {i}: {l2:.3g}", took, found, "")
    words = f"{len(seconds)} of {n_strengths} strengths, largest bound {max(bounds):.1e}"
    if len(seconds) < n_strengths:
        left = np.mean(seconds[-5:]) * (n_strengths - len(seconds))
        words += f"; all, at the mean of the last five: {sum(seconds) + left:.0f} s"
    print(f"{'path over twelve decades':<52}{sum(seconds):>8.2f} s  {words}  limit 600 s", flush=True)


def peer(n: int) -> None:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    warnings.simplefilter("ignore", ConvergenceWarning)
    given, l2 = embeddings(n, 256, 100, 0.25), 1e-5
    begin = time.perf_counter()
    rows = SoftmaxRows(given, 100, bias=True, device=DEVICE)
    _, found = solved(rows, l2, rows.zeros(), 1e-9)
    name = f"{n:,} x 256, 100 classes, l2 {l2:g}"
    line(name, time.perf_counter() - begin, found, "")
    x, y = given.x.double(), given.y
    begin = time.perf_counter()
    model = LogisticRegression(C=1 / (n * l2), tol=1e-6, max_iter=1000).fit(x.cpu().numpy(), y.cpu().numpy())
    seconds = time.perf_counter() - begin
    weight, bias = torch.from_numpy(model.coef_).to(x), torch.from_numpy(model.intercept_).to(x)
    objective = float(torch.nn.functional.cross_entropy(x @ weight.T + bias, y) + l2 / 2 * weight.square().sum())
    excess = objective - found.certificate.objective
    fits = "within the bound" if excess >= -found.certificate.bound else "BELOW THE BOUND"
    print(f"{name + ', scikit-learn':<52}{seconds:>8.2f} s  F {objective:.9f}  {excess:+.1e} from ours, {fits}; "
          f"{model.n_iter_[0]} iterations", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_280_000)
    parser.add_argument("--strengths", type=int, default=45)
    parser.add_argument("--seconds", type=float, default=200, help="after which the path begins no further strength")
    parser.add_argument("--peer-rows", type=int, default=100_000, help="0: no scikit-learn")
    given = parser.parse_args()
    name = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "no GPU, all on the processor"
    print(f"exact linear probes. {name}. {machine()}", flush=True)
    fashion()
    probe(given.rows, given.strengths, given.seconds)
    if given.peer_rows:
        peer(given.peer_rows)


if __name__ == "__main__":
    main()
