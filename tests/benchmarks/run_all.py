"""Run the benchmarks one after the other, and write their tables to tests/benchmarks/RESULTS.md: `make bench`.

    python tests/benchmarks/run_all.py [epoch startup ...]

A benchmark is any script in this directory that prints a table and ends with 0; one that fails is named, and makes
the exit code 1. A missed limit does not: a busy machine misses some. With names, only their sections are written again.
Those of a GPU, gpu…, are only run if they are named.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from side_by_side import machine

FOLDER = Path(__file__).parent
NO_BENCHMARKS = ("commits", "estimators", "run_all", "side_by_side")  # python_api prints those of estimators
SHORTENED = {
    "cross_validation": ["--epochs", "3"],
    "optimum": ["--solvers", "lbfgs-float64", "--repeats", "3"], "probe": ["--patience", "60"],
    "sparse": ["--patience", "40"],
}  # fmt: skip
"""What a script is given, so that all of them take less than half an hour."""


def benchmarks() -> list[str]:
    names = sorted(path.stem for path in FOLDER.glob("*.py"))
    return [name for name in names if name not in NO_BENCHMARKS and not name.startswith("test_")]


def on_gpu(name: str) -> bool:
    """Whether a benchmark is one of a GPU, which few machines have."""
    return name.startswith("gpu")


def run(name: str) -> tuple[int, str]:
    """A benchmark's exit code, and its section of the results."""
    words = [f"tests/benchmarks/{name}.py", *SHORTENED.get(name, [])]
    print(" ".join(words), flush=True)
    start = time.monotonic()
    # What a script logs goes to the terminal; its table, to the results too.
    ended = subprocess.run([sys.executable, *words], cwd=FOLDER.parents[1], stdout=subprocess.PIPE, text=True)
    print(ended.stdout, flush=True)
    failed = f"\n\nFAILED with exit code {ended.returncode}." if ended.returncode else ""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    text = f"## {name}\n\n`python {' '.join(words)}`, {now}, {time.monotonic() - start:.0f} s{failed}\n"
    return ended.returncode, text + (f"\n```\n{ended.stdout.rstrip()}\n```\n" if ended.stdout.strip() else "")


def sections(path: Path) -> dict[str, str]:
    """Name -> text of each section of earlier results."""
    parts = re.split(r"^(?=## )", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {part.split()[1]: part.rstrip() + "\n" for part in parts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(benchmarks())} (default: all)")
    parser.add_argument("--output", type=Path, default=FOLDER / "RESULTS.md")
    given = parser.parse_args()
    if unknown := set(given.names) - set(benchmarks()):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")

    head = f"# Benchmarks\n\nWritten by `make bench`, each section at its own time. {machine()}\n"
    results = {name: run(name) for name in given.names or [name for name in benchmarks() if not on_gpu(name)]}
    failed = [name for name, (code, _) in results.items() if code]
    before = sections(given.output) if given.output.is_file() else {}
    kept = {name: text for name, text in before.items() if given.names or on_gpu(name)}
    texts = kept | {name: text for name, (_, text) in results.items()}
    given.output.write_text("\n".join([head, *(texts[name] for name in sorted(texts))]), encoding="utf-8")
    print(f"{os.path.relpath(given.output)}" + (f"; failed: {', '.join(failed)}" if failed else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
