"""The recorded figures of the experiments, and how a run is held against them.

`python tests/experiments/recorded.py [NAME…]` trains every arm of the named experiments (default: all) with the
recorded seeds and writes the values into results.json. Which arms there are, which metrics are recorded, and their
tolerances, stand in that file and are left as they are.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import linnet
from linnet.config.groups import experiments
from linnet.errors import Diverged
from linnet.files import read_json, write_json


def measure(name: str, arm: dict[str, Any], seed: int) -> dict[str, Any]:
    """State and recorded metrics of one run."""
    with tempfile.TemporaryDirectory() as folder:
        overrides = [f"experiment={name}", *arm["overrides"], f"seed={seed}", "figures=false"]
        try:
            run = linnet.train([*overrides, f"hydra.run.dir={folder}/run"])
        except Diverged as error:
            return {"state": "diverged", "step": error.step}
    return {"state": "completed", "metrics": {metric: run.metrics[metric] for metric in arm["metrics"]}}


def differences(arm: dict[str, Any], seed_index: int, measured: dict[str, Any]) -> list[str]:
    """One line for everything that is not as recorded."""
    if measured["state"] != arm["state"]:
        return [f"state {measured['state']}, recorded {arm['state']}"]
    return [
        f"{metric} {measured['metrics'][metric]:.6g}, recorded {figure['values'][seed_index]:.6g} "
        f"± {figure['tolerance']:g}"
        for metric, figure in arm["metrics"].items()
        if abs(measured["metrics"][metric] - figure["values"][seed_index]) > figure["tolerance"]
    ]


def record(name: str) -> None:
    path = experiments()[name] / "results.json"
    results = read_json(path)
    for arm in results["arms"]:
        runs = [measure(name, arm, seed) for seed in results["seeds"]]
        (arm["state"],) = {run["state"] for run in runs}
        for metric, figure in arm["metrics"].items():
            figure["values"] = [run["metrics"][metric] for run in runs]
    write_json(path, results)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    for chosen in sys.argv[1:] or experiments():
        record(chosen)
    sys.exit(0 if Path("experiments").is_dir() else "run this from the root of the repository")
