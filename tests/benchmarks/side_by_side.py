"""What the benchmarks share: candidates that take turns, and the one table that comes of it."""

import argparse
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

VERSIONS = ("torch", "pytorch-lightning", "torchvision", "scikit-learn", "numpy")


@dataclass(frozen=True)
class Candidate:
    """One row of a table; the first candidate is ours.

    name: what is timed.
    run: one turn, which returns its seconds, or those of each of its parts.
    limit: how large the ratio of medians, ours to this one's, may be; None: nothing is promised.
    allowed: how many seconds the median of this one may be, in place of a limit.
    """

    name: str
    run: Callable[[], float | Sequence[float]]
    limit: float | None = None
    allowed: float | None = None


def parser(description: str | None, repeats: int) -> argparse.ArgumentParser:
    """With `--repeats`, and the script's docstring as its help."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--repeats", type=int, default=repeats, help="times that the candidates take turns")
    return made


def take_turns(candidates: Sequence[Candidate], repeats: int) -> dict[str, list[float]]:
    """Name -> seconds of all turns. By turns, so that what else the machine does meets each of them alike."""
    seconds: dict[str, list[float]] = {candidate.name: [] for candidate in candidates}
    for _ in range(repeats):
        for candidate in candidates:
            took = candidate.run()
            seconds[candidate.name] += [took] if isinstance(took, float) else took
    return seconds


def seconds_of_process(command: Sequence[str], *, expected: int = 0, **options: object) -> tuple[float, str]:
    """Seconds from start to end of a process, and what it printed.

    Raises:
        RuntimeError: its exit code is not the expected one.
    """
    start = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True, **options)
    took = time.perf_counter() - start
    if ended.returncode != expected:
        raise RuntimeError(f"{' '.join(command)}: exit code {ended.returncode}\n{ended.stderr}")
    return took, ended.stdout


def table(
    title: str,
    candidates: Sequence[Candidate],
    seconds: Mapping[str, Sequence[float]],
    columns: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """The table, with a title above it and the machine below.

    Args:
        title: what is timed, with the unit of the seconds: "seconds per epoch of …".
        candidates: its rows, ours first.
        seconds: as from `take_turns`; a candidate without any is shown with what its columns say of it.
        columns: title -> name -> text, of further columns.
    """
    columns = columns or {}
    heads = ["", *columns, "median s", "least s", "turns", "ratio", "limit", ""]
    ours = statistics.median(seconds[candidates[0].name])
    rows = [heads]
    for candidate in candidates:
        row = [candidate.name, *(texts.get(candidate.name, "") for texts in columns.values())]
        times = seconds[candidate.name]
        if times:
            median = statistics.median(times)
            row += [f"{median:.4g}", f"{min(times):.4g}", str(len(times)), f"{ours / median:.3f}"]
            row += _verdict(candidate, median, ours / median)
        rows.append(row + [""] * (len(heads) - len(row)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
    return "\n".join([title, *lines, f"ratio: median of {candidates[0].name} / median of the row's. {machine()}"])


def _verdict(candidate: Candidate, median: float, ratio: float) -> list[str]:
    """What is promised, and whether it was kept."""
    if candidate.allowed is not None:
        return [f"≤ {candidate.allowed:g} s", "met" if median <= candidate.allowed else "MISSED"]
    if candidate.limit is not None:
        return [f"≤ {candidate.limit:.3f}", "met" if ratio <= candidate.limit else "MISSED"]
    return ["", ""]


def machine() -> str:
    """Processor, cores, memory, load and versions, in one line."""
    from linnet.tracking.manifest import cpu_name

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    threads = os.environ.get("OMP_NUM_THREADS", "default")
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    return (
        f"{cpu_name()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, load {os.getloadavg()[0]:.1f}, "
        f"OMP_NUM_THREADS {threads}; Python {platform.python_version()}, {versions}"
    )
