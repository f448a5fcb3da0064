"""Cross-validated sweeps from Python: the rule of one standard error, and nested cross-validation."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import linnet
from linnet.system.errors import InputError

pytestmark = pytest.mark.usefixtures("workplace")
GRID = {"penalty.strength": [0.001, 0.1, 0.3, 30.0]}
OPTIONS = {"resampling": "kfold", "optimizer": "exact", "penalty": "l2", "quiet": True}


def problem() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 8))
    return pd.DataFrame(x, columns=list("abcdefgh")), x[:, 0] + rng.normal(size=60)


def test_compare_chooses_the_simplest_within_one_standard_error():
    x, y = problem()
    runs = linnet.sweep(GRID, x, y, sweep_dir="path", **OPTIONS)
    found = linnet.compare("path", rule="one-standard-error")
    means = {group.settings["penalty.strength"]: group.spread("cv/loss") for group in found.groups}
    best = min(means.values(), key=lambda value: value.mean)
    expected = max(strength for strength, value in means.items() if value.mean <= best.mean + best.std)
    assert found.chosen.settings == {"penalty.strength": expected}
    assert found.best.config["penalty"]["strength"] == expected != runs.best.config["penalty"]["strength"]
    assert "within one standard error of the best" in repr(found)
    assert linnet.compare(runs).best.directory == runs.best.directory
    simple = linnet.compare("path", rule="one-standard-error", simplest="penalty.strength=smallest")
    assert simple.chosen.settings["penalty.strength"] == min(
        strength for strength, value in means.items() if value.mean <= best.mean + best.std
    )
    with pytest.raises(InputError, match="compare: --rule median: choose best or one-standard-error"):
        linnet.compare("path", rule="median")
    with pytest.raises(InputError, match="it is for --rule one-standard-error"):
        linnet.compare("path", simplest="penalty.strength=largest")


def test_nested_tests_what_each_outer_fold_chooses(capsys):
    x, y = problem()
    found = linnet.nested(2, GRID, x, y, sweep_dir="mine", **OPTIONS)
    assert capsys.readouterr().out == ""
    assert json.loads(Path("mine/nested.json").read_text())["metrics"] == found.metrics
    assert (len(found.folds), found.directory, found.exit_code) == (2, Path("mine"), 0)
    scores = [runs.best.metrics["test/mse"] for runs in found.folds]
    assert found.metrics["test/mse"] == pytest.approx(np.mean(scores))
    assert found.metrics["test/mse_se"] == pytest.approx(np.std(scores, ddof=1) / np.sqrt(2))
    assert repr(found).startswith("<Nested 2 outer folds: test/r2 ")
    assert len(found.folds[0].best.metrics) > 10 and found.folds[0].objective.metric == "cv/loss"
    with pytest.raises(InputError, match="expected a number of outer folds in"):
        linnet.nested(1, GRID, x, y, **OPTIONS)
