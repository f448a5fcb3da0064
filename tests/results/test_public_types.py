"""The public API is typed: mypy --strict knows what each of its parts is, in a script of somebody who uses it."""

import subprocess
import sys
from pathlib import Path

import linnet

SOURCES = Path(linnet.__file__).parents[1]
# What those who have pandas' own types see; here it has none.
FRAME = "Any"
TYPES = {
    "linnet.__version__": "str",
    "linnet.train('data=digits', max_epochs=1)": "linnet.results.trained.TrainedRun",
    "linnet.resume('runs/a')": "linnet.results.trained.TrainedRun",
    "linnet.load('runs/a')": "linnet.results.run.Run",
    "linnet.sweep({'lr': [0.1]}, X, y)": "linnet.results.runs.Runs",
    "linnet.compare('runs', runs, run, metric='val/loss')": "linnet.results.runs.Runs",
    "linnet.compare(runs, rule='one-standard-error').chosen": "linnet.comparison.groups.Group",
    "nested.folds": "tuple[linnet.results.runs.Runs, ...]",
    "nested.metrics": "typing.Mapping[str, float]",
    "linnet.open_runs('runs/**', tags=['paper'])": "linnet.results.runs.Runs",
    "run.directory": "pathlib.Path | None",
    "run.metrics": "dict[str, float]",
    "run.config": "typing.Mapping[str, Any]",
    "run.choices": "typing.Mapping[str, Any]",
    "run.curves": "dict[str, tuple[list[int], list[float], fallback=linnet.tracking.history.Curve]]",
    "run.curves['train/loss']": "tuple[list[int], list[float], fallback=linnet.tracking.history.Curve]",
    "run.history": FRAME,
    "run.coefficients": FRAME,
    "run.figures['weights'].png": "bytes",
    "run.model": "linnet.inference.predictor.Predictor",
    "run.model.weight": "numpy.ndarray[tuple[Any, ...], numpy.dtype[numpy.float64]]",
    "run.model.class_names": "tuple[str, ...]",
    "run(X)": "numpy.ndarray[tuple[Any, ...], numpy.dtype[numpy.float64]]",
    "run.predict(X)": "numpy.ndarray[tuple[Any, ...], numpy.dtype[Any]]",
    "run.predict_proba(X)": "numpy.ndarray[tuple[Any, ...], numpy.dtype[numpy.float64]]",
    "run.board().url": "str",
    "run.module": "linnet.models.network.LinearNetwork",
    "run.data": "linnet.data.module.Data",
    "linnet.LinearRegression.task": "str",
    "linnet.SoftmaxRegression.task": "str",
    "repr(run)": "str",
    "runs.frame": FRAME,
    "runs.best": "linnet.results.run.Run",
    "runs[0]": "linnet.results.run.Run",
    "len(runs)": "int",
    "runs.figures": "linnet.results.figures.Figures",
    "runs.plot('heat_map')": "linnet.results.figures.Figure",
    "runs.objective": "linnet.comparison.ranking.Objective",
    "runs.groups": "list[linnet.comparison.groups.Group]",
    "runs.saved": "list[linnet.comparison.runs.SavedRun]",
    "runs.skipped": "tuple[pathlib.Path, ...]",
    "linnet.Diverged(1, 0.1, 2.0).step": "int",
    "linnet.InputError.__mro__": "tuple[type, ...]",
}
HEAD = """
import numpy as np
import linnet

X, y = np.zeros((4, 2)), np.zeros(4)
run: linnet.TrainedRun = linnet.train(X, y, lr=0.1)
runs: linnet.Runs = linnet.sweep({"lr": [0.1, 0.01], "seed": range(3)}, X, y)
nested: linnet.Nested = linnet.nested(2, {"lr": [0.1, 0.01]}, X, y, resampling="kfold")
loaded: linnet.Run = run
errors: list[type[linnet.LinnetError]] = [linnet.InputError, linnet.Diverged, linnet.ProcessLost]
stop: type[KeyboardInterrupt] = linnet.Interrupted
"""
# torch and Lightning are typed elsewhere, and take most of a minute to read.
CONFIG = f"""
[mypy]
strict = true
mypy_path = {SOURCES}
follow_imports = silent
[mypy-torch.*,pytorch_lightning.*,hydra.*,omegaconf.*,rich.*,pandas.*,scipy.*,sklearn.*]
follow_imports = skip
"""


def test_every_public_name_has_a_type(tmp_path: Path) -> None:
    script = HEAD + "".join(f"reveal_type({expression})\n" for expression in TYPES) + "linnet.nothing\n"
    (tmp_path / "script.py").write_text(script)
    (tmp_path / "mypy.ini").write_text(CONFIG)
    options = ["--config-file", "mypy.ini", "--cache-dir", "cache", "--no-error-summary", "--hide-error-context"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "script.py"], cwd=tmp_path, capture_output=True, text=True
    )
    *notes, last = done.stdout.splitlines()
    found = [note.partition('Revealed type is "')[2].rstrip('"') for note in notes]
    assert dict(zip(TYPES, found, strict=True)) == TYPES, done.stdout + done.stderr
    assert 'Module has no attribute "nothing"' in last
    named = " ".join([HEAD, *TYPES])
    assert all(f"linnet.{name}" in named for name in linnet.__all__)
